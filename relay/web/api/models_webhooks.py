"""What the API takes and says of webhooks, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from relay.web.api.models import Given, Moment
from relay.webhooks.address import MOST_URL

UrlField = Annotated[str, Field(min_length=1, max_length=MOST_URL, examples=["https://app.example.com/hooks/relay"])]
TypesField = Annotated[
    list[Annotated[str, Field(max_length=40)]],
    Field(max_length=40, description="Types of events; empty: all.", examples=[["delivered", "bounced"]]),
]


class WebhookIn(Given):
    """Where to call, and of what."""

    url: UrlField
    events: TypesField = Field(default_factory=list)


class WebhookChange(Given):
    """What is left out stays."""

    url: UrlField | None = None
    events: TypesField | None = None


class WebhookOut(BaseModel):
    """A webhook. Requests are signed by Standard Webhooks 1.0."""

    id: str
    url: str
    events: list[str] = Field(description="Types of events; empty: all.")
    state: str = Field(description="`active`, `failing` (tries go on) or `ended` (a test that succeeds resumes it).")
    why: str = Field(description="Why it ended.")
    created_at: datetime
    failing_since_at: datetime | None
    ended_at: datetime | None
    waiting: int = Field(description="Events that wait for another try.")
    public_keys: list[str] = Field(description="Ed25519 keys that check `v1a`, the newest first.")


class WebhookMade(WebhookOut):
    """With its secret, which is shown this once."""

    secret: str = Field(description="Checks `v1`, as `whsec_…`; it can't be shown again.")


class WebhookList(BaseModel):
    """All of the tenant's."""

    webhooks: list[WebhookOut]


class TestOut(BaseModel):
    """What the server said to a test."""

    ok: bool
    status: int = Field(description="0: there was no answer.")
    took_ms: int
    says: str
    resumed: bool = Field(description="It had ended, and is called again.")


class ReplayIn(Given):
    """Which events are sent once more: by id, those of a time, or those that failed."""

    events: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=1_000)] = Field(default_factory=list)
    since: Moment | None = None
    until: Moment | None = None
    failed: bool = False


class ReplayOut(BaseModel):
    """They keep their ids."""

    queued: int


class TryOut(BaseModel):
    """One try, and its answer."""

    at: datetime
    event: str
    type: str
    number: int = Field(description="1: the first.")
    status: int = Field(description="0: there was no answer, `says` tells why.")
    took_ms: int
    says: str = Field(description="Beginning of the answer.")


class TryList(BaseModel):
    """The newest first."""

    tries: list[TryOut]
    next: str | None = Field(description="Cursor of the next page; null at the end.")
