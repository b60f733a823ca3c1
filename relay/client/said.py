"""What the relay says, as values. Members that a later relay adds are in ``raw``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class RefusalHeard:
    """One recipient who gets nothing."""

    email: str
    code: str
    """Such as ``no-consent``, ``unsubscribed``, ``suppressed``."""
    detail: str

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> RefusalHeard:
        return cls(str(told.get("email", "")), str(told.get("code", "")), str(told.get("detail", "")))


@dataclass(frozen=True, slots=True)
class MessageTaken:
    """A message that is on the relay's disk, for those it was accepted for."""

    id: str
    message_id: str
    accepted: tuple[str, ...]
    refused: tuple[RefusalHeard, ...]
    replayed: bool = False
    """It is the answer to an earlier request with the same key."""

    @classmethod
    def read(cls, told: Mapping[str, Any], replayed: bool = False) -> MessageTaken:
        return cls(
            str(told["id"]),
            str(told["message_id"]),
            tuple(told["accepted"]),
            tuple(map(RefusalHeard.read, told["refused"])),
            replayed,
        )


@dataclass(frozen=True, slots=True)
class EventHeard:
    """Something that happened; by ``GET /v1/events`` or by webhook."""

    id: str
    """The same however often it is told."""
    type: str
    at: datetime
    message: str | None
    recipient: str | None
    stream: str | None
    topic: str | None
    campaign: str | None
    tag: str | None
    meta: Mapping[str, str]
    detail: Mapping[str, Any]
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> EventHeard:
        at = datetime.fromisoformat(str(told["at"]))
        text = {name: told.get(name) for name in ("message", "recipient", "stream", "topic", "campaign", "tag")}
        return cls(
            str(told["id"]), str(told["type"]), at, **text, meta=told.get("meta") or {},
            detail=told.get("detail") or {}, raw=told,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PageHeard:
    """A page of a list."""

    items: tuple[Any, ...]
    next: str | None
    """Cursor of the next page; of events: to be kept, for what happens later."""
    ended: bool
    """Nothing more for now."""
