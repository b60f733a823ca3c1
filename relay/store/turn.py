"""Whose turn it is to write, among the mail processes of one relay.

SQLite lets one connection write and has the others try again after growing
pauses; under load that leaves the disk idle and serves them out of order. A
lock file wakes the next one at once. It orders the relay's own processes
only: whoever holds it still takes SQLite's lock, which decides.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from relay.store.trouble import open_small


class Turn:
    """Taken and given back by one writer at a time; the kernel gives it back if the process ends."""

    def __init__(self, path: Path) -> None:
        self._fd = open_small(path)

    def take(self) -> bool:
        """At once, or not."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def wait(self) -> None:
        """Blocks; for a thread. Those who hold it hold it for one commit."""
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def give(self) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._fd)
