"""What the API takes and gives, as JSON."""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Email = Annotated[str, Field(min_length=3, max_length=320, examples=["mary@example.com"])]
Topic = Annotated[str, Field(max_length=100, examples=["newsletter"])]


class ConsentIn(BaseModel):
    """A person's consent to one topic, with what proves it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    email: Email
    topic: Topic
    source: Annotated[str, Field(max_length=500, examples=["sign-up form on example.com"])]
    wording: Annotated[
        str, Field(max_length=20_000, description="The text shown to the person.", examples=["Yes, send me news."])
    ]
    ip: Annotated[IPv4Address | IPv6Address | None, Field(description="Address the person gave it from.")] = None
    page: Annotated[str, Field(max_length=2_000, description="Page it was given on.")] = ""
    at: Annotated[AwareDatetime | None, Field(description="When it was given (RFC 3339); default: now.")] = None


class WithdrawIn(BaseModel):
    """Which consent ends; without a topic all do."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    email: Email
    topic: Topic | None = None


class ConsentOut(BaseModel):
    """A consent as recorded. Times are RFC 3339 in UTC."""

    email: str = Field(description="Canonical: lower case, domain as A-labels.")
    topic: str
    channel: str
    live: bool
    given_at: datetime
    withdrawn_at: datetime | None
    recorded_at: datetime
    source: str
    wording: str
    means: str
    ip: str
    page: str


class ConsentList(BaseModel):
    """One page of consents, by address and topic."""

    consents: list[ConsentOut]
    next: str | None = Field(description="Cursor of the next page; null at the end.")


class Withdrawn(BaseModel):
    """What a withdrawal did."""

    email: str
    topic: str | None
    changed: bool = Field(description="false if it had been withdrawn before.")


class ProblemOut(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: list[dict[str, str]] = Field(default=[], description="Fields and what is wrong with them.")
