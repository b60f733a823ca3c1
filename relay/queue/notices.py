"""Notices to senders: DSNs enqueued in the same transaction as what they report.

A notice is a submission of the relay's own (stream 0): it has a null
reverse-path, no policy applies to it and no notice follows from it.
"""

from __future__ import annotations

import secrets as random

from relay.mail.additions import Additions
from relay.mail.address import parse_address
from relay.mail.dsn import build
from relay.mail.dsn_report import Notification, RecipientReport
from relay.mail.scan import ScanLimits, scan
from relay.mail.template import compile_template
from relay.queue import own
from relay.store.contract import Tx
from relay.values.ids import encode_id, new_submission_id

NOTICE_STREAM = 0
EXPIRE_S = 2 * 86400.0


def enqueue_notice(
    conn: Tx,
    *,
    hostname: str,
    tenant_id: int,
    reverse_path: str,
    reports: tuple[RecipientReport, ...],
    original: bytes,
    ret: str,
    envelope_id: str,
    arrival: float,
    now: float,
) -> int | None:
    """Queue a DSN to ``reverse_path``; its submission id, or None where none may be sent (null reverse-path)."""
    if not reverse_path:
        return None
    submission_id = new_submission_id(now, random.randbits)
    message_id = f"<{encode_id(submission_id)}@{hostname}>"
    raw = build(
        Notification(
            reporting_mta=hostname,
            reverse_path=reverse_path,
            message_id=message_id,
            date=now,
            recipients=reports,
            original=original,
            ret=ret,
            envelope_id=envelope_id,
            arrival=arrival,
        )
    )
    template = compile_template(scan(raw, ScanLimits(header_octets=1024 * 1024)), Additions(), frozenset(), [])
    address = parse_address(reverse_path)
    message = own.OwnMessage(
        id=submission_id,
        tenant_id=tenant_id,
        to=address,
        from_domain=hostname,
        subject="notice",
        message_id=message_id,
        template=template.encode(),
        size_octets=len(raw),
        now=now,
        expires_at=now + EXPIRE_S,
    )
    own.put(conn, message, stream_id=NOTICE_STREAM)
    return submission_id
