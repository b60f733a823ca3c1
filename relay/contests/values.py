"""What can be said of a consent, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DAY_S: Final = 86_400.0
MAX_WORDS: Final = 1_000
"""Characters that a person can add."""
MAX_ANSWER: Final = 4_000
MIN_ANSWER: Final = 20
"""Characters; fewer prove nothing."""
MAX_FILE: Final = 512 * 1024
"""Octets of evidence."""


class Plea(StrEnum):
    """What the person says."""

    NEVER = "never"
    """I never agreed."""
    STRANGER = "stranger"
    """I agreed to something, but didn't know that it was this company."""
    TYPED = "typed"
    """Somebody else entered my address."""


class ContestState(StrEnum):
    """Where a contest stands. Mail is stopped in all of them."""

    OPEN = "open"
    """The tenant is asked for proof."""
    ANSWERED = "answered"
    """It gave some; the person has the last word."""
    CONCEDED = "conceded"
    """The tenant says that it has none: the consent fell."""
    LAPSED = "lapsed"
    """No answer came in the term: the consent fell."""
    REFUSED = "refused"
    """The person has seen the answer, and says no: the consent fell."""
    ACCEPTED = "accepted"
    """The person has seen the answer, and agrees with it: it counts no more."""
    NOTED = "noted"
    """Another thing than a consent that wasn't given: nothing is asked for."""


FALLEN: Final = frozenset({ContestState.CONCEDED, ContestState.LAPSED, ContestState.REFUSED})


class ContestError(Exception):
    """What was asked for can't be done; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a tenant answers with: a text, a file, or both; an empty name is no file."""

    text: str
    file_name: str = ""
    file: bytes = b""


@dataclass(frozen=True, slots=True)
class Contest:
    """One, as it stands; times in seconds UTC."""

    id: int
    tenant_id: int
    subscriber_id: int
    topic_id: int
    plea: Plea
    words: str
    state: ContestState
    at: float
    due_at: float
    grade: str
    """Of the consent then; empty: there was none."""
    source: str
    counts: bool
    """Whether it enters the rates: not one of many from one network, nor against the relay's own double opt-in."""
    submission_id: int
    number: int
    campaign_id: int | None
    import_id: int | None
    """The list by which the consent came."""
    answer: str = ""
    file_name: str = ""
    answered_at: float | None = None
    ended_at: float | None = None
