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

from relay.delivery.compose import Composer, notice, own_domain
from relay.delivery.engine import Engine
from relay.delivery.outcome import Bounced, Delivered, Outcome, Prepared, Retry, Returned
from relay.delivery.report import Reporter
from relay.mail.address import parse_address
from relay.mail.downgrade import downgrade
from relay.mail.template import Template
from relay.pipeline.chain import Chain
from relay.pipeline.contract import Continue, Freeze, Hold, Kind, QueueEntry, Reject
from relay.queue.complete import Notify, Report, Result, Written, complete
from relay.queue.enqueue import Claim, Enqueued, NewSubmission
from relay.queue.lease import LEASE_S, Lease, Submission, lease_due, next_due
from relay.queue.model import State, encode_id
from relay.queue.schedule import Schedule
from relay.registry import consents
from relay.registry.snapshot import Snapshot, SnapshotSource
from relay.store.committer import Committer, StoreBusy

_log = logging.getLogger("relay.delivery")

POLL_S = 1.0
"""How often the store is asked for due copies: commands and pages change it from other processes."""
CLOCKS_S = 120.0
"""Margin for clocks that differ or are set."""
MOST_OUTCOMES = 50
"""Outcomes written in one unit, so that a thousand refused copies don't hold up the loop."""
LEAST_ATTEMPTS = 3
"""A copy that was held for long, or whose clock jumped, is still tried so often before it expires."""
STORE_RETRY_S = 1.0
DELAY_NOTICE_S = 4 * 3600.0
"""When a sender who asked for it is told that a copy is late."""


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
        signing_pool: ThreadPoolExecutor,
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
                )
            )

    # -- leasing ---------------------------------------------------------------------

    def _begin(self, lease: Lease) -> None:
        self._count(lease.submission.tenant_id, 1)
        self.engine.submit(Copy(self, lease))

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


class Copy:
    """One leased copy on its way through the engine (the engine's ``Attempt``)."""

    __slots__ = ("_bulk", "_worker", "address", "domain", "lease")

    def __init__(self, worker: Worker, lease: Lease) -> None:
        self._worker = worker
        self.lease = lease
        self.address = lease.address
        self.domain = lease.domain
        self._bulk = False

    async def prepare(self, eight_bit: bool) -> Prepared | None:
        """Re-check, render and sign; None if the copy is not to be sent (its result is written then)."""
        worker, lease = self._worker, self.lease
        now = worker.clock()
        if now > lease.until - worker.terms.margin_s:
            self._end(State.READY, "lease ran out before sending", due_at=now)
            return None
        snapshot = worker.snapshots.current()
        if not notice(lease.submission) and not self._still_wanted(snapshot, now):
            return None
        message = worker.composer.message(lease.submission.id)
        if message is None:
            self._end(State.CANCELLED, "the message is gone", event="cancelled")
            return None
        domain = own_domain(snapshot, lease.submission.tenant_id, lease.submission.from_domain)
        mark = worker.composer.mark(lease)
        rendered = worker.composer.render(message, lease, mark, domain)
        if message.needs_8bit and not eight_bit:
            # What can't be converted goes as it is: servers that mind are extinct, a bounce would be sure.
            rendered = downgrade(rendered.fields, rendered.body) or rendered
        signer = worker.composer.signer(snapshot, domain)
        signatures: list[bytes] = []
        if signer is not None:
            pending = signer.prepare(rendered.fields, rendered.body_hash, now)
            signatures = await asyncio.get_running_loop().run_in_executor(worker.signing_pool, pending.finish)
        reverse_path = "" if notice(lease.submission) else worker.composer.reverse_path(mark, domain)
        return Prepared(
            reverse_path=reverse_path,
            data=b"".join((*signatures, *rendered.fields, b"\r\n", rendered.body)),
            smtputf8=message.needs_smtputf8 or not lease.address.isascii(),
            eight_bit=message.needs_8bit,
            ret="HDRS",
            orcpt=lease.orcpt,
        )

    def _still_wanted(self, snapshot: Snapshot, now: float) -> bool:
        """The re-check right before sending: freeze, campaign, policies."""
        worker, lease, submission = self._worker, self.lease, self.lease.submission
        stream = snapshot.streams.get(submission.stream_id)
        if stream is None or submission.tenant_id not in snapshot.tenants:
            self._end(State.CANCELLED, "the tenant or stream is gone", event="cancelled")
            return False
        self._bulk = stream.kind is Kind.BULK
        tenant = snapshot.tenant(submission.tenant_id, now)
        if tenant.freeze is Freeze.ALL or (tenant.freeze is Freeze.BULK and self._bulk):
            self._end(State.HELD, f"frozen: {tenant.freeze_reason}", hold_reason="frozen", event="held")
            return False
        if submission.campaign_id is not None and not self._campaign_goes_on(submission.campaign_id):
            return False
        standing = consents.standing_by_id(worker.conn, lease.subscriber_id, tenant.allowance.period)
        entry = QueueEntry(
            submission.id,
            lease.number,
            tenant,
            stream,
            lease.address,
            parse_address(lease.address).canonical,
            standing,
            submission.topic,
            submission.campaign_id,
            lease.attempts,
            now,
        )
        verdict = worker.chain.release(entry)
        if isinstance(verdict, Continue):
            return True
        if isinstance(verdict, Reject):
            self._end(State.WITHDRAWN, verdict.status.reply, event="withdrawn")
        elif isinstance(verdict, Hold):
            self._end(State.HELD, verdict.why, hold_reason=verdict.why, event="held")
        else:
            self._retry(verdict.status.reply, "", None)
        return False

    def _campaign_goes_on(self, campaign_id: int) -> bool:
        row = self._worker.conn.execute("SELECT state, why FROM campaign WHERE id = ?", (campaign_id,)).fetchone()
        if row is not None and row[0] == "declined":
            self._end(State.DECLINED, f"campaign declined: {row[1]}", event="declined")
            return False
        if row is not None and row[0] == "stopped":
            self._end(State.HELD, f"campaign stopped: {row[1]}", hold_reason="staged", event="held")
            return False
        return True

    def done(self, outcome: Outcome) -> None:
        match outcome:
            case Delivered():
                self._end(
                    State.DELIVERED,
                    outcome.status,
                    outcome.remote,
                    attempts=self.lease.attempts + 1,
                    report=Report.RELAYED if "SUCCESS" in self.lease.notify else None,
                )
            case Retry():
                self._retry(outcome.diagnostic or outcome.status, outcome.remote, outcome.not_before)
            case Bounced():
                self._end(
                    State.BOUNCED,
                    outcome.diagnostic or outcome.status,
                    outcome.remote,
                    event="bounced",
                    attempts=self.lease.attempts + 1,
                    address_dead=outcome.address_dead,
                    report=Report.FAILED,
                    detail={
                        "type": "hard" if outcome.address_dead else "refused",
                        "code": outcome.reason.enhanced,
                    },
                )
            case Returned():
                self._end(State.READY, "not tried", due_at=self._worker.clock())

    def _retry(self, status: str, remote: str, not_before: float | None) -> None:
        now = self._worker.clock()
        failed = self.lease.attempts + 1
        due = self._worker.terms.schedule.next_attempt(now, failed, not_before)
        if due >= self.lease.submission.expires_at and failed >= LEAST_ATTEMPTS:
            late: dict[str, object] = {"type": "expired"}
            self._end(
                State.EXPIRED, status, remote, event="expired", attempts=failed, detail=late, report=Report.FAILED
            )
        else:
            # Told once: by the first failed attempt after the delay.
            told_at = self.lease.submission.accepted_at + DELAY_NOTICE_S
            delayed = Report.DELAYED if self.lease.tried_at < told_at <= now else None
            self._end(State.READY, status, remote, event="deferred", attempts=failed, due_at=due, report=delayed)

    def _end(
        self,
        state: State,
        status: str,
        remote: str = "",
        *,
        event: str = "",
        detail: dict[str, object] | None = None,
        due_at: float = 0.0,
        attempts: int | None = None,
        hold_reason: str = "",
        address_dead: bool = False,
        report: Report | None = None,
    ) -> None:
        self._worker.finish(
            Result(
                self.lease,
                state,
                self._worker.clock(),
                status,
                remote,
                event,
                detail or {},
                due_at,
                self.lease.attempts if attempts is None else attempts,
                hold_reason,
                address_dead,
                self._bulk,
                report,
            )
        )
