"""Group commit: the one writer of the mail process.

Units of work are run inline on the event loop (each costs tens of
microseconds and touches memory only); so is the COMMIT as long as the disk is
quick, for handing it to a thread and back takes as long as the disk does. Once
it was slow it runs in a thread, until it is quick again. A unit that fails
takes back itself, not its batch. What arrives meanwhile is the next batch, so
there is no timer and a lone message waits for one fsync only.

Whatever goes wrong on the way, those who wait are told: an exception in one of
the steps takes back the batch it struck and answers it (``_broken``), and who
has not begun when the turn, the write lock or the disk doesn't come within
``PATIENCE_S`` is sent away. Nothing is kept by whom can't go on.

Why not the whole batch in the thread: the sqlite3 module gives up the GIL at
every statement and would have to win it back from a busy loop each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from relay.store.batch import Ended, WriteHealth, refusal, submitted, tell
from relay.store.database import BUSY_TIMEOUT_S, connect
from relay.store.place import Place
from relay.store.sqlite.checkpoint import BACKSTOP_PAGES, LOG_OCTETS
from relay.store.sqlite.tight import TightLog
from relay.store.sqlite.turn import Turn
from relay.store.thread import Hand
from relay.store.units import Done, StoreBusy, StoreGone, Work

T = TypeVar("T")

_Then = Callable[[asyncio.AbstractEventLoop, BaseException | None], None]

MAX_BATCH = 200
"""Units in a commit at most, so that the loop is not held up for long."""
QUICK_S = 0.001
"""A COMMIT that waited no longer for the disk lets the loop wait for the next one itself."""
PATIENCE_S = BUSY_TIMEOUT_S + 5.0
"""So long a unit waits that could not be begun; it is refused then, and may come again."""
CLOSE_S = 20.0
"""What the last batch may take when the relay stops."""

_log = logging.getLogger("relay.store")


def _faulty(error: BaseException | None) -> bool:
    """Whether it is the store's fault and not the unit's own: no rule of the schema was broken."""
    if isinstance(error, sqlite3.IntegrityError):
        return False
    return isinstance(error, (sqlite3.Error, StoreBusy, MemoryError, OSError))


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
    conn.execute(f"PRAGMA journal_size_limit = {LOG_OCTETS}")  # a log that had to grow further shrinks again
    conn.execute("PRAGMA busy_timeout = 0")
    return conn


def _log_error(text: str, error: BaseException | None) -> None:
    """A log that can't be written must not stop a commit from being told."""
    with contextlib.suppress(Exception):
        _log.error("store: %s: %s", text, error if error is None or str(error) else type(error).__name__)


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

        ``clock`` tells the seconds in which the thread that asks did not run. Raises StoreError (no database, no
        thread).
        """
        self._path = path
        self._conn = _opened(path)
        self._shut = False
        """The connection could not be opened anew after a fault."""
        self._tight = TightLog(path, BACKSTOP_PAGES)
        self.place = Place(path)
        self._turn = Turn(path.with_name(path.name + "-turn")) if turns else None
        self._hand = Hand("relay-commit")
        self._in_hand: list[tuple[Work, Done]] = []
        """Taken from those pending, not told as yet."""
        self._timer: asyncio.TimerHandle | None = None
        self._health = WriteHealth()
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
    def failure(self) -> BaseException | None:
        """The last fault of the store, as long as it is fresh."""
        return self._health.failure

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
        return submitted(self.enqueue, work)

    def fault(self) -> str:
        """Why writes fail at the moment, or for how long one has been waiting; empty if all is well."""
        return self._health.fault()

    def lost(self) -> str:
        """What became of the database's file, if it isn't where it was opened; else empty."""
        return self.place.lost(thorough=True)

    # -- a batch -------------------------------------------------------------------

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            if not self._shut and (self._turn is None or self._turn.take()):
                try:
                    # Nearly always free: other processes hold the lock for milliseconds.
                    self._conn.execute("BEGIN IMMEDIATE")
                except sqlite3.Error:
                    pass
                else:
                    self._run(loop)
                    return
            self._later(loop, self._begin_waiting, self._begun)
        except Exception as error:
            self._broken(loop, error)

    def _broken(self, loop: asyncio.AbstractEventLoop, error: BaseException) -> None:
        """A step failed in a way that nobody foresaw: nothing of the batch is kept, and all who wait are told."""
        _log_error("a batch broke", error)
        self._roll_back()
        self._end_turn()
        self._refuse(loop, error)

    def _refuse(self, loop: asyncio.AbstractEventLoop, error: BaseException) -> None:
        self._health.faulted(error)
        waiting = self._in_hand + [self._pending.popleft() for _ in range(len(self._pending))]
        self._settle(loop, [(done, None, refusal(error)) for _, done in waiting])

    def _begin_waiting(self) -> None:
        if self._turn is not None:
            self._turn.wait()
        if self._shut:
            self._conn = _opened(self._path)
            self.place.reopened()
            self._shut = False
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
        _log_error("no write lock", error)
        self._refuse(loop, error)

    def _impatient(self, loop: asyncio.AbstractEventLoop) -> None:
        """What runs in the thread takes long: those who were not begun are sent away."""
        self._timer = loop.call_later(PATIENCE_S, self._impatient, loop)
        if self._pending:
            error = StoreBusy(f"the store has not taken a write for {PATIENCE_S:.0f} s")
            _log_error(f"{len(self._pending)} writes are refused", error)
            self._health.faulted(error)
            tell([(self._pending.popleft()[1], None, error) for _ in range(len(self._pending))])

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        for rider in self.riders:
            rider()
        self._in_hand = [self._pending.popleft() for _ in range(min(len(self._pending), MAX_BATCH))]
        ended = self._together(self._in_hand) or self._one_by_one(self._in_hand)
        broken = None if self._conn.in_transaction else next((e for _, _, e in ended if e is not None), None)
        if not self._conn.in_transaction:  # all was rolled back: disk full, I/O error
            self._end_turn()
            lost = refusal(broken or StoreBusy("the transaction was lost"))
            _log_error("transaction lost", broken)
            self._health.faulted(broken or lost)
            self._settle(loop, [(done, None, e if isinstance(e, StoreBusy) else lost) for done, _, e in ended])
            return
        self.units += len(ended)
        if self._quick:
            self._committed(loop, ended, _error_of(self._commit))
        else:
            self._later(loop, self._commit, lambda lp, error: self._committed(lp, ended, error))

    def _together(self, batch: list[tuple[Work, Done]]) -> list[Ended] | None:
        """All units without savepoints; None if one failed: then nothing is kept and a new transaction is open."""
        conn = self._conn
        try:
            return [(done, work(conn), None) for work, done in batch]
        except Exception:
            self._roll_back()
            try:
                self._conn.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                _log_error("no transaction", error)
            return None

    def _one_by_one(self, batch: list[tuple[Work, Done]]) -> list[Ended]:
        ended: list[Ended] = []
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
            _log_error("a unit can't be taken back, the batch is", error)
            self._roll_back()

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._turn.give()

    def _roll_back(self) -> None:
        """Never raises: where even that is not to be had, the next batch begins with a new connection."""
        try:
            if self._conn.in_transaction:
                self._conn.execute("ROLLBACK")
        except Exception as error:
            # Nothing can be told from this connection any more; closing it rolls back.
            _log_error("no rollback, the database is opened anew", error)
            self._shut = True
            try:
                self._conn.close()
                self._conn = _opened(self._path)
                self.place.reopened()
                self._shut = False
            except Exception as why:
                _log_error("the database can't be opened", why)

    def _commit(self) -> None:
        began = self._clock()
        try:
            lost = self.place.lost()
            if lost:
                raise StoreGone(lost)
            self._tight.look(self._conn)
            self._conn.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._end_turn()
            self._quick = self._clock() - began <= QUICK_S

    def _committed(self, loop: asyncio.AbstractEventLoop, ended: list[Ended], error: BaseException | None) -> None:
        if error is not None:
            _log_error("commit failed", error)
            self._health.faulted(error)
            ended = [(done, None, refusal(error)) for done, _, _ in ended]
        else:
            self.commits += 1
            fault = next((e for _, _, e in ended if _faulty(e)), None)
            if fault is not None:
                self._health.faulted(fault)
        self._settle(loop, ended)

    def _settle(self, loop: asyncio.AbstractEventLoop, ended: list[Ended]) -> None:
        self._in_hand = []
        tell(ended)
        if self._pending:
            loop.call_soon(self._start, loop)
        else:
            self._running = False
            self._idle.set()

    def _later(self, loop: asyncio.AbstractEventLoop, work: Callable[[], None], then: _Then) -> None:
        # No functions within this one: compiled, they and what they name would be a cycle that keeps the batch.
        self._health.waits_since = time.monotonic()
        self._timer = loop.call_later(PATIENCE_S, self._impatient, loop)
        self._hand.do(functools.partial(self._in_thread, loop, work, then))

    def _in_thread(self, loop: asyncio.AbstractEventLoop, work: Callable[[], None], then: _Then) -> None:
        error = _error_of(work)
        try:
            loop.call_soon_threadsafe(self._on_loop, loop, then, error)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more
        except BaseException as why:
            # All would wait for ever; whoever looks after this process starts it anew.
            _log_error("what was written can't be told, the process ends", why)
            os._exit(1)

    def _on_loop(self, loop: asyncio.AbstractEventLoop, then: _Then, error: BaseException | None) -> None:
        self._health.waits_since = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            then(loop, error)
        except Exception as broken:
            self._broken(loop, broken)

    async def close(self) -> None:
        """Wait for what is pending, then close the connection; not for ever, where the disk answers no more."""
        try:
            await asyncio.wait_for(self._idle.wait(), CLOSE_S)
        except TimeoutError:
            _log_error("the last write did not end", StoreBusy(f"waited for {CLOSE_S:.0f} s"))
        if self._timer is not None:
            self._timer.cancel()
        if not self._hand.end(1.0):
            return  # it works with the connection, which the end of the process closes
        self._conn.close()
        if self._turn is not None:
            self._turn.close()
