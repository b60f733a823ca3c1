"""Is the mail process alive? A beat in shared memory that the HTTP process reads.

No file, no lock, no query: the mail process's event loop writes the time a few
times a second, so a loop that hangs is seen as well as a process that is gone.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import time
from typing import Final

STALE_AFTER_S: Final = 10.0


class Heartbeat:
    """Made by the parent before it forks; ``fd`` makes it anew in a process that inherited no more than that."""

    def __init__(self, fd: int | None = None) -> None:
        self.fd = unnamed(bytes(8)) if fd is None else fd
        self._beat = memoryview(mmap.mmap(self.fd, 8)).cast("d")
        if fd is None:
            self.beat()

    def beat(self) -> None:
        """Call this from the event loop every second or so."""
        self._beat[0] = time.monotonic()  # CLOCK_MONOTONIC is one clock for all processes

    def alive(self) -> bool:
        return time.monotonic() - self._beat[0] < STALE_AFTER_S


def unnamed(content: bytes) -> int:
    """A descriptor of a file without a name, of which no disk hears where that can be done."""
    try:
        fd = os.memfd_create("relay")
    except (AttributeError, OSError):
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    os.pwrite(fd, content, 0)
    return fd
