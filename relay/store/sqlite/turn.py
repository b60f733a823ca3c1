"""Whose turn it is to write, among the mail processes of one relay.

SQLite lets one connection write and has the others try again after growing
pauses; under load that leaves the disk idle and serves them out of order. A
lock file wakes the next one at once. It orders the relay's own processes
only: whoever holds it still takes SQLite's lock, which decides. So a file
system that refuses the lock (no locks left, an I/O error) costs order and
nothing else: one goes on as if it were one's turn.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from pathlib import Path

from relay.store.files import open_small
from relay.store.thread import Hand

_log = logging.getLogger("relay.store")


class Turn:
    """Taken and given back by one writer at a time; the kernel gives it back if the process ends."""

    def __init__(self, path: Path) -> None:
        self._fd = open_small(path)
        self._told = False

    def take(self) -> bool:
        """At once, or not."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            self._without(error)
        return True

    def wait(self) -> None:
        """Blocks; for a thread. Those who hold it hold it for one commit."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX)
        except OSError as error:
            self._without(error)

    def give(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
        except OSError as error:
            self._without(error)

    def close(self) -> None:
        os.close(self._fd)

    def _without(self, error: OSError) -> None:
        if not self._told:
            self._told = True
            _log.error("the file by which mail processes take turns can't be locked, going on without: %s", error)


class PatientTurn(Turn):
    """For a thread that does other things too: it waits in the kernel's queue, and not for longer than it says.

    Asking again and again instead would find the lock taken every time: whoever
    writes under load gives it back for some microseconds only, and the
    interpreter's lock keeps this thread from looking in just those.
    """

    def __init__(self, path: Path) -> None:
        """Raises NoThread."""
        super().__init__(path)
        self._thread = Hand("relay-turn")
        self._lock = threading.Lock()
        self._got = threading.Event()
        self._asked = False
        self._wanted = False

    def wait_at_most(self, seconds: float) -> bool:
        """False if it did not come in time. Call ``give`` after True."""
        with self._lock:
            self._wanted = True
            if not self._asked:
                self._asked = True
                self._got.clear()
                self._thread.do(self._ask)
        if self._got.wait(seconds):
            return True
        with self._lock:
            self._wanted = self._got.is_set()
            return self._wanted

    def _ask(self) -> None:
        self.wait()
        with self._lock:
            self._asked = False
            if self._wanted:
                self._got.set()
            else:
                self.give()

    def close(self) -> None:
        if self._thread.end(0.1):  # else the end of the process closes what it waits for
            super().close()
