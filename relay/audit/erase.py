"""Taking a person's data out of the log: salt and data go, the commitment stays (R26).

What the leaves say stays true and can be verified; whom they were about can
no longer be found out, not even by trying addresses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from relay.audit import log
from relay.audit.errors import AuditError
from relay.audit.rows import AUDIT, HISTORY, AuditRows
from relay.store.contract import Tx

ACTION: Final = "data-erased"
_BLANK: Final = {
    HISTORY: "subscriber_id = 0, topic_id = 0, action = 'erased', at = 0, recorded_at = 0, evidence = ''",
    AUDIT: "at = 0, actor = '', action = 'erased', tenant_id = NULL, detail = ''",
}


def erase(conn: Tx, subscriber_id: int, actor: str, now: float) -> int:
    """Blank all records about a subscriber, in the caller's transaction; returns how many.

    The erasure itself becomes a leaf, so that nobody passes something off as
    erased. The subscriber's own row is the caller's. Raises AuditError if a
    record no longer is what was written.
    """
    row = conn.execute("SELECT tenant_id, address FROM subscriber WHERE id = ?", (subscriber_id,)).fetchone()
    if row is None:
        return 0
    tenant_id, address = row
    own = _blank(conn, HISTORY, "SELECT id FROM consent_history WHERE subscriber_id = ?", (subscriber_id,))
    return _told(conn, tenant_id, {HISTORY: own, AUDIT: _naming(conn, tenant_id, address)}, actor, now)


def erase_address(conn: Tx, tenant_id: int, address: str, actor: str, now: float) -> int:
    """The same for an address that no subscriber has: what administrators did may name it all the same."""
    return _told(conn, tenant_id, {AUDIT: _naming(conn, tenant_id, address)}, actor, now)


def _naming(conn: Tx, tenant_id: int, address: str) -> list[int]:
    return _blank(
        conn,
        AUDIT,
        "SELECT id FROM audit WHERE tenant_id = ? AND json_valid(detail) AND json_extract(detail, '$.address') = ?",
        (tenant_id, address),
    )


def _told(conn: Tx, tenant_id: int, done: Mapping[str, list[int]], actor: str, now: float) -> int:
    rows = {table: ids for table, ids in done.items() if ids}
    if rows:
        log.action(conn, actor, ACTION, tenant_id, json.dumps({"rows": rows}, separators=(",", ":")), now)
    return sum(map(len, rows.values()))


def _blank(conn: Tx, table: str, which: str, values: tuple[object, ...]) -> list[int]:
    done = []
    for (id_,) in conn.execute(which, values).fetchall():
        row = AuditRows(conn, table).of_id(id_)
        if row is None:  # older than the log and not yet taken into it
            conn.execute(f"DELETE FROM {table} WHERE id = ?", (id_,))
            continue
        if row.commitment is None:
            raise AuditError("a record of this person was changed; `relay audit verify` says which, nothing was erased")
        conn.execute(f"UPDATE {table} SET {_BLANK[table]}, salt = ? WHERE id = ?", (row.commitment, id_))
        done.append(id_)
    return done
