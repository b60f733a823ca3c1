"""Writing a whole database anew, with the relay stopped: smaller, and so that it can give space back from then on."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from relay.store.database import StoreError, connect
from relay.store.sqlite.room import free_octets
from relay.store.words import explained

_TIMES = 2.2
"""A copy beside it, and all of it once more in the log."""


def compact(path: Path) -> tuple[int, int]:
    """Octets before and after. Raises StoreError: too little space, or another program uses the database."""
    before = path.stat().st_size
    free, needed = free_octets(path), int(_TIMES * before)
    if free < needed:
        raise StoreError(
            f"{path} can't be written anew: that needs {needed >> 20} MiB on its file system, {free >> 20} are free"
        )
    os.environ["SQLITE_TMPDIR"] = str(path.parent)  # of which the space was looked at, and not of /tmp
    with contextlib.closing(connect(path)) as conn:
        try:
            conn.execute("PRAGMA temp_store = FILE")
            conn.execute("PRAGMA auto_vacuum = INCREMENTAL")
            conn.execute("VACUUM")
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise StoreError(f"{path} was not written anew, nothing was changed: {explained(error, path)}") from error
    return before, path.stat().st_size
