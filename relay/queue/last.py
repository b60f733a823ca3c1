"""The last moment that an application gives its message: what hasn't left then is dropped and given back (R19)."""

from __future__ import annotations

from typing import Final

from relay.queue.drop import QueuedCopy, give_up
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.values.states import State

LAST: Final = "the time that the message names as its last is past"
LAST_TYPE: Final = "last"
"""``type`` of such a copy's event."""
CHUNK: Final = 1_000
_OVER: Final = "SELECT id FROM submission WHERE last_at IS NOT NULL AND last_at <= ? ORDER BY last_at LIMIT ?"
MOST: Final = 1_000
"""Messages looked at in one turn."""
_COPIES: Final = (
    "SELECT submission_id, number, tenant_id, campaign_id FROM recipient WHERE submission_id = ?"
    " AND (state = 1 OR state = 0 AND owner IS NULL) ORDER BY number LIMIT ?"
)


def drop_late(conn: Tx, now: float) -> int:
    """Drop the copies that wait for nothing any more, in short transactions; how many.

    What is being delivered at the moment has left; if it comes back it is dropped by its re-check.
    """
    return sum(_drop(conn, submission_id, now) for (submission_id,) in conn.execute(_OVER, (now, MOST)).fetchall())


def _drop(conn: Tx, submission_id: int, now: float) -> int:
    count = 0
    while True:
        copies = [QueuedCopy(*row) for row in conn.execute(_COPIES, (submission_id, CHUNK))]
        with transaction(conn):
            count += len(give_up(conn, copies, State.EXPIRED, LAST, "relay", now)) if copies else 0
            if len(copies) < CHUNK:
                over = "UPDATE submission SET last_at = NULL WHERE id = ? AND open_recipients <= 0"
                conn.execute(over, (submission_id,))
                return count
