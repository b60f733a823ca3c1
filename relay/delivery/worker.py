"""Between queue and engine: leases copies, composes them, writes outcomes down.

What was just accepted comes in leased and compiled and goes out from memory
as long as there is room; the rest waits in the store and is leased when it is
due. Outcomes are written in batches, each as large as what came in while the
last one was written. Nothing here holds more copies than ``inflight``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from relay.delivery.attempt import LeasedCopy
from relay.delivery.compose import Composer
from relay.delivery.engine import Engine
from relay.delivery.report import Reporter
from relay.mail.template import Template
from relay.pipeline.chain import Chain
from relay.queue.complete import Notify, complete
from relay.queue.lease import LEASE_S, lease_due, next_due
from relay.queue.model import State, encode_id
from relay.queue.schedule import Schedule
from relay.queue.values import Claim, Enqueued, Lease, NewSubmission, Result, Submission, Written
from relay.registry.facts import Facts
from relay.registry.snapshot import SnapshotSource
from relay.store.committer import Committer, StoreBusy

_log = logging.getLogger("relay.delivery")

POLL_S = 1.0
"""How often the store is asked for due copies: commands and pages change it from other processes."""
CLOCKS_S = 120.0
"""Margin for clocks that differ or are set."""
MOST_OUTCOMES = 50
"""Outcomes written in one unit, so that a thousand refused copies don't hold up the loop."""
STORE_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class WorkerTerms:
    """Settings of the worker."""

    owner: str
    hostname: str
    inflight: int
    schedule: Schedule
    longest_send_s: float
    """Longest time that the limits of a session allow for one copy."""
    enabled: bool = True

    @property
    def share(self) -> int:
        """Copies that one tenant, or the backlog, may have in memory."""
        return max(1, self.inflight * 3 // 4)

    @property
    def margin_s(self) -> float:
        """A copy whose lease ends sooner is not begun any more: sending it could outlast the lease."""
        return self.longest_send_s + CLOCKS_S

    @property
    def lease_s(self) -> float:
        return max(LEASE_S, 2 * self.margin_s)


class Worker:
    """Runs deliveries of one process; also the acceptor's ``Outlet``."""

    def __init__(
        self,
        terms: WorkerTerms,
        engine: Engine,
        composer: Composer,
        chain: Chain,
        snapshots: SnapshotSource,
        conn: sqlite3.Connection,
        committer: Committer,
        clock: Callable[[], float],
        signing_pool: ThreadPoolExecutor | None,
        facts: Facts,
    ) -> None:
        self.terms = terms
        self.engine = engine
        self.composer = composer
        self.chain = chain
        self.snapshots = snapshots
        self.conn = conn
        self.committer = committer
        self.clock = clock
        self.signing_pool = signing_pool
        """None: signatures are made on the loop, by a process that has a core of its own."""
        self.facts = facts
        self.reporter = Reporter(terms.hostname, composer, snapshots)
        self.inflight = 0
        self._by_tenant: Counter[int] = Counter()
        self._results: list[Result] = []
        self._writer: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._stopping = False
        self._retries_asked = -1

    # -- the acceptor's side -------------------------------------------------------

    def claim(self, tenant_id: int, copies: int, now: float) -> Claim | None:
        """Room is taken at once: others ask before this one's commit is done.

        No tenant gets all of it, so that a slow destination of one leaves room for the others' mail.
        """
        if not self.terms.enabled or self._stopping or self.inflight + copies > self.terms.inflight:
            return None
        if self._by_tenant[tenant_id] + copies > self.terms.share:
            return None
        self._count(tenant_id, copies)
        return Claim(self.terms.owner, now + self.terms.lease_s)

    def release(self, tenant_id: int, copies: int) -> None:
        self._count(tenant_id, -copies)
        self._wake.set()

    def _count(self, tenant_id: int, copies: int) -> None:
        self.inflight += copies
        self._by_tenant[tenant_id] += copies
        if not self._by_tenant[tenant_id]:
            del self._by_tenant[tenant_id]

    def take(self, new: NewSubmission, stored: Enqueued, template: Template, claim: Claim | None) -> None:
        if claim is None:
            return
        self._count(new.tenant_id, -len(new.recipients))  # ``_begin`` counts those that are really begun
        if not stored.claimed:
            return
        submission = Submission(
            new.id,
            new.tenant_id,
            new.stream_id,
            stored.campaign_id,
            new.topic,
            new.reverse_path,
            new.from_domain,
            new.message_id,
            new.accepted_at,
            new.expires_at,
            new.ret,
            new.envid,
            new.size_octets,
            stored.give_back,
            new.shared,
        )
        self.composer.remember(new.id, template, len(new.template))
        for number, fresh in enumerate(new.recipients):
            if stored.states[number] is not State.READY:
                continue
            recipient = fresh.recipient
            self._begin(
                Lease(
                    submission,
                    number,
                    stored.subscriber_ids[number],
                    recipient.address,
                    recipient.domain,
                    1,
                    0,
                    claim.until,
                    fresh.slots,
                    recipient.notify,
                    recipient.orcpt,
                    new.accepted_at,
                    recipient.standing if recipient.standing.subscriber_id is not None else None,
                    new.standing_version,
                )
            )

    # -- leasing ---------------------------------------------------------------------

    def _begin(self, lease: Lease) -> None:
        self._count(lease.submission.tenant_id, 1)
        self.engine.submit(LeasedCopy(self, lease))

    async def run(self) -> None:
        """Lease due copies whenever there is room; ends with ``stop``."""
        while not self._stopping:
            wait_s = POLL_S
            try:
                if self.terms.enabled:
                    wait_s = await self._fill()
            except (StoreBusy, sqlite3.Error) as error:
                _log.error("queue can't be read, trying again: %s", error)
            except Exception:
                _log.exception("queue can't be worked off, trying again")
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait_s)

    async def _fill(self) -> float:
        """Lease what fits; how long to wait before asking again, in seconds."""
        # What waits in the store never takes the last of the room: that is for mail that has just come in.
        room = self.terms.share - self.inflight
        if room < max(1, self.terms.inflight // 4):
            return POLL_S
        self._heed_retry()
        now = self.clock()
        due = next_due(self.conn)
        if due is None or due > now:
            return POLL_S
        owner = self.terms.owner
        leases = await self.committer.submit(lambda conn: lease_due(conn, owner, now, room, self.terms.lease_s))
        for lease in leases:
            self._begin(lease)
        return POLL_S if len(leases) < room else 0.0

    def _heed_retry(self) -> None:
        """After `relay queue retry` a site's back-off must not put the copies off again."""
        row = self.conn.execute("SELECT value FROM meta WHERE name = 'retry'").fetchone()
        asked = row[0] if row else 0
        if asked != self._retries_asked:
            self._retries_asked = asked
            self.engine.forgive()

    async def stop(self, grace_s: float) -> None:
        """Take no more, let running transactions end, write all outcomes down."""
        self._stopping = True
        self._wake.set()
        await self.engine.close(grace_s)
        while self._writer is not None:
            await self._writer

    # -- outcomes --------------------------------------------------------------------

    def finish(self, result: Result) -> None:
        self._results.append(result)
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._results:
                batch, self._results = self._results[:MOST_OUTCOMES], self._results[MOST_OUTCOMES:]
                await self._write_batch(batch)
        finally:
            self._writer = None

    async def _write_batch(self, batch: list[Result]) -> None:
        try:
            written = await self._written(batch, self.reporter)
        except Exception:
            if len(batch) > 1:  # one outcome that can't be written must not keep the others from it
                for result in batch:
                    await self._write_batch([result])
                return
            written = await self._without_notice(batch[0])
        for result in batch:
            self._count(result.lease.submission.tenant_id, -1)
        for submission_id in written.finished:
            self.composer.forget(submission_id)
        for result in written.lost:
            _log.warning(
                "id=%s/%d lease was lost, outcome dropped", encode_id(result.lease.submission.id), result.lease.number
            )
        for result in written.applied:
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
        self._wake.set()

    async def _written(self, batch: list[Result], notify: Notify) -> Written:
        """Write until the store takes it; raises what the outcomes themselves cause."""
        while True:
            try:
                return await self.committer.submit(lambda conn: complete(conn, batch, notify))
            except (StoreBusy, sqlite3.Error) as error:
                if isinstance(error, sqlite3.IntegrityError):
                    raise
                # Outcomes must not be lost: the copies would go out a second time.
                _log.error("%d outcomes can't be written, trying again: %s", len(batch), error)
                await asyncio.sleep(STORE_RETRY_S)

    async def _without_notice(self, result: Result) -> Written:
        """After a fault, most likely in making the notice: the outcome alone, or else nothing."""
        shown = encode_id(result.lease.submission.id)
        _log.exception("id=%s/%d outcome is written without a notice", shown, result.lease.number)
        try:
            return await self._written([result], lambda conn, failed: None)
        except Exception:
            _log.exception("id=%s/%d outcome can't be written, it is dropped", shown, result.lease.number)
            return Written()
