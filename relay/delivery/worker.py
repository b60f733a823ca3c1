"""Between queue and engine: leases copies, hands them to their channel, writes outcomes down.

What was just accepted comes in leased and compiled and goes out from memory
as long as there is room; the rest waits in the store and is leased when it is
due, lane by lane. Nothing here holds more copies than ``inflight``.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from relay.delivery.backlog import MOST_LANES, Backlog
from relay.delivery.channel import Channel
from relay.delivery.outcomes import Outcomes
from relay.delivery.room import Room
from relay.mail.template import Template
from relay.observe.steady import Steady
from relay.pipeline.chain import Chain
from relay.queue.lanes import Lane, Waiting, waiting
from relay.queue.lease import LEASE_S, claim, claimed, lease_due
from relay.queue.owners import GoneOwners, Owners, bury
from relay.queue.schedule import Schedule
from relay.queue.values import Claim, Enqueued, Lease, NewSubmission, Result, Written
from relay.store.contract import Failure, Tx
from relay.store.thread import to_its_end
from relay.store.units import GroupCommit, StoreBusy
from relay.tenants.facts import Facts
from relay.tenants.snapshot import Snapshot, SnapshotSource
from relay.values.ids import encode_id
from relay.values.states import State

_log = logging.getLogger("relay.delivery")

POLL_S = 1.0
"""How often the store is asked for due copies: commands and pages change it from other processes."""
MARGIN_S = 120.0
"""Of a lease, beyond what the limits of a session allow."""
SWEEP_S = 10.0
"""How often leases of processes that are gone are looked for."""
MOST_CAMPAIGNS = 1000
"""Whose state is remembered."""
LOOK_SHARE = 10
"""Looking for due copies takes a tenth of a thread's time at most."""


@dataclass(frozen=True, slots=True)
class WorkerTerms:
    """Settings of the worker."""

    inflight: int
    schedule: Schedule
    expire_s: float
    """How long a copy is tried, if its message names no earlier end."""
    longest_send_s: float
    """Longest time that the limits of a session allow for one copy."""
    enabled: bool = True

    @property
    def margin_s(self) -> float:
        """A copy whose lease ends sooner is not begun any more: sending it could outlast the lease."""
        return self.longest_send_s + MARGIN_S

    @property
    def lease_s(self) -> float:
        return max(LEASE_S, 2 * self.margin_s)

    @property
    def begin_s(self) -> float:
        """So long after it was leased a copy may be begun."""
        return self.lease_s - self.margin_s


class Worker:
    """Runs deliveries of one process; also the acceptor's ``Outlet``."""

    def __init__(
        self,
        terms: WorkerTerms,
        channel: Channel,
        chain: Chain,
        snapshots: SnapshotSource,
        conn: Tx,
        committer: GroupCommit,
        clock: Callable[[], float],
        facts: Facts,
        looking: Tx,
        owners: Owners,
        steady: Steady,
    ) -> None:
        self.terms = terms
        self.channel = channel
        self.chain = chain
        self.snapshots = snapshots
        self.conn = conn
        self.committer = committer
        self.clock = clock
        self.facts = facts
        self.room = Room(terms.inflight)
        self._backlog = Backlog()
        self._looking = looking
        """Of its own: looks run in a thread."""
        self._owners = owners
        self.steady = steady
        self.even = steady.even
        self._look_at = 0.0
        self._sweep_at = 0.0
        self.outcomes = Outcomes(committer, channel.notify, self._written)
        self._wake = asyncio.Event()
        self._stopping = False
        self._cut_off = 0
        self._retries_asked = -1
        self._campaigns: dict[int, tuple[str, str] | None] = {}
        self._campaigns_at = -1

    def campaign(self, campaign_id: int) -> tuple[str, str] | None:
        """State and why; None if it is gone. Read again once some campaign was stopped, declined or went on again."""
        version = self.snapshots.as_of.standing
        if self._campaigns_at != version or len(self._campaigns) >= MOST_CAMPAIGNS:
            self._campaigns_at = version
            self._campaigns.clear()
        elif campaign_id in self._campaigns:
            return self._campaigns[campaign_id]
        row = self.conn.execute("SELECT state, why FROM campaign WHERE id = ?", (campaign_id,)).fetchone()
        found = self._campaigns[campaign_id] = None if row is None else (str(row[0]), str(row[1]))
        return found

    # -- the acceptor's side -------------------------------------------------------

    def claim(self, new: NewSubmission) -> Claim | None:
        """Room is taken at once: others ask before this one's commit is done."""
        if not self.terms.enabled or self._stopping:
            return None
        owner = self._owners.name()
        if owner is None or not self.room.take(new.tenant_id, [fresh.recipient.domain for fresh in new.recipients]):
            return None
        return claim(owner, new.accepted_at, self.terms.lease_s)

    def release(self, new: NewSubmission) -> None:
        for fresh in new.recipients:
            self.room.add(Lane(new.tenant_id, fresh.recipient.domain), -1)
        self._wake.set()

    def take(self, new: NewSubmission, stored: Enqueued, template: Template, claim: Claim | None) -> None:
        if claim is None or not stored.claimed:
            self._left(new, stored, claim)
            return
        self.channel.remember(new.id, template, len(new.template))
        for fresh, lease in zip(new.recipients, claimed(new, stored, claim), strict=True):
            if lease is None:
                self.room.add(Lane(new.tenant_id, fresh.recipient.domain), -1)
            else:
                self._begin(lease)

    def _left(self, new: NewSubmission, stored: Enqueued, claim: Claim | None) -> None:
        """It waits in the store."""
        if claim is not None:
            self.release(new)
        elif self.terms.enabled and new.due_at <= new.accepted_at:
            for fresh, state in zip(new.recipients, stored.states, strict=True):
                if state is State.READY:
                    self._backlog.hint(Lane(new.tenant_id, fresh.recipient.domain))
            self._wake.set()

    # -- leasing ---------------------------------------------------------------------

    def _begin(self, lease: Lease) -> None:
        """Room for it has been taken."""
        self.channel.submit(self, lease)

    async def run(self) -> None:
        """Lease due copies whenever there is room; ends with ``stop``."""
        while not self._stopping:
            wait_s = POLL_S
            try:
                if self.terms.enabled:
                    wait_s = await self._fill()
            except (StoreBusy, Failure) as error:
                _log.error("queue can't be read, trying again: %s", error)
            except Exception:
                _log.exception("queue can't be worked off, trying again")
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait_s)

    async def _fill(self) -> float:
        """Lease what fits; how long to wait before asking again, in seconds."""
        if time.monotonic() >= self._look_at:
            await self._look()
        chosen = self._backlog.choose(self.room, self.channel.ahead)
        if not chosen:
            return max(0.0, self._look_at - time.monotonic())
        owner, now = self._owners.name(), self.clock()
        if owner is None:
            return POLL_S
        for lane, copies in chosen.items():
            self.room.add(lane, copies)
        leases: list[Lease] = []
        try:
            leases = await self.committer.submit(lambda conn: lease_due(conn, owner, now, chosen, self.terms.lease_s))
        finally:
            self._settle(chosen, leases)
        for lease in leases:
            self._begin(lease)
        return 0.0

    def _settle(self, chosen: dict[Lane, int], leases: list[Lease]) -> None:
        """Give back room that was taken for more than there was; such lanes have no more."""
        found = Counter(Lane(lease.submission.tenant_id, lease.domain) for lease in leases)
        for lane, copies in chosen.items():
            if found[lane] < copies:
                self.room.add(lane, found[lane] - copies)
                self._backlog.exhausted(lane)

    async def _look(self) -> None:
        """See which lanes are due; the more there are, the less often."""
        self._heed_retry()
        await self._sweep()
        begun = time.monotonic()
        self._backlog.look()
        now = self.clock()
        found, snapshot = await to_its_end(self._waiting, self._backlog.after)
        self.snapshots.adopt(snapshot)
        self._backlog.looked(found, now)
        self._look_at = time.monotonic() + max(POLL_S, LOOK_SHARE * (time.monotonic() - begun))

    async def _sweep(self) -> None:
        """Say that this node is there, and take back what processes and nodes leased that are gone."""
        if time.monotonic() < self._sweep_at:
            return
        self._sweep_at = time.monotonic() + SWEEP_S
        gone = await to_its_end(self._gone)
        await self.beat()
        if not gone:
            return
        now = self.clock()
        count = await self.committer.submit(lambda conn: bury(conn, gone, now))
        for node in gone.nodes:
            _log.warning("node %s (%s) has not been heard of for %d s, and is dead", node.name, node.id, node.term_s)
        _log.warning("%d copies were leased by mail processes that are gone, and are due again", count)

    async def beat(self) -> None:
        """Say that this node is there, if it is time; where it can't be written the committer says why."""
        with contextlib.suppress(StoreBusy, Failure):
            await self._owners.beat(self.committer.submit, self.clock())

    def _gone(self) -> GoneOwners:
        return self._owners.look(self._looking)

    def _waiting(self, after: Lane) -> tuple[list[Waiting], Snapshot | None]:
        """Lanes, and the registry where so much of it was changed that the loop should not read it."""
        return list(itertools.islice(waiting(self._looking, after), MOST_LANES)), self.snapshots.ahead(self._looking)

    def _heed_retry(self) -> None:
        """After `relay queue retry` a site's back-off must not put the copies off again."""
        self.snapshots.current()
        asked = self.snapshots.as_of.retry
        if asked != self._retries_asked:
            self._retries_asked = asked
            self.channel.forgive()

    async def stop(self, grace_s: float, hurry: asyncio.Event) -> None:
        """Take no more, let running transactions have their final replies, write all outcomes down.

        What has none after ``grace_s`` seconds, or when ``hurry`` is set, is cut off and named in the log.
        """
        self._stopping = True
        self._wake.set()
        await self.channel.close(grace_s, hurry)
        await self.outcomes.all_written()
        if self._cut_off:
            _log.warning("%d copies were cut off by the stop and may arrive twice, see above", self._cut_off)

    def cut_off(self, lease: Lease, remote: str) -> None:
        """The stop ended its transaction between the final dot and the reply."""
        self._cut_off += 1
        _log.warning(
            "id=%s/%d to=<%s> remote=%s cut off by the stop before the final reply came: it may arrive twice",
            encode_id(lease.submission.id),
            lease.number,
            lease.address,
            remote or "-",
        )

    # -- outcomes --------------------------------------------------------------------

    def finish(self, result: Result) -> None:
        self.outcomes.add(result)

    def _written(self, batch: list[Result], written: Written) -> None:
        for result in batch:
            self.room.add(Lane(result.lease.submission.tenant_id, result.lease.domain), -1)
        for submission_id in written.finished:
            self.channel.forget(submission_id)
        self._wake.set()
