"""How many connections a site gets, and when it is left alone.

Like Postfix' queue manager: the window grows by 1/window for each answered
transaction and shrinks when a connection fails; only failures to connect, to
greet or to get anything done count. A site that answers nothing is dead: it
is left alone for 30 s, then doubling to 15 min, and tried with one connection.
"""

from __future__ import annotations

INITIAL_WINDOW = 5
LEAST_FAILURES = 3
"""Fruitless sessions in a row, at least, before a site that takes connections is dead."""
FIRST_BACK_OFF_S = 30.0
LAST_BACK_OFF_S = 900.0


class SiteLimits:
    """One site's state. Times are monotonic seconds, handed in."""

    __slots__ = ("_back_off_s", "_ceiling", "_failures", "_first_s", "_last_s", "_window", "down_until")

    def __init__(self, ceiling: int, first_s: float = FIRST_BACK_OFF_S, last_s: float = LAST_BACK_OFF_S) -> None:
        """``first_s``, ``last_s``: bounds of the back-off, shorter than usual where copies are retried sooner."""
        self._ceiling = ceiling
        self._first_s = first_s
        self._last_s = last_s
        self._window = float(min(INITIAL_WINDOW, ceiling))
        self._failures = 0
        self._back_off_s = 0.0
        self.down_until = 0.0

    @property
    def window(self) -> int:
        """Connections allowed now."""
        return int(self._window)

    @property
    def troubled(self) -> bool:
        """There is something to remember about the site."""
        return self._back_off_s > 0

    def answered(self) -> None:
        """A transaction got its answer, whichever."""
        self._failures = 0
        self._back_off_s = 0.0
        if self._window < self._ceiling:
            self._window = min(float(self._ceiling), self._window + 1 / self._window)

    def unreachable(self, others: int, now: float) -> bool:
        """A connection could not be opened while ``others`` were open or opening; True: dead now."""
        self._failures += 1
        self._window = float(max(1, min(int(self._window) - 1, others)))
        return self._die(now) if others == 0 else False

    def fruitless(self, now: float) -> bool:
        """A session ended before it answered any transaction; True: dead now."""
        self._failures += 1
        enough = self._failures >= max(LEAST_FAILURES, self.window)
        self._window = max(1.0, self._window - 1)
        return self._die(now) if enough else False

    def forgive(self) -> None:
        """The operator says that it is worth a try now."""
        self._back_off_s = self.down_until = 0.0

    def _die(self, now: float) -> bool:
        self._back_off_s = min(max(self._first_s, self._back_off_s * 2), self._last_s)
        self.down_until = now + self._back_off_s
        self._window, self._failures = 1.0, 0
        return True
