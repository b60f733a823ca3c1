"""What is known of a list while it is tried, taken, or taken back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

BEAT_S: Final = 2.0
"""Whoever works on a list says so this often."""
LOST_S: Final = 30.0
"""After so long without a beat the list goes to another process, from its first line on: what is taken stays so."""


class JobKind(StrEnum):
    TRY = "try"
    TAKE = "take"
    UNDO = "undo"


class JobState(StrEnum):
    WAITS = "waits"
    RUNS = "runs"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ToldJob:
    """What came of it, in the sentences of ``relay.lists.told``."""

    fault: str = ""
    """Why nothing came of it."""
    remarks: tuple[str, ...] = ()
    """How the file was understood."""
    sums: tuple[str, ...] = ()
    asked: tuple[tuple[str, str], ...] = ()
    """Questions, each with the word that an answer names."""
    refused: tuple[str, ...] = ()
    """The first of them."""
    refusals: int = 0
    taken: int = 0
    offered: int = 0


@dataclass(frozen=True, slots=True)
class UndoWish:
    """Of a list that is taken back."""

    reason: str


@dataclass(frozen=True, slots=True)
class ListJob:
    """Times in seconds UTC."""

    id: int
    tenant_id: int
    kind: JobKind
    state: JobState
    file: str
    octets: int
    wishes: str
    """JSON: ``relay.lists.wishes.ListWishes``, or of an undoing ``UndoWish``."""
    actor: str
    made_at: float
    changed_at: float
    claim: str
    beat_at: float
    lines_done: int
    lines: int
    import_id: int | None
    told: ToldJob = field(default_factory=ToldJob)

    @property
    def open(self) -> bool:
        """Something is still to come of it."""
        return self.state in (JobState.WAITS, JobState.RUNS)

    @property
    def percent(self) -> int:
        """How far it is."""
        return min(100, 100 * self.lines_done // self.lines) if self.lines else 0
