"""Words of announcements, and when planned work has to be announced. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DAY_S: Final = 86_400.0
"""Work that lasts longer is announced so long before it begins (R35)."""


class AnnouncementKind(StrEnum):
    WORK = "work"
    """Planned work: mail or pages may stand still."""
    NOTICE = "notice"
    """Anything else that tenants should know."""


class AnnouncementState(StrEnum):
    COMING = "coming"
    NOW = "now"
    OVER = "over"
    WITHDRAWN = "withdrawn"


class LetterState(StrEnum):
    """How far the letters about an announcement are."""

    WRITTEN = "written"
    WAITING = "waiting"
    STOPPED = "stopped"
    """It was withdrawn, or over, before all were."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """Times in seconds UTC."""

    id: int
    kind: AnnouncementKind
    title: str
    text: str
    from_at: float
    until_at: float
    everybody: bool
    """All tenants, those that come later too; else the named ones."""
    urgent: str
    """Why it couldn't wait, as it was said; long work that is announced late has it."""
    actor: str
    at: float
    told_to: int
    told_at: float | None
    """When the last letter was written; None: some aren't yet."""
    withdrawn_at: float | None
    withdrawn_why: str
    recalled_to: int
    recalled_at: float | None

    def state(self, now: float) -> AnnouncementState:
        if self.withdrawn_at is not None:
            return AnnouncementState.WITHDRAWN
        if now >= self.until_at:
            return AnnouncementState.OVER
        return AnnouncementState.NOW if now >= self.from_at else AnnouncementState.COMING

    def letters(self, now: float) -> LetterState:
        """Of those that tell of it; what recalls them isn't meant."""
        if self.told_at is not None:
            return LetterState.WRITTEN
        waits = self.withdrawn_at is None and now < self.until_at
        return LetterState.WAITING if waits else LetterState.STOPPED


def late(kind: AnnouncementKind, from_at: float, until_at: float, now: float) -> bool:
    """Work of more than a day that begins in less than a day."""
    return kind is AnnouncementKind.WORK and until_at - from_at > DAY_S and from_at - now < DAY_S
