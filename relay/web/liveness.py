"""Is the mail process alive? A beat in shared memory that the HTTP process reads.

No file, no lock, no query: the mail process's event loop writes the time a few
times a second, so a loop that hangs is seen as well as a process that is gone.
"""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.context import BaseContext
from typing import Final

STALE_AFTER_S: Final = 10.0


class Heartbeat:
    """Made by the mail process before it starts the HTTP process; can be passed to it."""

    def __init__(self, context: BaseContext | None = None) -> None:
        self._beat = (context or multiprocessing).RawValue("d", time.monotonic())

    def beat(self) -> None:
        """Call this from the event loop every second or so."""
        self._beat.value = time.monotonic()  # CLOCK_MONOTONIC is one clock for all processes

    def alive(self) -> bool:
        return time.monotonic() - float(self._beat.value) < STALE_AFTER_S
