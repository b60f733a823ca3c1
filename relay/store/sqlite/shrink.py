"""Giving the file system back what the database has no more use for, piece by piece and beside the mail.

A database file keeps the pages of what was deleted and fills them again. That
is right for a queue that comes and goes, and wrong after a queue that was far
longer than usual. What is spare is cut off the end of the file in steps of a
few milliseconds (``PRAGMA incremental_vacuum``), each in its turn among the
mail processes: at once where space is short, else when it has been much for a
while. Databases of before this (``auto_vacuum`` is off) keep their size; their
free pages count as room all the same (``relay.store.sqlite.room``), and `relay migrate
--compact` writes them anew.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Final

from relay.store.sqlite.turn import PatientTurn

SPARE_PAGES: Final = 2048
"""Free pages (8 MiB) that a queue at work always fills again: they are kept, and don't count as room."""
MUCH_PAGES: Final = 16_384
"""More than 64 MiB, and a quarter of the file, is much."""
WHILE_S: Final = 60.0
STEP_S: Final = 0.005
"""What one step is to take of the others' time at most."""
WAIT_S: Final = 0.05
"""For the turn."""
TURN_S: Final = 0.05
"""What the steps of one call take together."""
MOST_PAGES: Final = 1024
INCREMENTAL: Final = 2


class Shrinker:
    """Use from one thread, with a connection in autocommit mode."""

    def __init__(
        self, conn: sqlite3.Connection, turn: PatientTurn, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._conn = conn
        self._turn = turn
        self._clock = clock
        self._able = conn.execute("PRAGMA auto_vacuum").fetchone()[0] == INCREMENTAL
        self._pages = 32
        self._least = 0
        """Free pages that there were all the time since ``_since``."""
        self._since: float | None = None

    def step(self, short: bool, now: float) -> bool:
        """Give back some if there is enough to spare; whether any was. ``now`` in seconds, monotonic."""
        if not self._able:
            return False
        end = self._clock() + TURN_S
        spare = self._spare(short, now)
        given = False
        while spare > 0 and self._clock() < end:
            if not self._turn.wait_at_most(WAIT_S):
                break
            try:
                freed = self._give_back(min(spare, self._pages))
            finally:
                self._turn.give()
            if freed <= 0:
                break
            spare -= freed
            given = True
        return given

    def _spare(self, short: bool, now: float) -> int:
        free = self._free()
        if short:
            self._since = None
            return free - SPARE_PAGES
        pages = self._conn.execute("PRAGMA page_count").fetchone()[0]
        if free <= max(MUCH_PAGES, pages // 4):
            self._since = None
            return 0
        if self._since is None:
            self._since, self._least = now, free
        self._least = min(self._least, free)
        # Half of it: what comes next needs pages too, and growing a file is dearer than filling it again.
        return self._least // 2 if now - self._since >= WHILE_S else 0

    def _give_back(self, pages: int) -> int:
        """One short transaction; how many pages it freed. Adapts the next one to the time it took."""
        begun = self._clock()
        before = self._free()
        try:
            # A script, for that takes all of the pragma's steps, each of which is a page; ``execute`` takes the first.
            self._conn.executescript(f"BEGIN IMMEDIATE; PRAGMA incremental_vacuum({pages}); COMMIT")
        except BaseException:
            if self._conn.in_transaction:
                self._conn.execute("ROLLBACK")
            raise
        took = self._clock() - begun
        if took > STEP_S:
            self._pages = max(1, self._pages // 2)
        elif took < STEP_S / 2:
            self._pages = min(MOST_PAGES, self._pages * 2)
        return before - self._free()

    def _free(self) -> int:
        return int(self._conn.execute("PRAGMA freelist_count").fetchone()[0])
