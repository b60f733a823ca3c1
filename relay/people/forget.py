"""Taking a person off a tenant's list for good (R5, R26); what the audit log keeps of it is ``relay.audit.erase``'s."""

from __future__ import annotations

from typing import Final

from relay.store.contract import Tx

_ROWS: Final = (
    "DELETE FROM consent WHERE subscriber_id = ?",
    "DELETE FROM suppression WHERE subscriber_id = ?",
    "DELETE FROM membership WHERE subscriber_id = ?",
    "DELETE FROM profile WHERE subscriber_id = ?",
    "DELETE FROM apart WHERE subscriber_id = ?",
    "DELETE FROM doubt WHERE subscriber_id = ?",
    "DELETE FROM subscriber WHERE id = ?",
)


def forget(conn: Tx, subscriber_id: int) -> None:
    """All that is kept of it, in the caller's transaction."""
    for sql in _ROWS:
        conn.execute(sql, (subscriber_id,))
