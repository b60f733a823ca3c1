"""Words of support threads, and until when they are to be answered. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final


class ThreadState(StrEnum):
    """Whose turn it is."""

    STAFF = "staff"
    TENANT = "tenant"
    CLOSED = "closed"


class ThreadKind(StrEnum):
    QUESTION = "question"
    CLAIM = "claim"
    APPEAL = "appeal"
    """Against a statement of reasons."""


BUSINESS_DAYS: Final = {ThreadKind.QUESTION: 1, ThreadKind.CLAIM: 20, ThreadKind.APPEAL: 1}
"""Within which staff answers (R36)."""
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class SupportThread:
    """Times in seconds UTC; ``due_at`` None where it isn't the staff's turn."""

    id: int
    tenant_id: int
    tenant: str
    """Its short name."""
    shown: str
    kind: ThreadKind
    subject: str
    about: str
    state: ThreadState
    at: float
    due_at: float | None
    changed_at: float

    def overdue(self, now: float) -> bool:
        return self.due_at is not None and self.due_at < now


@dataclass(frozen=True, slots=True)
class SupportPost:
    id: int
    at: float
    staff: bool
    author: str
    text: str


def due(kind: ThreadKind, now: float) -> float:
    """So many days of 24 hours after ``now``, of which none is a Saturday or a Sunday (UTC)."""
    at = datetime.fromtimestamp(now, UTC)
    if at.weekday() >= _SATURDAY:  # what comes at a weekend counts from Monday's first moment
        at = at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=7 - at.weekday())
    for _ in range(BUSINESS_DAYS[kind]):
        at += timedelta(days=1)
        if at.weekday() >= _SATURDAY:
            at += timedelta(days=2)
    return at.timestamp()
