"""Delivery status notifications about one copy, enqueued with the outcome they tell (RFC 3461 §5.2, §6.2)."""

from __future__ import annotations

from relay.delivery.smtp.compose import Composer
from relay.mail import dsn
from relay.mail.dsn import MAX_RETURNED_OCTETS
from relay.mail.dsn_report import Action, RecipientReport
from relay.queue.notices import enqueue_notice
from relay.queue.values import ReportKind, Result, notice
from relay.store.contract import Tx
from relay.tenants.snapshot import SnapshotSource

_OUTCOME = {ReportKind.FAILED: "failed", ReportKind.DELAYED: "delayed", ReportKind.RELAYED: "delivered"}
_ACTION = {ReportKind.FAILED: Action.FAILED, ReportKind.DELAYED: Action.DELAYED, ReportKind.RELAYED: Action.RELAYED}


def enhanced(status: str, default: str) -> str:
    """The enhanced code of a reply line, else ``default`` (RFC 3463)."""
    for word in status.replace("-", " ").split()[:3]:
        parts = word.split(".")
        if len(parts) == 3 and all(p.isdigit() for p in parts) and parts[0] == default[0]:
            return word
    return default


class Reporter:
    """Tells the sender what became of a copy, where NOTIFY or the stream's kind asks for it.

    Since the reverse-path that leaves is the relay's own, the relay is where
    the client's DSN request ends: it says ``relayed`` itself and asks the next
    hop for failures only.
    """

    def __init__(self, hostname: str, composer: Composer, snapshots: SnapshotSource) -> None:
        self._hostname = hostname
        self._composer = composer
        self._snapshots = snapshots

    def __call__(self, conn: Tx, result: Result) -> None:
        """Runs inside the outcome's transaction."""
        lease, submission = result.lease, result.lease.submission
        if result.report is None or notice(submission):
            return
        snapshot = self._snapshots.current()
        stream = snapshot.streams.get(submission.stream_id)
        if stream is None or not dsn.wanted(lease.notify, stream.kind, _OUTCOME[result.report]):
            return
        action = _ACTION[result.report]
        defaults = {Action.FAILED: "5.0.0", Action.DELAYED: "4.0.0", Action.RELAYED: "2.0.0"}
        report = RecipientReport(
            final_recipient=lease.address,
            action=action,
            status=enhanced(result.status, defaults[action]),
            original_recipient=lease.orcpt,
            remote_mta=result.remote.partition("[")[0].strip(),
            diagnostic=result.status,
            last_attempt=result.at,
            will_retry_until=submission.expires_at if action is Action.DELAYED else None,
        )
        enqueue_notice(
            conn,
            hostname=self._hostname,
            tenant_id=submission.tenant_id,
            reverse_path=submission.reverse_path,
            reports=(report,),
            original=self._original(result),
            ret=submission.ret,
            envelope_id=submission.envid,
            arrival=submission.accepted_at,
            now=result.at,
        )

    def _original(self, result: Result) -> bytes:
        lease, submission = result.lease, result.lease.submission
        message = self._composer.message(submission.id)
        if message is None:
            return b""
        if submission.ret != "FULL" or submission.size_octets > MAX_RETURNED_OCTETS:
            return message.renderer.header(dict(lease.slots)) + b"\r\n"
        domain = self._snapshots.current().own_domain(submission.tenant_id, submission.from_domain)
        mark, as_of = self._composer.mark(lease), self._snapshots.as_of
        rendered = self._composer.render(message, lease, mark, domain, as_of, hashed=False)
        return b"".join(rendered.fields) + b"\r\n" + rendered.body
