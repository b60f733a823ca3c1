"""Group commit: the one writer of the mail process.

Units of work are run inline on the event loop (each costs tens of
microseconds and touches memory only), each under a savepoint; the COMMIT,
which waits for the disk, runs in a thread. What arrives meanwhile is the next
batch, so there is no timer and a lone message waits for one fsync only.

Why not the whole batch in the thread: the sqlite3 module gives up the GIL at
every statement and would have to win it back from a busy loop each time.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from relay.store.database import connect

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]

MAX_BATCH = 200
"""Units in a commit at most, so that the loop is not held up for long."""

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


def _opened(path: Path) -> sqlite3.Connection:
    conn = connect(path)
    conn.execute("PRAGMA wal_autocheckpoint = 4000")
    return conn


class Committer:
    """Runs units of work in shared, durable transactions.

    ``submit`` may be called from the loop's thread only. Its future resolves
    after the fsync, or with the exception that the unit raised (then nothing
    of that unit is kept), or with StoreBusy if the whole commit failed.
    """

    def __init__(self, path: Path, *, max_pending: int = 20_000) -> None:
        self._path = path
        self._conn = _opened(path)
        self._pool = ThreadPoolExecutor(1, "relay-commit")
        self._pending: deque[tuple[Work, asyncio.Future[Any]]] = deque()
        self._max_pending = max_pending
        self._running = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.commits = 0
        self.units = 0

    @property
    def pending(self) -> int:
        return len(self._pending)

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if len(self._pending) >= self._max_pending:
            future.set_exception(StoreBusy("too many writes are waiting"))
            return future
        self._pending.append((work, future))
        if not self._running:
            self._running = True
            self._idle.clear()
            loop.call_soon(self._start, loop)
        return future

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            # Nearly always free: other processes hold the lock for milliseconds.
            self._conn.execute("PRAGMA busy_timeout = 0")
            self._conn.execute("BEGIN IMMEDIATE")
        except sqlite3.Error:
            self._later(loop, self._begin_waiting, self._begun)
            return
        self._run(loop)

    def _begin_waiting(self) -> None:
        self._conn.execute("PRAGMA busy_timeout = 10000")
        self._conn.execute("BEGIN IMMEDIATE")

    def _begun(self, loop: asyncio.AbstractEventLoop, error: BaseException | None) -> None:
        if error is None:
            self._run(loop)
            return
        _log.error("store: no write lock: %s", error)
        batch = [self._pending.popleft() for _ in range(len(self._pending))]
        self._settle(loop, [(future, None, _lost(error)) for _, future in batch])

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        done: list[tuple[asyncio.Future[Any], Any, BaseException | None]] = []
        broken: BaseException | None = None
        for _ in range(min(len(self._pending), MAX_BATCH)):
            work, future = self._pending.popleft()
            if future.cancelled():
                continue
            result, error = self._unit(work)
            done.append((future, result, error))
            if not self._conn.in_transaction:  # all was rolled back: disk full, I/O error
                broken = error or StoreBusy("the transaction was lost")
                break
        if broken is not None:
            _log.error("store: transaction lost: %s", broken)
            lost = _lost(broken)
            self._settle(loop, [(f, None, e if isinstance(e, StoreBusy) else lost) for f, _, e in done])
            return
        self.units += len(done)
        self._later(loop, self._commit, lambda lp, error: self._committed(lp, done, error))

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
        try:
            self._conn.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _committed(
        self,
        loop: asyncio.AbstractEventLoop,
        done: list[tuple[asyncio.Future[Any], Any, BaseException | None]],
        error: BaseException | None,
    ) -> None:
        if error is not None:
            _log.error("store: commit failed: %s", error)
            done = [(future, None, _lost(error)) for future, _, _ in done]
        else:
            self.commits += 1
        self._settle(loop, done)

    def _settle(
        self, loop: asyncio.AbstractEventLoop, done: list[tuple[asyncio.Future[Any], Any, BaseException | None]]
    ) -> None:
        for future, result, error in done:
            if future.done():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
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
            error: BaseException | None = None
            try:
                work()
            except BaseException as caught:
                error = caught
            loop.call_soon_threadsafe(then, loop, error)

        self._pool.submit(in_thread)

    async def close(self) -> None:
        """Wait for what is pending, then close the connection."""
        await self._idle.wait()
        self._pool.shutdown(wait=True)
        self._conn.close()
