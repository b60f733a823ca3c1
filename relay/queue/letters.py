"""Letters of the relay's own in a tenant's name, such as confirmation mails.

A letter goes through the tenant's transactional stream: a freeze of it holds
for the letter too, it gets a reverse-path of its own, and the tenant finds it
in the trace. It is not counted against the plan, and nobody becomes a
subscriber by being written to.
"""

from __future__ import annotations

from dataclasses import dataclass

from relay.mail.additions import Additions
from relay.mail.address import Address
from relay.mail.scan import ScanLimits, scan
from relay.mail.template import compile_template
from relay.queue.enqueue import dumps
from relay.queue.notices import NOTICE_STREAM
from relay.store.contract import Tx
from relay.values.states import State


@dataclass(frozen=True, slots=True)
class Queued:
    """A letter ready to be stored; times in seconds UTC."""

    id: int
    """Its submission id."""
    tenant_id: int
    to: Address
    from_domain: str
    subject: str
    message_id: str
    template: bytes
    size_octets: int
    now: float
    expires_at: float


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
) -> Queued:
    """Compile a letter; raises Malformed for octets that are no message."""
    template = compile_template(scan(raw, ScanLimits()), Additions())
    return Queued(id, tenant_id, to, from_domain, subject, message_id, template.encode(), len(raw), now, expires_at)


def put(conn: Tx, letter: Queued, *, subscriber_id: int = 0, note: str = "") -> None:
    """Queue it, due at once; ``subscriber_id`` 0 for someone who is no subscriber."""
    conn.execute(
        "INSERT INTO submission (id, tenant_id, stream_id, reverse_path, message_id, from_domain, subject, size_octets,"
        " accepted_at, expires_at, open_recipients) VALUES (?,?,?,'',?,?,?,?,?,?,1)",
        (letter.id, letter.tenant_id, _stream(conn, letter.tenant_id), letter.message_id, letter.from_domain,
         letter.subject, letter.size_octets, letter.now, letter.expires_at),
    )  # fmt: skip
    conn.execute("INSERT INTO body (submission_id, template) VALUES (?, ?)", (letter.id, letter.template))
    conn.execute(
        "INSERT INTO recipient (submission_id, number, tenant_id, subscriber_id, address, domain, state, due_at,"
        " notify, changed_at) VALUES (?, 0, ?, ?, ?, ?, ?, ?, 'NEVER', ?)",
        (letter.id, letter.tenant_id, subscriber_id, str(letter.to), letter.to.domain, int(State.READY), letter.now,
         letter.now),
    )  # fmt: skip
    conn.execute(
        "INSERT INTO event (tenant_id, at, kind, submission_id, detail) VALUES (?, ?, 'accepted', ?, ?)",
        (letter.tenant_id, letter.now, letter.id, dumps({"recipients": 1, "why": note} if note else {"recipients": 1})),
    )


def _stream(conn: Tx, tenant_id: int) -> int:
    """The tenant's first stream that needs no consent, else the relay's own for notices."""
    row = conn.execute(
        "SELECT min(id) FROM stream WHERE tenant_id = ? AND kind = 'transactional' AND consent = 'exempt'",
        (tenant_id,),
    ).fetchone()
    return NOTICE_STREAM if row[0] is None else int(row[0])
