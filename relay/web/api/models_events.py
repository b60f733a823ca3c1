"""What the API says of events and webhooks, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field

from relay.events.types import MEANINGS

_TYPES: Final = "\n".join(f"- `{name}`: {text}" for name, text in MEANINGS.items())

EventType = Annotated[
    str,
    Field(
        description=f"What happened:\n{_TYPES}",
        json_schema_extra={"enum": list(MEANINGS)},
        examples=["delivered"],
    ),
]


class EventOut(BaseModel):
    """One thing that happened. Webhooks carry the same object."""

    id: str = Field(description="The same event has the same id, however often it is read or sent.")
    type: EventType
    at: datetime = Field(description="RFC 3339, UTC.")
    message: str | None = Field(description="Id of the message; null where it concerns none.")
    recipient: str | None = Field(description="The address; null where it concerns none, or several.")
    stream: str | None
    topic: str | None
    campaign: str | None = Field(description="By name.")
    tag: str | None
    meta: dict[str, str] = Field(description="What the message was sent with.")
    detail: dict[str, Any] = Field(
        description="More about it. Where a server answered: `reply`, its `code` (such as `550`), the enhanced"
        " `status` (RFC 3463) and `remote`. Failures have a `class` (such as `unknown-address`, `mailbox-full`,"
        " `spam`) and `hard`: whether the address is dead. Of refusals `code` is the word of the reply, such as"
        " `no-consent`."
    )


class EventList(BaseModel):
    """Some events, oldest first."""

    events: list[EventOut]
    next: str = Field(description="Cursor of what comes behind these, also at the end.")
    ended: bool = Field(description="There was nothing more when this was read.")
