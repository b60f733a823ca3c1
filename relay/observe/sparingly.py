"""Log lines that a stranger can cause are written sparingly: so many in a while, then one that counts the rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Sparingly:
    """At most ``most`` lines in ``each_s`` seconds; safe for threads. ``clock`` gives monotonic seconds."""

    def __init__(self, most: int, each_s: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._each_s = each_s
        self._clock = clock
        self._begun = clock()
        self._written = 0
        self._left_out = 0
        self._lock = threading.Lock()

    def take(self) -> int | None:
        """How many lines were left out since the last one, where another may be written; None where it may not."""
        with self._lock:
            return self._take()

    def _take(self) -> int | None:
        now = self._clock()
        if now - self._begun >= self._each_s:
            self._begun, self._written = now, 0
        if self._written >= self._most:
            self._left_out += 1
            return None
        self._written += 1
        left_out, self._left_out = self._left_out, 0
        return left_out
