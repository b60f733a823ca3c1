"""Moving committed pages from the log into the database, beside the commits and not within them.

SQLite's own way is that whichever commit makes the log long enough copies it,
and the messages of that commit wait. Here a thread does it all the time in
small steps (``PASSIVE``: it waits for nobody and nobody waits for it).

A log begins anew only when all of it has been moved and nobody reads it, which
under steady load never is by chance. So when it has grown beyond its bound the
thread takes its turn to write, for as long as the last few pages need. Where
space is short the bound is low, and the file is given back too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from pathlib import Path

from relay.store.database import connect
from relay.store.sqlite.room import free_octets, is_short, log_octets
from relay.store.sqlite.shrink import Shrinker
from relay.store.sqlite.tight import SHORT_LOG_OCTETS, Reserve
from relay.store.sqlite.turn import PatientTurn
from relay.store.thread import to_its_end

_log = logging.getLogger("relay.store")

EVERY_S = 0.5
LOG_OCTETS = 64 * 1024 * 1024
"""Beyond this the log is begun anew."""
BACKSTOP_PAGES = 50_000
"""Should the thread fall behind so far, the commits do it after all, so that the log stays bounded (200 MB)."""
READERS_MS = 50
"""So long those who read the log may keep it from beginning anew, and the others from writing."""
TURN_S = 0.2
"""So long the thread waits for its turn to write."""
FULL_TURN_S = 2.0
"""The same on a full disk, where nothing else can be written."""
TOLD_EVERY_S = 60.0


class Checkpointer:
    """Use from one thread. ``least`` are the octets of the disk that are to stay free."""

    def __init__(self, path: Path, least: int = 0) -> None:
        self._path = path
        self._least = least
        self._conn = connect(path)
        self._conn.execute(f"PRAGMA busy_timeout = {READERS_MS}")
        self._turn = PatientTurn(path.with_name(path.name + "-turn"))
        self._shrinker = Shrinker(self._conn, self._turn)
        self._reserve = Reserve(path)
        self._seen = -1
        self._held_since = 0.0
        self._told_at = 0.0

    def step(self) -> int:
        """Pages in the log if anything was written since the last step, else 0."""
        try:
            found = self._step()
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_FULL or not self._reserve.spend(self._empty):
                raise
            return 0
        self._reserve.fill()
        return found

    def _empty(self) -> None:
        """Move all of the log and cut its file, before anybody writes again."""
        if self._turn.wait_at_most(FULL_TURN_S):
            try:
                self._move("TRUNCATE")
            finally:
                self._turn.give()

    def _step(self) -> int:
        short = is_short(free_octets(self._path), self._least)
        pages = 0
        version = self._conn.execute("PRAGMA data_version").fetchone()[0]
        if version != self._seen:
            self._seen = version
            pages = self._move("PASSIVE")[1]
        # Giving back lengthens the log first: one that can't begin anew just now would take the room it is to make.
        if self._bound(SHORT_LOG_OCTETS if short else LOG_OCTETS, give_back=short) and self._shrinker.step(
            short, time.monotonic()
        ):
            self._move("PASSIVE")  # which cuts the file
        return pages

    def close(self) -> None:
        self._conn.close()
        self._turn.close()

    def _move(self, mode: str) -> tuple[bool, int]:
        """Whether somebody kept it from being done, and how long the log is in pages."""
        busy, pages, _ = self._conn.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return bool(busy), int(pages)

    def _bound(self, most: int, *, give_back: bool) -> bool:
        """Whether the log is within its bound, or begins anew."""
        octets = log_octets(self._path)
        if octets <= most:
            self._held_since = 0.0
            return True
        if not self._turn.wait_at_most(TURN_S):
            return False  # the mail processes are busy with it; again in half a second
        try:
            # What is left of it takes outcomes even on a full disk: only a log that is far too long is cut.
            held, _ = self._move("TRUNCATE" if give_back and octets > 2 * most else "RESTART")
        finally:
            self._turn.give()
        # Begun anew, the file is as long as before; the next commit cuts it back to LOG_OCTETS.
        if not held:
            self._held_since = 0.0
            return True
        now = time.monotonic()
        self._held_since = self._held_since or now
        if octets > 2 * most and now - self._told_at > TOLD_EVERY_S:
            self._told_at = now
            _log.warning(
                "the log %s-wal has grown to %d MiB and can't begin anew: another program has been reading the database"
                " for %d s (`fuser -v %s` names it); it grows until that has ended",
                self._path, octets >> 20, now - self._held_since, self._path,
            )  # fmt: skip
        return False


async def run(path: Path, least: int = 0) -> None:
    """Until cancelled."""
    checkpointer: Checkpointer | None = None
    try:
        while True:
            try:
                checkpointer = checkpointer or Checkpointer(path, least)
                await to_its_end(checkpointer.step)
            except Exception as error:
                _log.error("the log can't be moved into the database, trying again: %s", error)
                if isinstance(error, sqlite3.ProgrammingError) and checkpointer is not None:
                    checkpointer = None
            await asyncio.sleep(EVERY_S)
    finally:
        if checkpointer is not None:
            with contextlib.suppress(sqlite3.Error, OSError):
                checkpointer.close()
