"""Do many domains vanish at once? Judged from this process's own latest answers.

Names end one by one. Where most of those asked for lately don't exist, or most
of those that were well before, it is the resolver that is ill.
"""

from __future__ import annotations

from collections import Counter, OrderedDict

WINDOW_S = 600.0
MOST_NAMES = 10_000
MANY = 5
"""Vanished domains, at least, where nothing is known of them from before."""
MANY_KNOWN = 3
"""Vanished domains that were well before, at least."""


class Trend:
    """The latest answer for each domain; times are monotonic seconds, handed in."""

    def __init__(self) -> None:
        self._latest: OrderedDict[str, tuple[float, bool, bool]] = OrderedDict()
        self._counts: Counter[tuple[bool, bool]] = Counter()

    def add(self, name: str, now: float, *, good: bool, was_good: bool) -> None:
        """``was_good``: it was known to be well before."""
        before = self._latest.pop(name, None)
        if before is not None:
            self._counts[before[1:]] -= 1
            was_good = was_good or before[1]
        self._latest[name] = (now, good, was_good)
        self._counts[good, was_good] += 1
        self._prune(now)

    def alarming(self, now: float) -> bool:
        """Most of many vanished."""
        self._prune(now)
        gone = self.gone
        if gone >= MANY and gone > self.well:
            return True
        return self._counts[False, True] >= MANY_KNOWN and self._counts[False, True] > self._counts[True, True]

    def sound(self, now: float) -> bool:
        """Names resolve."""
        self._prune(now)
        return self.well > self.gone and not self.alarming(now)

    @property
    def gone(self) -> int:
        return self._counts[False, False] + self._counts[False, True]

    @property
    def well(self) -> int:
        return self._counts[True, False] + self._counts[True, True]

    def _prune(self, now: float) -> None:
        while self._latest:
            name, (at, good, was_good) = next(iter(self._latest.items()))
            if at >= now - WINDOW_S and len(self._latest) <= MOST_NAMES:
                return
            del self._latest[name]
            self._counts[good, was_good] -= 1
