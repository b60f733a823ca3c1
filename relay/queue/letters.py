"""Letters of the relay's own in a tenant's name, such as confirmation mails.

A letter goes through the tenant's transactional stream: a freeze of it holds
for the letter too, it gets a reverse-path of its own, and the tenant finds it
in the trace. It is not counted against the plan, and nobody becomes a
subscriber by being written to.
"""

from __future__ import annotations

from relay.events import write as events
from relay.mail.additions import Additions
from relay.mail.address import Address
from relay.mail.scan import ScanLimits, scan
from relay.mail.template import compile_template
from relay.queue import own
from relay.queue.notices import NOTICE_STREAM
from relay.queue.own import OwnMessage
from relay.store.contract import Tx


def ready(
    raw: bytes,
    *,
    id: int,
    tenant_id: int,
    to: Address,
    from_domain: str,
    subject: str,
    message_id: str,
    now: float,
    expires_at: float,
) -> OwnMessage:
    """Compile a letter; raises Malformed for octets that are no message."""
    template = compile_template(scan(raw, ScanLimits()), Additions())
    return OwnMessage(id, tenant_id, to, from_domain, subject, message_id, template.encode(), len(raw), now, expires_at)


def put(conn: Tx, letter: OwnMessage, *, subscriber_id: int = 0, note: str = "") -> None:
    """Queue it, due at once; ``subscriber_id`` 0 for someone who is no subscriber."""
    own.put(conn, letter, stream_id=_stream(conn, letter.tenant_id), subscriber_id=subscriber_id)
    events.accepted(conn, letter.tenant_id, letter.id, None, 1, {"why": note} if note else {}, letter.now, counts=False)


def _stream(conn: Tx, tenant_id: int) -> int:
    """The tenant's first stream that needs no consent, else the relay's own for notices."""
    row = conn.execute(
        "SELECT min(id) FROM stream WHERE tenant_id = ? AND kind = 'transactional' AND consent = 'exempt'",
        (tenant_id,),
    ).fetchone()
    return NOTICE_STREAM if row[0] is None else int(row[0])
