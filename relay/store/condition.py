"""Can this mail process store mail? Told once a second, and found out where nothing is written meanwhile.

Faults of a store show when something is written, so a process that has nothing
to write would never learn of one, nor that it has passed. So it writes a row
now and then: every second while something is wrong, else twice a minute
unless mail does it anyway.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from relay.observe.trouble import WORDS, Trouble
from relay.store import marks
from relay.store.units import GroupCommit, StoreBusy, StoreFull, StoreGone, StoreRoom
from relay.store.words import StoreFault, fault

_log = logging.getLogger("relay.store")

EVERY_S: Final = 1.0
IDLE_S: Final = 30.0
WRONG_S: Final = 1.0
TOLD_S: Final = 60.0
PROBE: Final = "probe"
"""A mark that is moved to see whether anything can be written."""


Call = Callable[[Any, Trouble, bool], object]
"""Calls the operator, in the transaction it is handed: for which trouble, and whether that has passed."""


def _nobody(conn: Any, trouble: Trouble, past: bool) -> None:
    """Is called."""


class Condition:
    """``look`` is called from the loop; keeps a probe running where one is due."""

    def __init__(
        self,
        committer: GroupCommit,
        room: StoreRoom,
        call: Call = _nobody,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._committer = committer
        self._room = room
        self._call = call
        self._uncalled: Trouble = Trouble.NONE
        """What the operator should have been called for, but the call could not be stored."""
        self._clock = clock
        self._probe: asyncio.Future[object] | None = None
        self._probed_at = clock()
        self._commits = -1
        self._told = Trouble.NONE
        self._told_at = 0.0

    def look(self) -> Trouble:
        """What troubles the process, worst first."""
        self._room.look()
        self._write_now_and_then()
        trouble = self._trouble()
        now = self._clock()
        if trouble is not self._told or (trouble and now - self._told_at >= TOLD_S):
            self._say(trouble)
            self._summon(trouble, trouble is not self._told)
            self._told, self._told_at = trouble, now
        return trouble

    def _summon(self, trouble: Trouble, new: bool) -> None:
        """Call the operator; where the store does not take even that, once it is well again."""
        past = not trouble
        about = self._uncalled if past else trouble
        if not about or not new:
            return
        self._uncalled = about if not past else Trouble.NONE

        def called(done: asyncio.Future[object]) -> None:
            if not done.cancelled() and done.exception() is None and not past:
                self._uncalled = Trouble.NONE

        self._committer.submit(lambda conn: self._call(conn, about, past)).add_done_callback(called)

    def _trouble(self) -> Trouble:
        if self._committer.lost():
            return Trouble.GONE
        fault = self._committer.fault()
        if fault:
            return kind_of(self._committer.failure) if self._committer.failure is not None else Trouble.WAITING
        if self._room.full:
            return Trouble.DISK
        return Trouble.NONE if _descriptors() else Trouble.FILES

    def _write_now_and_then(self) -> None:
        if self._probe is not None and not self._probe.done():
            return
        now = self._clock()
        if self._committer.commits != self._commits and not self._committer.fault():
            self._commits = self._committer.commits
            self._probed_at = now
        if now - self._probed_at >= (WRONG_S if self._committer.fault() else IDLE_S):
            self._probed_at = now
            self._probe = self._committer.submit(lambda conn: marks.move(conn, PROBE))
            self._probe.add_done_callback(_heard)

    def _say(self, trouble: Trouble) -> None:
        if not trouble:
            _log.warning("mail can be stored again")
            return
        why = self._committer.lost() or self._committer.fault()
        _log.error("%s%s", WORDS[trouble], f" ({why})" if why else "")


def kind_of(error: BaseException) -> Trouble:
    """What a failed write says about the store."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if isinstance(error, StoreGone):
        return Trouble.GONE
    if fault(error) is StoreFault.AWAY:
        return Trouble.AWAY
    if isinstance(error, StoreFull) or code == sqlite3.SQLITE_FULL:
        return Trouble.FULL
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Trouble.DAMAGED
    return Trouble.WRITES


def _descriptors() -> bool:
    """Whether one more can be opened: for a connection, say."""
    try:
        os.close(os.dup(0))
    except OSError as error:
        return error.errno not in (errno.EMFILE, errno.ENFILE)
    return True


def _heard(probe: asyncio.Future[object]) -> None:
    """Its failure is told by the committer."""
    if not probe.cancelled():
        probe.exception()


class Gone(Exception):
    """The database's file was deleted or replaced; what it held has been kept."""


Leave = Callable[[], Awaitable[None]]
"""Keeps what a lost database holds and raises Gone, or finds that it is back."""


async def run(
    committer: GroupCommit,
    room: StoreRoom,
    beat: Callable[[Trouble], None],
    leave: Leave,
    call: Call = _nobody,
) -> None:
    """Beat once a second until cancelled.

    Raises Gone: then nothing can be promised any more, and a new start is what helps.
    """
    condition = Condition(committer, room, call)
    while True:
        try:
            trouble = condition.look()
        except (StoreBusy, sqlite3.Error, OSError) as error:
            _log.error("the store can't be looked at: %s", error)
            trouble = Trouble.WRITES
        beat(trouble)
        if trouble is Trouble.GONE:
            await leave()
        await asyncio.sleep(EVERY_S)
