"""The log where space is short: bounded by the commits themselves, and with a reserve to get out of a full disk.

What leaves a full queue writes a lot in a moment (SQLite overwrites what it
frees), more than a look twice a second can keep within a small disk. And once
the log has taken the last octet, it can't be moved into a database that must
grow by a page for it: so a little is kept back for that moment.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from relay.store.sqlite.room import PAGE_OCTETS, free_octets, is_short

LOOK_S: Final = 0.25
SHORT_LOG_OCTETS: Final = 4 * 1024 * 1024
"""A log longer than this is moved where space is short."""
RESERVE_OCTETS: Final = 1024 * 1024


class TightLog:
    """Of the connection that commits; use from one thread at a time."""

    def __init__(self, path: Path, usual_pages: int) -> None:
        self._path = path
        self._usual = usual_pages
        self._looked_at = 0.0
        self._short = False
        self._told: sqlite3.Connection | None = None

    def look(self, conn: sqlite3.Connection) -> None:
        """Before a COMMIT; four times a second at most, a few microseconds each."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_S and conn is self._told:
            return
        self._looked_at = now
        with contextlib.suppress(OSError):
            short = is_short(free_octets(self._path), 0)
            if short != self._short or conn is not self._told:
                pages = SHORT_LOG_OCTETS // PAGE_OCTETS if short else self._usual
                conn.execute(f"PRAGMA wal_autocheckpoint = {pages}")
                self._short, self._told = short, conn


class Reserve:
    """A file of RESERVE_OCTETS beside the database, given up when the disk is full."""

    def __init__(self, database: Path) -> None:
        self._file = Path(f"{database}-reserve")

    def fill(self) -> None:
        """Take it, or take it again, where there is far more room than that."""
        with contextlib.suppress(OSError):
            if self._file.exists() or free_octets(self._file) < 4 * RESERVE_OCTETS:
                return
            handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(handle, 0, RESERVE_OCTETS)
            finally:
                os.close(handle)

    def spend(self, work: Callable[[], object]) -> bool:
        """Do the work with the room of it; False where there is none to give up."""
        try:
            self._file.unlink()
        except OSError:
            return False
        work()
        return True
