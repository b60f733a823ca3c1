"""What the API takes and gives about the consent to being tracked, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from relay.web.api.models import Email, Given, Ip, Moment, PageField, SourceField, WordingField


class TrackingIn(Given):
    """A person's consent to being tracked by the tenant, with what proves it."""

    email: Email
    source: SourceField
    wording: WordingField
    ip: Ip | None = None
    page: PageField = ""
    at: Annotated[Moment | None, Field(description="When it was given (RFC 3339); default: now.")] = None


class TrackingOut(BaseModel):
    """What is recorded of a person. Times are RFC 3339 in UTC."""

    email: str = Field(description="Canonical: lower case, domain as A-labels.")
    live: bool
    given_at: datetime | None
    withdrawn_at: datetime | None = Field(description="Since when it is switched off.")
    source: str
    wording: str
    means: str
    ip: str
    page: str
