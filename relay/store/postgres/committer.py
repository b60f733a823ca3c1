"""Group commit on PostgreSQL: the one writer of a mail process.

A batch runs in a thread, so that the loop goes on while the server is waited
for; what arrives meanwhile is the next batch. A unit that fails takes back
itself, not its batch. A batch that met others (a deadlock, a serialization
failure) or a lost connection before its commit is run again, units being fit
for that; what became of a commit in which the connection was lost is asked for
before anybody is told (``connection.py``).
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
from typing import Any, Final, TypeVar

from relay.store.batch import Ended, WriteHealth, refusal, submitted, tell
from relay.store.postgres.connection import UNIT_S, ServerConnection
from relay.store.postgres.errors import CommitUnsure, ServerAway, ServerFailure
from relay.store.thread import Hand
from relay.store.units import Done, StoreBusy, Work

T = TypeVar("T")

MAX_BATCH: Final = 200
PATIENCE_S: Final = 2.5
"""So long a unit waits that could not be begun; it is refused then, and may come again."""
QUICK_S: Final = 1.0
LOOK_S: Final = 0.25
"""Between looks at those who wait while a batch takes long."""
LOCK_S: Final = 2.8
"""For others who write; below a statement's time, so that those are told from a silent server."""
STATEMENT_S: Final = 3.5
TRIES: Final = 4
"""Of a batch that met others."""
CLOSE_S: Final = 20.0

_log = logging.getLogger("relay.store")


class ServerCommitter:
    """Runs units of work in shared, durable transactions; ``relay.store.units.GroupCommit``."""

    def __init__(self, url: str, *, max_pending: int = 20_000) -> None:
        """Raises StoreError (no server, no thread)."""
        self._conn = ServerConnection(url, answer_s=STATEMENT_S, lock_s=LOCK_S)
        self._hand = Hand("relay-commit")
        self._pending: deque[tuple[Work, Done, float]] = deque()
        """Each with when it came, on the monotonic clock."""
        self._in_hand: list[tuple[Work, Done]] = []
        self._max_pending = max_pending
        self._well_at = 0.0
        """The end of the last batch that was quick: till then a unit waited for others, not for the server."""
        self._running = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._timer: asyncio.TimerHandle | None = None
        self._health = WriteHealth()
        self.riders: list[Callable[[], None]] = []
        self.commits = 0
        self.units = 0
        self.unsure = 0
        """Commits of which nobody could say whether they came about."""

    @property
    def failure(self) -> BaseException | None:
        """The last fault of the store, as long as it is fresh."""
        return self._health.failure

    @property
    def pending(self) -> int:
        return len(self._pending)

    def enqueue(self, work: Work, done: Done) -> None:
        """Take a unit; call from the loop's thread only. Raises StoreBusy if too many wait."""
        if len(self._pending) >= self._max_pending:
            raise StoreBusy("too many writes are waiting")
        self._pending.append((work, done, time.monotonic()))
        if not self._running:
            self._running = True
            self._idle.clear()
            loop = asyncio.get_running_loop()
            loop.call_soon(self._start, loop)

    def submit(self, work: Callable[[Any], T]) -> asyncio.Future[T]:
        """The same for those who wait: the result after the commit, the unit's exception, or StoreBusy."""
        return submitted(self.enqueue, work)

    def fault(self) -> str:
        """Why writes fail at the moment, or for how long one has been waiting; empty if all is well."""
        return self._health.fault()

    def lost(self) -> str:
        """A server's database isn't moved away under those who use it."""
        return ""

    async def close(self) -> None:
        """Wait for what is pending, then close the connection; not for ever."""
        try:
            await asyncio.wait_for(self._idle.wait(), CLOSE_S)
        except TimeoutError:
            _log.error("store: the last write did not end in %d s", CLOSE_S)
        if self._timer is not None:
            self._timer.cancel()
        if self._hand.end(1.0):
            self._conn.close()

    # -- on the loop -----------------------------------------------------------------

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        for rider in self.riders:
            rider()
        self._refuse_late()
        if not self._pending:
            self._running = False
            self._idle.set()
            return
        ends_at = max(self._pending[0][2], self._well_at) + UNIT_S  # of the one that has waited longest
        taken = [self._pending.popleft() for _ in range(min(len(self._pending), MAX_BATCH))]
        self._in_hand = [(work, done) for work, done, _ in taken]
        self._health.waits_since = time.monotonic()
        self._timer = loop.call_later(LOOK_S, self._impatient, loop)
        self._hand.do(functools.partial(self._in_thread, loop, self._in_hand, ends_at))

    def _impatient(self, loop: asyncio.AbstractEventLoop) -> None:
        """The batch takes long: those who were not begun are sent away."""
        self._timer = loop.call_later(LOOK_S, self._impatient, loop)
        self._refuse_late()

    def _refuse_late(self) -> None:
        longest = time.monotonic() - PATIENCE_S
        late = []
        while self._pending and max(self._pending[0][2], self._well_at) < longest:
            late.append(self._pending.popleft()[1])
        if late:
            error = StoreBusy(f"the store has not taken a write for {PATIENCE_S:.1f} s")
            _log.error("store: %d writes are refused: %s", len(late), error)
            self._health.faulted(error)
            tell([(done, None, error) for done in late])

    def _settle(self, loop: asyncio.AbstractEventLoop, ended: list[Ended], fault: BaseException | None) -> None:
        if fault is None and time.monotonic() - self._health.waits_since < QUICK_S:
            self._well_at = time.monotonic()
            self._health.worked(self._health.waits_since)
        self._health.waits_since = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if fault is not None:
            self._health.faulted(fault)
        else:
            self.commits += 1
            self.units += len(ended)
        self._in_hand = []
        tell(ended)
        if self._pending:
            loop.call_soon(self._start, loop)
        else:
            self._running = False
            self._idle.set()

    # -- in the thread ---------------------------------------------------------------

    def _in_thread(self, loop: asyncio.AbstractEventLoop, batch: list[tuple[Work, Done]], ends_at: float) -> None:
        fault: BaseException | None = None
        try:
            self._conn.ends_at(ends_at)
            ended = self._committed(batch)
            fault = next((error for _, _, error in ended if isinstance(error, StoreBusy)), None)
        except BaseException as error:
            with contextlib.suppress(Exception):
                _log.error("store: a batch was lost: %s", error)
            fault, lost = error, refusal(error)
            ended = [(done, None, lost) for _, done in batch]
        try:
            loop.call_soon_threadsafe(self._settle, loop, ended, fault)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more
        except BaseException:
            # All would wait for ever; whoever looks after this process starts it anew.
            os._exit(1)

    def _committed(self, batch: list[tuple[Work, Done]]) -> list[Ended]:
        """Run again where that may help; raises why nothing of it is kept, or why nobody knows."""
        apart = False
        for number in range(TRIES):
            self._conn.execute("BEGIN IMMEDIATE")
            try:
                ended = self._one_by_one(batch) if apart else self._together(batch)
                self._conn.execute("COMMIT")
                return ended
            except CommitUnsure:
                self.unsure += 1
                raise
            except (ServerFailure, sqlite3.Error) as error:
                self._conn.execute("ROLLBACK")
                if number + 1 == TRIES or (_hopeless(error) and apart):
                    raise
                apart = apart or not _again(error)
            except Exception:  # of a unit: which one, shows when each is alone
                self._conn.execute("ROLLBACK")
                if apart:
                    raise
                apart = True
        raise StoreBusy("others wrote the same, again and again")

    def _together(self, batch: list[tuple[Work, Done]]) -> list[Ended]:
        return [(done, work(self._conn), None) for work, done in batch]

    def _one_by_one(self, batch: list[tuple[Work, Done]]) -> list[Ended]:
        ended: list[Ended] = []
        for work, done in batch:
            self._conn.execute("SAVEPOINT unit")
            try:
                result = work(self._conn)
            except Exception as error:
                if isinstance(error, ServerAway) or _again(error):
                    raise
                self._conn.execute("ROLLBACK TO unit")
                ended.append((done, None, refusal(error) if isinstance(error, ServerFailure) else error))
            else:
                ended.append((done, result, None))
            self._conn.execute("RELEASE unit")
        return ended


def _again(error: BaseException) -> bool:
    return isinstance(error, ServerAway) or (isinstance(error, ServerFailure) and error.run_again)


def _hopeless(error: BaseException) -> bool:
    return not _again(error)
