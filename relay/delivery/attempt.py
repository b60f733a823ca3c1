"""One leased copy on its way through a channel: the re-check, and what its outcome means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from relay.delivery.outcome import Bounced, Delivered, Outcome, Retry, Returned
from relay.mail.address import parse_address
from relay.people import consents
from relay.pipeline.contract import Continue, Hold, QueueEntry, Reject
from relay.queue import braked, holds
from relay.queue.last import LAST, LAST_TYPE
from relay.queue.values import Lease, ReportKind, Result, notice
from relay.store.as_of import NEVER
from relay.tenants.snapshot import Snapshot
from relay.values.facts import Freeze, Kind, Standing, Stream, Tenant
from relay.values.states import State

if TYPE_CHECKING:
    from relay.delivery.outcomes import Outcomes
    from relay.observe.steady import Steady
    from relay.pipeline.chain import Chain
    from relay.queue.schedule import Schedule
    from relay.store.contract import Tx
    from relay.tenants.facts import Facts
    from relay.tenants.snapshot import SnapshotSource

LEAST_ATTEMPTS = 3
"""A copy that was held for long is still tried so often before it expires."""
DELAY_NOTICE_S = 4 * 3600.0
"""When a sender who asked for it is told that a copy is late."""


class DeliveryTerms(Protocol):
    """What of the settings a copy goes by; times in seconds."""

    @property
    def schedule(self) -> Schedule: ...
    @property
    def expire_s(self) -> float: ...
    @property
    def begin_s(self) -> float: ...


class DeliveryDesk(Protocol):
    """Whom a copy asks on its way, and tells how it ended: the worker."""

    @property
    def terms(self) -> DeliveryTerms: ...

    snapshots: SnapshotSource
    facts: Facts
    chain: Chain
    conn: Tx
    clock: Callable[[], float]
    even: Callable[[], float]
    steady: Steady
    outcomes: Outcomes

    def campaign(self, campaign_id: int) -> tuple[str, str] | None: ...
    def finish(self, result: Result) -> None: ...
    def cut_off(self, lease: Lease, remote: str) -> None: ...


class LeasedCopy:
    """A lease on its way through a channel's engine, without what is the channel's own."""

    __slots__ = (
        "_begin_until",
        "_bulk",
        "_desk",
        "_told",
        "_tracked",
        "_wanted_as_of",
        "address",
        "domain",
        "lease",
        "typed",
    )

    def __init__(self, desk: DeliveryDesk, lease: Lease) -> None:
        self._desk = desk
        self.lease = lease
        self.address = lease.address
        self.domain = lease.domain
        self.typed = lease.subscriber_id == 0
        self._bulk = False
        self._tracked = False
        self._told: Mapping[str, object] | None = None
        """What hooks that wait have answered just now."""
        self._wanted_as_of = NEVER
        """When the copy was last found wanted."""
        self._begin_until = desk.even() + desk.terms.begin_s
        """Of the time that nobody sets: begun later, it could outlast its lease."""

    # -- before it is sent -----------------------------------------------------------

    @property
    def asks(self) -> bool:
        return self._desk.chain.release_waits and not notice(self.lease.submission)

    async def ask(self) -> None:
        desk, submission = self._desk, self.lease.submission
        snapshot, now = desk.snapshots.current(), desk.clock()
        stream = snapshot.streams.get(submission.stream_id)
        if stream is None or submission.tenant_id not in snapshot.tenants:
            return  # nothing to ask about, as ``wanted`` finds too
        tenant = desk.facts.tenant(snapshot, submission.tenant_id, now)
        self._told = await desk.chain.ask_ahead(self._entry(tenant, stream, now))

    def wanted(self) -> bool:
        """The re-check right before sending; where the copy is not to be sent its end is written."""
        desk, lease = self._desk, self.lease
        now = desk.clock()
        if desk.even() > self._begin_until:
            self._end(State.READY, "lease ran out before sending", due_at=now)
            return False
        if desk.outcomes.stuck:
            self._end(State.READY, "outcomes can't be written", due_at=now)
            return False
        last_at = lease.submission.last_at
        if last_at is not None and now >= last_at:
            self._end(State.EXPIRED, LAST, event="expired", detail={"type": LAST_TYPE})
            return False
        if not notice(lease.submission) and not self._still_wanted(desk.snapshots.current(), now):
            return False
        if not self.there():
            self._end(State.CANCELLED, "the message is gone", event="cancelled")
            return False
        return True

    def still_wanted(self) -> bool:
        """As ``wanted``, cheaper where nothing has changed since that said yes a moment ago."""
        snapshots = self._desk.snapshots
        snapshots.current()
        return snapshots.as_of is self._wanted_as_of or self.wanted()

    def there(self) -> bool:
        """Whether the message is still there to be made a copy of; the channel's."""
        raise NotImplementedError

    def _still_wanted(self, snapshot: Snapshot, now: float) -> bool:
        """Freeze, campaign, policies."""
        desk, submission = self._desk, self.lease.submission
        stream = snapshot.streams.get(submission.stream_id)
        if stream is None or submission.tenant_id not in snapshot.tenants:
            self._end(State.CANCELLED, "the tenant or stream is gone", event="cancelled")
            return False
        self._bulk = stream.kind is Kind.BULK
        tenant = desk.facts.tenant(snapshot, submission.tenant_id, now)
        if tenant.freeze is Freeze.ALL or (tenant.freeze is Freeze.BULK and self._bulk):
            self._end(State.HELD, f"frozen: {tenant.freeze_reason}", held_by=holds.FREEZE, event="held")
            return False
        if snapshot.brakes and self._braked(snapshot):
            self._end(State.HELD, braked.WHY, held_by=holds.BRAKE, event="held")
            return False
        if not self.may_leave(snapshot):
            domain = submission.from_domain
            why = f"domain: {domain} is not verified for the tenant any more, or has no key to sign with"
            self._end(State.HELD, why, held_by=holds.DOMAIN, event="held")
            return False
        if submission.campaign_id is not None and not self._campaign_goes_on(submission.campaign_id):
            return False
        told, self._told = self._told, None
        verdict = desk.chain.release(self._entry(tenant, stream, now), told)
        if isinstance(verdict, Continue):
            self._wanted_as_of = desk.snapshots.as_of
            return True
        if isinstance(verdict, Reject):
            self._end(State.WITHDRAWN, verdict.status.reply, event="withdrawn")
        elif isinstance(verdict, Hold):
            self._hold(verdict)
        else:
            self._retry(verdict.status.reply, "", None)
        return False

    def _entry(self, tenant: Tenant, stream: Stream, now: float) -> QueueEntry:
        lease, submission = self.lease, self.lease.submission
        return QueueEntry(
            submission.id,
            lease.number,
            tenant,
            stream,
            lease.address,
            parse_address(lease.address).canonical,
            self._standing(),
            submission.topic,
            submission.campaign_id,
            lease.attempts,
            now,
        )

    def _hold(self, verdict: Hold) -> None:
        self._end(
            State.HELD,
            verdict.why,
            hold_reason=verdict.why,
            event="held",
            detail={} if verdict.until is None else {"until": verdict.until},
            held_by=holds.POLICY,
            held_until=verdict.until,
        )

    def may_leave(self, snapshot: Snapshot) -> bool:
        """Nothing leaves unsigned, or from a domain that isn't the tenant's at this moment (R14)."""
        submission = self.lease.submission
        return notice(submission) or snapshot.may_leave(submission.tenant_id, submission.from_domain)

    def _braked(self, snapshot: Snapshot) -> bool:
        """Whether its log-in seems to be used by another; asked of the store while any is braked."""
        submission = self.lease.submission
        login, client = braked.sent_with(self._desk.conn, submission.id)
        brake = snapshot.brakes.get(login)
        return brake is not None and brake.holds(client, submission.accepted_at)

    def _standing(self) -> Standing:
        """What came with the lease as long as nobody's standing has got worse since, else what the store says now."""
        lease = self.lease
        if lease.standing is not None and lease.as_of.standing == self._desk.snapshots.as_of.standing:
            return lease.standing
        return consents.standing_by_id(self._desk.conn, lease.subscriber_id)

    def _campaign_goes_on(self, campaign_id: int) -> bool:
        row = self._desk.campaign(campaign_id)
        if row is not None and row[0] == "declined":
            self._end(State.DECLINED, f"campaign declined: {row[1]}", event="declined")
            return False
        if row is not None and row[0] == "stopped":
            self._end(State.HELD, f"campaign stopped: {row[1]}", held_by=holds.CAMPAIGN, event="held")
            return False
        return True

    # -- how it ended ----------------------------------------------------------------

    def done(self, outcome: Outcome) -> None:
        match outcome:
            case Delivered():
                self._end(
                    State.DELIVERED,
                    outcome.status,
                    outcome.remote,
                    attempts=self.lease.attempts + 1,
                    report=ReportKind.RELAYED if "SUCCESS" in self.lease.notify else None,
                )
            case Retry():
                if outcome.cut:
                    self._desk.cut_off(self.lease, outcome.remote)
                self._retry(outcome.diagnostic or outcome.status, outcome.remote, outcome.not_before)
            case Bounced():
                self._end(
                    State.BOUNCED,
                    outcome.diagnostic or outcome.status,
                    outcome.remote,
                    event="bounced",
                    attempts=self.lease.attempts + 1,
                    address_dead=outcome.address_dead,
                    report=ReportKind.FAILED,
                    doubt=outcome.doubt,
                    detail={
                        "type": "hard" if outcome.address_dead else "refused",
                        "code": outcome.reason.enhanced,
                        **({"class": outcome.kind} if outcome.kind else {}),
                    },
                )
            case Returned():
                self._end(State.READY, "not tried", due_at=self._desk.clock())

    def _retry(self, status: str, remote: str, not_before: float | None) -> None:
        now = self._desk.clock()
        failed = self.lease.attempts + 1
        due = self._desk.terms.schedule.next_attempt(now, failed, not_before)
        last_at = self.lease.submission.last_at
        if last_at is not None:  # it is dropped then, whatever its site wants
            due = min(due, last_at)
        if last_at is None and failed >= LEAST_ATTEMPTS and self._tried_for_its_time(now, due, failed):
            late: dict[str, object] = {"type": "expired"}
            self._end(
                State.EXPIRED, status, remote, event="expired", attempts=failed, detail=late, report=ReportKind.FAILED
            )
        else:
            # Told once: by the first failed attempt after the delay.
            told_at = self.lease.submission.accepted_at + DELAY_NOTICE_S
            delayed = ReportKind.DELAYED if self.lease.tried_at < told_at <= now else None
            self._end(State.READY, status, remote, event="deferred", attempts=failed, due_at=due, report=delayed)

    def _tried_for_its_time(self, now: float, due: float, failed: int) -> bool:
        """Whether the next attempt would come too late.

        The clock alone doesn't tell: it may have been set, or nobody have tried while the relay was down. What of a
        copy's life this process has not seen counts as long as its waits took.
        """
        submission, terms = self.lease.submission, self._desk.terms
        since = self._desk.steady.since()
        life_s = min(submission.expires_at - submission.accepted_at, terms.expire_s)
        if since <= submission.accepted_at <= now:
            return due >= submission.expires_at and due - submission.accepted_at >= life_s
        tried_s = max(now - since, terms.schedule.waits_s(failed)) + due - now
        set_back = submission.accepted_at > now
        return tried_s >= life_s and (set_back or due >= submission.expires_at)

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
        held_by: int = 0,
        held_until: float | None = None,
        address_dead: bool = False,
        report: ReportKind | None = None,
        doubt: str = "",
    ) -> None:
        self._desk.finish(
            Result(
                self.lease,
                state,
                self._desk.clock(),
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
                doubt,
                held_by,
                held_until,
                self._tracked,
            )
        )
