"""Moving committed pages from the log into the database, beside the commits and not within them.

SQLite's own way is that whichever commit makes the log long enough copies it,
and the messages of that commit wait. Here a thread does it all the time in
small steps (``PASSIVE``: it waits for nobody and nobody waits for it).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from pathlib import Path

from relay.store.database import connect
from relay.store.thread import to_its_end

_log = logging.getLogger("relay.store")

EVERY_S = 0.5
BACKSTOP_PAGES = 50_000
"""Should the thread fall behind so far, the commits do it after all, so that the log stays bounded (200 MB)."""


class Checkpointer:
    """Use from one thread."""

    def __init__(self, path: Path) -> None:
        self._conn = connect(path)
        self._seen = -1

    def step(self) -> int:
        """Pages in the log if anything was written since the last step, else 0."""
        version = self._conn.execute("PRAGMA data_version").fetchone()[0]
        if version == self._seen:
            return 0
        self._seen = version
        return int(self._conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])

    def close(self) -> None:
        self._conn.close()


async def run(path: Path) -> None:
    """Until cancelled."""
    with contextlib.closing(Checkpointer(path)) as checkpointer:
        while True:
            try:
                await to_its_end(checkpointer.step)
            except sqlite3.Error as error:
                _log.error("the log can't be moved into the database, trying again: %s", error)
            await asyncio.sleep(EVERY_S)
