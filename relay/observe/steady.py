"""Has the clock on the wall been set? It is compared with one that nobody can set.

Times that outlive a process are seconds UTC and come from the clock on the
wall, which may be wrong at a start, be set by hand, or stepped by NTP. What
may not happen by that alone (a copy given up, records deleted) asks here.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from typing import Final

HUNDREDTH_S: Final = 0.01
"""As exact as times(2) is."""
JUMP_S: Final = 60.0
"""A smaller step harms nothing: no wait that matters is shorter."""


_known = (-math.inf, 0.0)
"""When it was read last, by ``time.monotonic``, and what was read."""


def uptime() -> float:
    """Seconds that this machine has been awake, in hundredths (times(2)): nobody can set them.

    Not ``time.monotonic``: libfaketime, for one, sets that along with the clock on the wall. But that one tells when a
    hundredth is over: times(2) sums the time of all threads, and took a twelfth of a copy's.
    """
    global _known
    at, elapsed = _known
    now = time.monotonic()
    if not 0 <= now - at < HUNDREDTH_S:
        elapsed = os.times().elapsed
        _known = now, elapsed
    return elapsed


class Steady:
    """``clock`` gives seconds UTC, ``even`` seconds that never jump."""

    def __init__(self, clock: Callable[[], float], even: Callable[[], float] = uptime) -> None:
        self._clock = clock
        self.even = even
        self._ahead = clock() - even()
        self._since = clock()

    def jumped(self) -> float:
        """By how many seconds the clock was set since this was asked last; 0 if it wasn't."""
        ahead = self._clock() - self.even()
        by = ahead - self._ahead
        if abs(by) < JUMP_S:
            return 0.0
        self._ahead = ahead
        self._since = self._clock()
        return by

    def since(self) -> float:
        """The time (seconds UTC) since which this process has seen the clock go as it should."""
        self.jumped()
        return self._since
