"""Are the mail processes alive? Beats in shared memory, read by the HTTP process and by the parent.

No file, no lock, no query: each mail process's event loop writes the time once
a second, so a loop that hangs is seen as well as a process that is gone.
"""

from __future__ import annotations

import mmap
import time
from typing import Final

from relay.observe.memory import unnamed

STALE_AFTER_S: Final = 10.0


class Heartbeat:
    """Made by the parent before it forks; ``fd`` makes it anew in a process that inherited no more than that."""

    def __init__(self, processes: int = 1, fd: int | None = None) -> None:
        self.processes = processes
        self.fd = unnamed(bytes(8 * processes)) if fd is None else fd
        self._beats = memoryview(mmap.mmap(self.fd, 8 * processes)).cast("d")
        if fd is None:
            for index in range(processes):
                self.beat(index)

    def beat(self, index: int = 0) -> None:
        """Call this from the event loop every second or so."""
        self._beats[index] = time.monotonic()  # CLOCK_MONOTONIC is one clock for all processes

    def alive(self) -> bool:
        """At least one of them takes mail."""
        return time.monotonic() - max(self._beats) < STALE_AFTER_S
