"""Letting go what was held because its tenant was frozen, once it no longer is (R24)."""

from __future__ import annotations

from typing import Final

from relay.queue.holds import CHUNK, FREEZE, without
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.values.states import State

# A tenant frozen for bulk only has its transactional copies let go.
_COPY: Final = """
  FROM submission s JOIN tenant t ON t.id = s.tenant_id JOIN stream m ON m.id = s.stream_id
 WHERE s.id = r.submission_id
"""
FROZEN: Final = f"EXISTS (SELECT 1 {_COPY} AND (t.freeze = 'all' OR t.freeze = 'bulk' AND m.kind = 'bulk'))"
"""Whether a recipient ``r`` is a copy of a tenant who is frozen for its stream."""
_FREE: Final = f"{_COPY} AND (t.freeze = 'none' OR t.freeze = 'bulk' AND m.kind <> 'bulk')"
_FIND: Final = f"""
SELECT r.submission_id, r.number FROM recipient r
 WHERE r.state = 1 AND (r.held_by & {FREEZE}) <> 0 AND (?1 IS NULL OR r.tenant_id = ?1) AND EXISTS (SELECT 1 {_FREE})
 LIMIT ?2
"""
_LET_GO: Final = f"""
UPDATE recipient AS r SET {without(FREEZE)}
 WHERE submission_id = :submission AND number = :number AND state = 1 AND (held_by & {FREEZE}) <> 0
   AND EXISTS (SELECT 1 {_FREE})
RETURNING state
"""


def thaw(conn: Tx, now: float, tenant_id: int | None = None) -> int:
    """End this hold of such copies, of one tenant or of all, in short transactions; how many are due now.

    They are looked for without the write lock: among millions that are held for another reason that takes its time.
    """
    total = 0
    while found := conn.execute(_FIND, (tenant_id, CHUNK)).fetchall():
        with transaction(conn):
            for sid, number in found:
                row = conn.execute(_LET_GO, {"submission": sid, "number": number, "now": now}).fetchone()
                total += row is not None and row[0] == State.READY
        if len(found) < CHUNK:
            break
    return total
