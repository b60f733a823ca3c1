"""Outcomes on their way into the store: written in batches.

They go along with the next commit that is made for somebody else, and make one of their own when there are many or
the first has waited for a moment. Until then a copy that was sent counts as in flight: after a crash it goes again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from relay.queue.complete import Notify, complete
from relay.queue.values import Result, Written
from relay.store.contract import Conflict, Failure
from relay.store.units import GroupCommit, StoreBusy, StoreGone
from relay.values.ids import encode_id
from relay.values.states import State

_log = logging.getLogger("relay.delivery")

MOST_OUTCOMES = 100
"""Outcomes written in one unit, so that a thousand refused copies don't hold up the loop."""
GATHER_S = 0.01
"""So long an outcome waits for others, and for a commit to go along with."""
STORE_RETRY_S = 1.0
WRITTEN_S = 10.0
"""So long a relay that stops tries to write what it has sent, where the store refuses."""


class Outcomes:
    """Takes results on the loop; ``told`` is called with each batch and what became of it."""

    def __init__(self, committer: GroupCommit, notify: Notify, told: Callable[[list[Result], Written], None]) -> None:
        self._committer = committer
        self._notify = notify
        self._told = told
        self._results: list[Result] = []
        self._writer: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._hurried = False
        self._give_up_at: float | None = None
        self.stuck = False
        """Outcomes can't be written at the moment: what were sent now would go out again after a crash."""
        committer.riders.append(self._begin)

    def add(self, result: Result) -> None:
        self._results.append(result)
        if self._writer is not None:
            return
        if self._hurried or len(self._results) >= MOST_OUTCOMES:
            self._begin()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._begin)

    async def all_written(self, limit_s: float = WRITTEN_S) -> None:
        """From now on nothing waits for company; what can't be written in time is given up and named."""
        self._hurried = True
        self._give_up_at = asyncio.get_running_loop().time() + limit_s
        self._begin()
        while self._writer is not None:
            await self._writer

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._writer is not None or not self._results:
            return
        batch, first = self._taken()
        self._writer = asyncio.get_running_loop().create_task(self._write(batch, first))

    def _taken(self) -> tuple[list[Result], asyncio.Future[Written]]:
        """The next batch, on its way to the committer at once."""
        batch, self._results = self._results[:MOST_OUTCOMES], self._results[MOST_OUTCOMES:]
        return batch, self._committer.submit(lambda conn: complete(conn, batch, self._notify))

    async def _write(self, batch: list[Result], first: asyncio.Future[Written]) -> None:
        try:
            await self._write_batch(batch, first)
            while len(self._results) >= MOST_OUTCOMES or (self._results and self._hurried):
                await self._write_batch(*self._taken())
        finally:
            self._writer = None
            if self._results:
                self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._begin)

    async def _write_batch(self, batch: list[Result], first: asyncio.Future[Written] | None = None) -> None:
        try:
            written = await self._written(batch, self._notify, first)
        except Exception:
            if len(batch) > 1:  # one outcome that can't be written must not keep the others from it
                for result in batch:
                    await self._write_batch([result])
                return
            written = await self._without_notice(batch[0])
        self._told(batch, written)
        for result in written.lost:
            _log.warning(
                "id=%s/%d lease was lost, outcome dropped", encode_id(result.lease.submission.id), result.lease.number
            )
        for result in written.applied if _log.isEnabledFor(logging.INFO) else ():
            _log.info(
                "id=%s/%d to=<%s> %s remote=%s attempts=%d %s",
                encode_id(result.lease.submission.id),
                result.lease.number,
                result.lease.address,
                result.event or result.state.name.lower(),
                result.remote or "-",
                result.attempts,
                result.status,
            )

    async def _written(
        self, batch: list[Result], notify: Notify, begun: asyncio.Future[Written] | None = None
    ) -> Written:
        """Write until the store takes it; raises what the outcomes themselves cause."""
        while True:
            try:
                first, begun = begun, None
                written = await (first or self._committer.submit(lambda conn: complete(conn, batch, notify)))
                self.stuck = False
                return written
            except (StoreBusy, Failure) as error:
                if isinstance(error, Conflict):
                    raise
                self.stuck = True
                if self._given_up(batch, error):
                    return Written()
                # Outcomes must not be lost: the copies would go out a second time.
                _log.error("%d outcomes can't be written, trying again: %s", len(batch), error)
                await asyncio.sleep(STORE_RETRY_S)

    def _given_up(self, batch: list[Result], error: BaseException) -> bool:
        """Whether the relay stops and has waited long enough; names what will go out a second time."""
        if self._give_up_at is None:
            return False
        if asyncio.get_running_loop().time() < self._give_up_at and not isinstance(error, StoreGone):
            return False
        names = [encode_id(r.lease.submission.id) + f"/{r.lease.number}" for r in batch if r.state is State.DELIVERED]
        _log.error(
            "%d outcomes can't be written before the stop (%s); delivered already, and sent again after the start: %s",
            len(batch), error, " ".join(names) or "none",
        )  # fmt: skip
        return True

    async def _without_notice(self, result: Result) -> Written:
        """After a fault, most likely in making the notice: the outcome alone, or else nothing."""
        shown = encode_id(result.lease.submission.id)
        _log.exception("id=%s/%d outcome is written without a notice", shown, result.lease.number)
        try:
            return await self._written([result], lambda conn, failed: None)
        except Exception:
            _log.exception("id=%s/%d outcome can't be written, it is dropped", shown, result.lease.number)
            return Written()
