"""Events that are past their time, and what an erased person leaves in them.

The newest event is never deleted: SQLite would give its id out again, and
followers would take the next one for one that they have read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from relay.events.write import PLACES
from relay.store.contract import Tx
from relay.store.database import transaction

STEP: Final = 500
"""Events deleted in one transaction."""
_BELOW: Final = PLACES - 1
"""Below the tenants of all rows: -1 is of earlier releases, 0 the whole relay."""
OLD: Final = "SELECT id FROM event WHERE tenant_id = ? AND at < ? AND id < (SELECT max(id) FROM event) LIMIT ?"

_READ: Final = (
    "SELECT id FROM event WHERE tenant_id = ? AND id <= (SELECT min(position) FROM follower)"
    " AND id < (SELECT max(id) FROM event) LIMIT ?"
)


def blank(conn: Tx, ids: Iterable[int]) -> None:
    """These say nothing more than that something happened."""
    conn.executemany("UPDATE event SET detail = '{}' WHERE id = ?", [(id_,) for id_ in ids])


def blank_copy(conn: Tx, submission_id: int, number: int) -> None:
    """So do all of one copy."""
    conn.execute("UPDATE event SET detail = '{}' WHERE submission_id = ? AND number = ?", (submission_id, number))


def forget_told(conn: Tx) -> int:
    """Delete some rows that only followers were to be told, and all have read; how many."""
    ids = conn.execute(_READ, (PLACES, STEP)).fetchall()
    if ids:
        with transaction(conn):
            conn.executemany("DELETE FROM event WHERE id = ?", ids)
    return len(ids)


def forget(conn: Tx, before: float) -> int:
    """Delete older ones, tenant by tenant, as there is an index by tenant and time; how many.

    In transactions of its own.
    """
    deleted, tenant_id = 0, _BELOW
    while True:
        row = conn.execute(
            "SELECT tenant_id FROM event WHERE tenant_id > ? ORDER BY tenant_id LIMIT 1", (tenant_id,)
        ).fetchone()
        if row is None:
            return deleted
        tenant_id = row[0]
        while ids := conn.execute(OLD, (tenant_id, before, STEP)).fetchall():
            with transaction(conn):
                conn.executemany("DELETE FROM event WHERE id = ?", ids)
            deleted += len(ids)
