"""One leased copy on its way through the engine: the re-check, its rendering and signing, what its outcome means."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING

from relay.delivery.compose import Compiled, notice, own_domain
from relay.delivery.outcome import Bounced, Delivered, Outcome, Prepared, Retry, Returned
from relay.mail.address import parse_address
from relay.mail.downgrade import downgrade
from relay.mail.render import Rendered
from relay.pipeline.contract import Continue, Freeze, Hold, Kind, QueueEntry, Reject, Standing
from relay.queue.model import State
from relay.queue.values import Lease, Report, Result
from relay.registry import consents
from relay.registry.snapshot import Snapshot

if TYPE_CHECKING:
    from relay.delivery.worker import Worker

MOMENT_S = 1.0
"""So long what was found wanted is so still, if registry, everybody's standing and the campaign are as they were."""
LEAST_ATTEMPTS = 3
"""A copy that was held for long is still tried so often before it expires."""
DELAY_NOTICE_S = 4 * 3600.0
"""When a sender who asked for it is told that a copy is late."""


class LeasedCopy:
    """The engine's ``Attempt`` for a lease."""

    __slots__ = (
        "_begin_until",
        "_bulk",
        "_checked_at",
        "_message",
        "_seen",
        "_worker",
        "address",
        "domain",
        "group",
        "lease",
        "orcpt",
    )

    notify = ""
    """The relay reports successes itself, and failures come back to its own reverse-path."""

    def __init__(self, worker: Worker, lease: Lease) -> None:
        self._worker = worker
        self.lease = lease
        self.address = lease.address
        self.domain = lease.domain
        self.orcpt = lease.orcpt
        self.group = lease.submission.id if lease.submission.shared and lease.address.isascii() else None
        self._bulk = False
        self._seen: tuple[Snapshot, int] | None = None
        """The registry as it was when the copy was last found wanted, and everybody's standing (with campaigns)."""
        self._checked_at = 0.0
        self._message: Compiled | None = None
        self._begin_until = worker.even() + worker.terms.begin_s
        """Of the time that nobody sets: begun later, it could outlast its lease."""

    # -- before it is sent -----------------------------------------------------------

    def wanted(self) -> bool:
        """The re-check right before sending; where the copy is not to be sent its end is written."""
        worker, lease = self._worker, self.lease
        now = worker.clock()
        if worker.even() > self._begin_until:
            self._end(State.READY, "lease ran out before sending", due_at=now)
            return False
        if worker.outcomes.stuck:
            self._end(State.READY, "outcomes can't be written", due_at=now)
            return False
        if not notice(lease.submission) and not self._still_wanted(worker.snapshots.current(), now):
            return False
        if self._found() is None:
            self._end(State.CANCELLED, "the message is gone", event="cancelled")
            return False
        self._checked_at = now
        return True

    def still_wanted(self) -> bool:
        """As ``wanted``, cheaper where nothing has changed since that said yes a moment ago."""
        snapshots, seen = self._worker.snapshots, self._seen
        if seen is None or snapshots.current() is not seen[0] or snapshots.standing_version != seen[1]:
            return self.wanted()
        if not 0 <= self._worker.clock() - self._checked_at < MOMENT_S:
            return self.wanted()
        return True

    def _found(self) -> Compiled | None:
        if self._message is None:
            self._message = self._worker.composer.message(self.lease.submission.id)
        return self._message

    def _still_wanted(self, snapshot: Snapshot, now: float) -> bool:
        """Freeze, campaign, policies."""
        worker, lease, submission = self._worker, self.lease, self.lease.submission
        stream = snapshot.streams.get(submission.stream_id)
        if stream is None or submission.tenant_id not in snapshot.tenants:
            self._end(State.CANCELLED, "the tenant or stream is gone", event="cancelled")
            return False
        self._bulk = stream.kind is Kind.BULK
        tenant = worker.facts.tenant(snapshot, submission.tenant_id, now)
        if tenant.freeze is Freeze.ALL or (tenant.freeze is Freeze.BULK and self._bulk):
            self._end(State.HELD, f"frozen: {tenant.freeze_reason}", hold_reason="frozen", event="held")
            return False
        if submission.campaign_id is not None and not self._campaign_goes_on(submission.campaign_id):
            return False
        entry = QueueEntry(
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
        verdict = worker.chain.release(entry)
        if isinstance(verdict, Continue):
            self._seen = (snapshot, worker.snapshots.standing_version)
            return True
        if isinstance(verdict, Reject):
            self._end(State.WITHDRAWN, verdict.status.reply, event="withdrawn")
        elif isinstance(verdict, Hold):
            self._end(State.HELD, verdict.why, hold_reason=verdict.why, event="held")
        else:
            self._retry(verdict.status.reply, "", None)
        return False

    def _standing(self) -> Standing:
        """What came with the lease as long as nobody's standing has got worse since, else what the store says now."""
        lease = self.lease
        if lease.standing is not None and lease.standing_version == self._worker.snapshots.standing_version:
            return lease.standing
        return consents.standing_by_id(self._worker.conn, lease.subscriber_id)

    def _campaign_goes_on(self, campaign_id: int) -> bool:
        row = self._worker.campaign(campaign_id)
        if row is not None and row[0] == "declined":
            self._end(State.DECLINED, f"campaign declined: {row[1]}", event="declined")
            return False
        if row is not None and row[0] == "stopped":
            self._end(State.HELD, f"campaign stopped: {row[1]}", hold_reason="staged", event="held")
            return False
        return True

    @property
    def octets(self) -> int:
        return self.lease.submission.size_octets

    def prepare(self, eight_bit: bool, shared: bool) -> Prepared | Awaitable[Prepared] | None:
        """Render, and have it signed; None if the message is gone."""
        worker, lease, message = self._worker, self.lease, self._found()
        if message is None:
            return None
        snapshot = worker.snapshots.current()
        domain = own_domain(snapshot, lease.submission.tenant_id, lease.submission.from_domain)
        mark = worker.composer.mark(lease, shared)
        signer = worker.composer.signer(snapshot, domain)
        rendered = worker.composer.render(message, lease, mark, domain, hashed=signer is not None)
        if message.needs_8bit and not eight_bit:
            # What can't be converted goes as it is: servers that mind are extinct, a bounce would be sure.
            rendered = downgrade(rendered.fields, rendered.body) or rendered
        reverse_path = "" if notice(lease.submission) else worker.composer.reverse_path(mark, domain)
        if signer is None:
            return self._made(message, rendered, reverse_path, [])
        pending = signer.prepare(rendered.fields, rendered.body_hash, worker.clock())
        return worker.signatures.sign(
            pending, lambda signatures: self._made(message, rendered, reverse_path, signatures)
        )

    def _made(self, message: Compiled, rendered: Rendered, reverse_path: str, signatures: Sequence[bytes]) -> Prepared:
        return Prepared(
            reverse_path=reverse_path,
            data=b"".join((*signatures, *rendered.fields, b"\r\n", rendered.body)),
            smtputf8=message.needs_smtputf8 or not self.address.isascii(),
            eight_bit=message.needs_8bit,
            ret="HDRS",
            clean=rendered.clean,  # signatures are so too, see ``Signer``
            dotless=rendered.dotless,
        )

    # -- how it ended ----------------------------------------------------------------

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
                if outcome.cut:
                    self._worker.cut_off(self.lease, outcome.remote)
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
                    doubt=outcome.doubt,
                    detail={
                        "type": "hard" if outcome.address_dead else "refused",
                        "code": outcome.reason.enhanced,
                        **({"class": outcome.kind} if outcome.kind else {}),
                    },
                )
            case Returned():
                self._end(State.READY, "not tried", due_at=self._worker.clock())

    def _retry(self, status: str, remote: str, not_before: float | None) -> None:
        now = self._worker.clock()
        failed = self.lease.attempts + 1
        due = self._worker.terms.schedule.next_attempt(now, failed, not_before)
        if failed >= LEAST_ATTEMPTS and self._tried_for_its_time(now, due, failed):
            late: dict[str, object] = {"type": "expired"}
            self._end(
                State.EXPIRED, status, remote, event="expired", attempts=failed, detail=late, report=Report.FAILED
            )
        else:
            # Told once: by the first failed attempt after the delay.
            told_at = self.lease.submission.accepted_at + DELAY_NOTICE_S
            delayed = Report.DELAYED if self.lease.tried_at < told_at <= now else None
            self._end(State.READY, status, remote, event="deferred", attempts=failed, due_at=due, report=delayed)

    def _tried_for_its_time(self, now: float, due: float, failed: int) -> bool:
        """Whether the next attempt would come too late.

        The clock alone doesn't tell: it may have been set, or nobody have tried while the relay was down. What of a
        copy's life this process has not seen counts as long as its waits took.
        """
        submission, terms = self.lease.submission, self._worker.terms
        since = self._worker.steady.since()
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
        address_dead: bool = False,
        report: Report | None = None,
        doubt: str = "",
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
                doubt,
            )
        )
