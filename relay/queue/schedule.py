"""When a deferred copy is tried again (RFC 5321 §4.5.4.1)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """Delays after the first, second, … failed attempt; the last one repeats."""

    delays_s: Sequence[float]
    jitter: float = 0.1
    """Each delay is stretched or shrunk by up to this share, so that retries spread."""
    draw: Callable[[], float] = random.random

    def next_attempt(self, now: float, failed_attempts: int, not_before: float | None = None) -> float:
        """Time of the next attempt after ``failed_attempts`` (1 or more)."""
        delay = self.delays_s[min(max(failed_attempts, 1), len(self.delays_s)) - 1]
        due = now + delay * (1 + self.jitter * (2 * self.draw() - 1))
        return due if not_before is None else max(due, not_before)

    def waits_s(self, failed_attempts: int) -> float:
        """How long a copy has waited that failed so often, as planned: one wait less than attempts."""
        waits = max(failed_attempts - 1, 0)
        delays = self.delays_s
        return sum(delays[:waits]) + max(waits - len(delays), 0) * delays[-1]

    @property
    def longest_s(self) -> float:
        """No planned wait is longer."""
        return max(self.delays_s) * (1 + self.jitter)
