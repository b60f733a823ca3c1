"""Messages of the relay's own, notices and letters: how they come into the queue, past intake and policies."""

from __future__ import annotations

from dataclasses import dataclass

from relay.mail.address import Address
from relay.store.contract import Tx
from relay.values.states import State


@dataclass(frozen=True, slots=True)
class OwnMessage:
    """One to one mailbox, ready to be stored: null reverse-path, no notices about it. Times in seconds UTC."""

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


def put(conn: Tx, message: OwnMessage, *, stream_id: int, subscriber_id: int = 0) -> None:
    """Queue it, due at once; ``subscriber_id`` 0 for someone who is no subscriber."""
    conn.execute(
        "INSERT INTO submission (id, tenant_id, stream_id, reverse_path, message_id, from_domain, subject, size_octets,"
        " accepted_at, expires_at, open_recipients) VALUES (?,?,?,'',?,?,?,?,?,?,1)",
        (message.id, message.tenant_id, stream_id, message.message_id, message.from_domain, message.subject,
         message.size_octets, message.now, message.expires_at),
    )  # fmt: skip
    conn.execute("INSERT INTO body (submission_id, template) VALUES (?, ?)", (message.id, message.template))
    conn.execute(
        "INSERT INTO recipient (submission_id, number, tenant_id, subscriber_id, address, domain, state, due_at,"
        " notify, changed_at) VALUES (?, 0, ?, ?, ?, ?, ?, ?, 'NEVER', ?)",
        (message.id, message.tenant_id, subscriber_id, str(message.to), message.to.domain, int(State.READY),
         message.now, message.now),
    )  # fmt: skip
