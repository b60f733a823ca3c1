"""How much mail the disk can still take: asked before a message is stored, not when it can't be.

What counts as room: the file system's free octets, and the database's free
pages beyond those that a queue at work always needs. What counts against it:
``least`` that are to stay free, the log (its pages still have to go into the
database), and what is about to be written, here and by the other mail
processes. The disk is looked at once a second and whenever the answer would be
no; in between each message is counted.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from relay.store.contract import Tx
from relay.store.sqlite.shrink import SPARE_PAGES

PAGE_OCTETS: Final = 4096
LOOK_S: Final = 1.0
AGAIN_S: Final = 0.02
"""Between looks where there is no room."""
LOG_FLOOR_OCTETS: Final = 8 * 1024 * 1024
"""Free pages don't help the log, which grows on the file system: so much must be free there (or ``least``)."""
ROWS_OCTETS: Final = 16 * 1024
"""What a message costs beside its text: rows, indexes, an event."""
FRESH_S: Final = 10.0
"""So long a refusal says that the disk is full."""
USUAL_OCTETS: Final = 1024 * 1024
"""That there is no room for more than this says little."""
SHORT: Final = 4
"""Space is short below so many times ``least``, and below SHORT_OCTETS."""
SHORT_OCTETS: Final = 256 * 1024 * 1024


def free_octets(database: Path) -> int:
    """On the database's file system, for this user. Raises OSError."""
    found = os.statvfs(database.parent)
    return found.f_bavail * found.f_frsize


def log_octets(database: Path) -> int:
    """Length of the database's log; 0 if there is none."""
    try:
        return os.stat(f"{database}-wal").st_size  # noqa: PTH116
    except OSError:
        return 0


def is_short(free: int, least: int) -> bool:
    return free < max(SHORT * least, SHORT_OCTETS)


def cost(octets: int) -> int:
    """What a message may take of the disk: once in the log, and once in the database."""
    return 2 * octets + ROWS_OCTETS


class DiskRoom:
    """Of one mail process among ``share``; use from its loop."""

    def __init__(
        self,
        database: Path,
        conn: Tx,
        least: int,
        *,
        share: int = 1,
        tell: Callable[[int], None] = lambda octets: None,
        others: Callable[[], int] = lambda: 0,
        free: Callable[[Path], int] = free_octets,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``conn`` is for reading. ``tell`` is told the octets that are about to be written, ``others`` says theirs."""
        self._database = database
        self._conn = conn
        self._least = least
        self._share = share
        self._tell = tell
        self._others = others
        self._free = free
        self._clock = clock
        self._looked_at = -LOOK_S
        self._whole = 0
        """For all processes, as of the last look."""
        self._left = 0
        """Of that this one's share, less what it has taken since."""
        self._coming = 0
        self._refused_at = -FRESH_S

    @property
    def full(self) -> bool:
        """No room for a message of a usual size: one was refused a moment ago, or would be."""
        return self._left < ROWS_OCTETS or self._clock() - self._refused_at < FRESH_S

    def fits(self, octets: int) -> bool:
        """Whether a message of so many octets could be taken now."""
        if octets > USUAL_OCTETS:  # worth a look of its own, which then sees what the others have taken meanwhile
            self.look()
            return self._whole >= cost(octets)
        if self._clock() - self._looked_at > LOOK_S:
            self.look()
        if self._left >= cost(octets) or self._again(cost(octets)):
            return True
        self._refused_at = self._clock()
        return False

    def take(self, octets: int) -> bool:
        """Count a message that is going to be written; call ``give`` when it was, or when it could not be."""
        needed = cost(octets)
        if not self.fits(octets):
            return False
        self._left -= needed
        self._coming += needed
        self._tell(self._coming)
        return True

    def give(self, octets: int) -> None:
        self._coming -= cost(octets)
        self._tell(self._coming)

    def look(self) -> None:
        """At the disk."""
        self._looked_at = self._clock()
        try:
            free = self._free(self._database)
        except OSError:
            self._whole = self._left = 0  # the directory is gone: nothing can be stored there
            return
        left = free - log_octets(self._database) - self._least
        if is_short(free, self._least):
            # The log itself needs the file system, however many pages are free in the database.
            left = min(left + self._free_pages() * PAGE_OCTETS, free - min(self._least, LOG_FLOOR_OCTETS))
        # What others are about to write is not to be seen on the disk as yet, and they look at it as this one does.
        left -= self._others()
        self._whole = left - self._coming
        self._left = left // self._share - self._coming

    def _again(self, needed: int) -> bool:
        if self._clock() - self._looked_at > AGAIN_S:
            self.look()
        return self._left >= needed

    def _free_pages(self) -> int:
        try:
            return max(0, int(self._conn.execute("PRAGMA freelist_count").fetchone()[0]) - SPARE_PAGES)
        except sqlite3.Error:
            return 0
