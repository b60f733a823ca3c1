"""Group commit: the one writer of the mail process.

Units of work are run inline on the event loop (each costs tens of
microseconds and touches memory only); so is the COMMIT as long as the disk is
quick, for handing it to a thread and back takes as long as the disk does. Once
it was slow it runs in a thread, until it is quick again. A unit that fails
takes back itself, not its batch. What arrives meanwhile is the next batch, so
there is no timer and a lone message waits for one fsync only.

Why not the whole batch in the thread: the sqlite3 module gives up the GIL at
every statement and would have to win it back from a busy loop each time.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from relay.store.checkpoint import BACKSTOP_PAGES
from relay.store.database import BUSY_TIMEOUT_S, connect
from relay.store.turn import Turn

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]
Done = Callable[[Any, BaseException | None], None]
"""Called on the loop after the fsync with what the unit returned, or with why nothing of it is kept."""

_Ended = tuple[Done, Any, BaseException | None]

MAX_BATCH = 200
"""Units in a commit at most, so that the loop is not held up for long."""
QUICK_S = 0.001
"""A COMMIT that waited no longer for the disk lets the loop wait for the next one itself."""

_log = logging.getLogger("relay.store")


class StoreBusy(Exception):
    """The store could not take the write now; nothing of it was kept."""


class StoreFull(StoreBusy):
    """The disk is full."""


def _lost(error: BaseException) -> StoreBusy:
    """What to tell those whose writes went with ``error``."""
    if isinstance(error, StoreBusy):
        return error
    full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return StoreFull(str(error)) if full else StoreBusy(str(error))


def waited() -> float:
    """Goes on while the calling thread waits, and stands still while it works."""
    return time.monotonic() - time.thread_time()


def _error_of(work: Callable[[], None]) -> BaseException | None:
    try:
        work()
    except BaseException as error:
        return error
    return None


def _opened(path: Path) -> sqlite3.Connection:
    conn = connect(path)
    conn.execute(f"PRAGMA wal_autocheckpoint = {BACKSTOP_PAGES}")
    conn.execute("PRAGMA busy_timeout = 0")
    return conn


class Committer:
    """Runs units of work in shared, durable transactions.

    A unit must be fit to be run again: where one of a batch fails, the batch is
    rolled back and run anew, each unit under a savepoint. So the usual batch,
    in which none fails, pays for no savepoints.
    """

    def __init__(
        self,
        path: Path,
        *,
        turns: bool = False,
        max_pending: int = 20_000,
        clock: Callable[[], float] = waited,
    ) -> None:
        """``turns``: other mail processes write too, and each waits for its turn instead of trying again.

        ``clock`` tells the seconds in which the thread that asks did not run.
        """
        self._path = path
        self._conn = _opened(path)
        self._turn = Turn(path.with_name(path.name + "-turn")) if turns else None
        self._pool = ThreadPoolExecutor(1, "relay-commit")
        self._pending: deque[tuple[Work, Done]] = deque()
        self._max_pending = max_pending
        self._clock = clock
        self._quick = False
        self._running = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.riders: list[Callable[[], None]] = []
        """Called when a batch is put together: what can wait, and goes along if others don't, is enqueued now."""
        self.commits = 0
        self.units = 0

    @property
    def pending(self) -> int:
        return len(self._pending)

    def enqueue(self, work: Work, done: Done) -> None:
        """Take a unit; call from the loop's thread only. ``done`` is called later, never from within this call.

        Raises StoreBusy if too many wait.
        """
        if len(self._pending) >= self._max_pending:
            raise StoreBusy("too many writes are waiting")
        self._pending.append((work, done))
        if not self._running:
            self._running = True
            self._idle.clear()
            loop = asyncio.get_running_loop()
            loop.call_soon(self._start, loop)

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """The same for those who wait: the result after the fsync, the unit's exception, or StoreBusy."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def done(result: Any, error: BaseException | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def run(conn: sqlite3.Connection) -> T | None:
            return None if future.cancelled() else work(conn)

        try:
            self.enqueue(run, done)
        except StoreBusy as error:
            future.set_exception(error)
        return future

    # -- a batch -------------------------------------------------------------------

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._turn is None or self._turn.take():
            try:
                # Nearly always free: other processes hold the lock for milliseconds.
                self._conn.execute("BEGIN IMMEDIATE")
            except sqlite3.Error:
                pass
            else:
                self._run(loop)
                return
        self._later(loop, self._begin_waiting, self._begun)

    def _begin_waiting(self) -> None:
        if self._turn is not None:
            self._turn.wait()
        self._conn.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000:.0f}")
        try:
            self._conn.execute("BEGIN IMMEDIATE")
        finally:
            self._conn.execute("PRAGMA busy_timeout = 0")

    def _begun(self, loop: asyncio.AbstractEventLoop, error: BaseException | None) -> None:
        if error is None:
            self._run(loop)
            return
        self._end_turn()
        _log.error("store: no write lock: %s", error)
        batch = [self._pending.popleft() for _ in range(len(self._pending))]
        self._settle(loop, [(done, None, _lost(error)) for _, done in batch])

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        for rider in self.riders:
            rider()
        batch = [self._pending.popleft() for _ in range(min(len(self._pending), MAX_BATCH))]
        ended = self._together(batch) or self._one_by_one(batch)
        broken = None if self._conn.in_transaction else next((e for _, _, e in ended if e is not None), None)
        if not self._conn.in_transaction:  # all was rolled back: disk full, I/O error
            self._end_turn()
            lost = _lost(broken or StoreBusy("the transaction was lost"))
            _log.error("store: transaction lost: %s", broken)
            self._settle(loop, [(done, None, e if isinstance(e, StoreBusy) else lost) for done, _, e in ended])
            return
        self.units += len(ended)
        if self._quick:
            self._committed(loop, ended, _error_of(self._commit))
        else:
            self._later(loop, self._commit, lambda lp, error: self._committed(lp, ended, error))

    def _together(self, batch: list[tuple[Work, Done]]) -> list[_Ended] | None:
        """All units without savepoints; None if one failed: then nothing is kept and a new transaction is open."""
        conn = self._conn
        try:
            return [(done, work(conn), None) for work, done in batch]
        except Exception:
            self._roll_back()
            try:
                self._conn.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                _log.error("store: no transaction: %s", error)
            return None

    def _one_by_one(self, batch: list[tuple[Work, Done]]) -> list[_Ended]:
        ended: list[_Ended] = []
        lost: BaseException | None = None
        for work, done in batch:
            if not self._conn.in_transaction:
                lost = lost or StoreBusy("the transaction was lost")
                ended.append((done, None, lost))
                continue
            result, error = self._unit(work)
            ended.append((done, result, error))
            if not self._conn.in_transaction:
                lost = error
        return ended

    def _unit(self, work: Work) -> tuple[Any, BaseException | None]:
        conn = self._conn
        try:
            conn.execute("SAVEPOINT unit")
            result = work(conn)
            conn.execute("RELEASE unit")
            return result, None
        except Exception as error:
            self._take_back()
            return None, error

    def _take_back(self) -> None:
        """Undo one unit; if even that fails, the whole transaction goes, which ``_run`` notices."""
        conn = self._conn
        if not conn.in_transaction:
            return
        try:
            conn.execute("ROLLBACK TO unit")
            conn.execute("RELEASE unit")
        except sqlite3.Error as error:
            _log.error("store: a unit can't be taken back, the batch is: %s", error)
            self._roll_back()

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._turn.give()

    def _roll_back(self) -> None:
        try:
            if self._conn.in_transaction:
                self._conn.execute("ROLLBACK")
        except sqlite3.Error as error:
            # Nothing can be told from this connection any more; closing it rolls back.
            _log.error("store: no rollback, the database is opened anew: %s", error)
            self._conn.close()
            self._conn = _opened(self._path)

    def _commit(self) -> None:
        began = self._clock()
        try:
            self._conn.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._end_turn()
            self._quick = self._clock() - began <= QUICK_S

    def _committed(self, loop: asyncio.AbstractEventLoop, ended: list[_Ended], error: BaseException | None) -> None:
        if error is not None:
            _log.error("store: commit failed: %s", error)
            ended = [(done, None, _lost(error)) for done, _, _ in ended]
        else:
            self.commits += 1
        self._settle(loop, ended)

    def _settle(self, loop: asyncio.AbstractEventLoop, ended: list[_Ended]) -> None:
        for done, result, error in ended:
            try:
                done(result, error)
            except Exception:
                _log.exception("store: what comes after a commit failed")
        if self._pending:
            loop.call_soon(self._start, loop)
        else:
            self._running = False
            self._idle.set()

    def _later(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Callable[[], None],
        then: Callable[[asyncio.AbstractEventLoop, BaseException | None], None],
    ) -> None:
        def in_thread() -> None:
            loop.call_soon_threadsafe(then, loop, _error_of(work))

        self._pool.submit(in_thread)

    async def close(self) -> None:
        """Wait for what is pending, then close the connection."""
        await self._idle.wait()
        self._pool.shutdown(wait=True)
        self._conn.close()
        if self._turn is not None:
            self._turn.close()
