"""Where a rate stands: pure arithmetic on counts, with hysteresis.

A level is reached at its figure and left below a part of it (``ease``), so that
a rate that swings around a figure calls nobody twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class RateLevel(IntEnum):
    FINE = 0
    ADVICE = 1
    """The tenant is warned."""
    REVIEW = 2
    """The administrator is called."""
    PAUSE = 3
    """Frozen, where the operator has set that."""

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Steps:
    """The figures of one measure, as parts of 1, in rising order; equal ones are reached together."""

    advice: float
    review: float
    pause: float

    def figure(self, level: RateLevel) -> float:
        return {RateLevel.ADVICE: self.advice, RateLevel.REVIEW: self.review, RateLevel.PAUSE: self.pause}[level]

    def reached(self, count: int, of: int) -> RateLevel:
        """The highest level whose figure the rate has reached: 10 of 200 are 5 %."""
        found = RateLevel.FINE
        for level in (RateLevel.ADVICE, RateLevel.REVIEW, RateLevel.PAUSE):
            # In whole parts of a million, or 0.1 % of 1000 would be a question of rounding.
            if of > 0 and count > 0 and count * 1_000_000 >= round(self.figure(level) * 1_000_000) * of:
                found = level
        return found


def level(before: RateLevel, count: int, of: int, steps: Steps, *, least: int, ease: float) -> RateLevel:
    """The level from now on: ``count`` of ``of``, where it stood at ``before``.

    Fewer than ``least`` say too little to raise it; none at all end it.
    """
    if of <= 0:
        return RateLevel.FINE
    now = steps.reached(count, of)
    if now >= before:
        return now if of >= least else before
    eased = Steps(steps.advice * ease, steps.review * ease, steps.pause * ease)
    return max(now, min(before, eased.reached(count, of)))
