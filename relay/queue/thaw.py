"""Letting go what was held because its tenant was frozen, once it no longer is (R24)."""

from __future__ import annotations

from typing import Final

from relay.store.contract import Tx
from relay.store.database import transaction

FROZEN: Final = "frozen"
"""``hold_reason`` of copies whose tenant was found frozen at the re-check."""
CHUNK: Final = 1_000

# A tenant frozen for bulk only has its transactional copies let go.
_FREE: Final = """
  FROM submission s JOIN tenant t ON t.id = s.tenant_id JOIN stream m ON m.id = s.stream_id
 WHERE s.id = r.submission_id AND (t.freeze = 'none' OR t.freeze = 'bulk' AND m.kind <> 'bulk')
"""
_FIND: Final = f"""
SELECT r.submission_id, r.number FROM recipient r
 WHERE r.state = 1 AND r.hold_reason = 'frozen' AND (?1 IS NULL OR r.tenant_id = ?1) AND EXISTS (SELECT 1 {_FREE})
 LIMIT ?2
"""
_LET_GO: Final = f"""
UPDATE recipient AS r SET state = 0, owner = NULL, due_at = ?3, hold_reason = '', changed_at = ?3
 WHERE submission_id = ?1 AND number = ?2 AND state = 1 AND hold_reason = 'frozen' AND EXISTS (SELECT 1 {_FREE})
"""


def thaw(conn: Tx, now: float, tenant_id: int | None = None) -> int:
    """Make such copies due, of one tenant or of all, in short transactions; how many.

    They are looked for without the write lock: among millions that are held for another reason that takes its time.
    """
    total = 0
    while found := conn.execute(_FIND, (tenant_id, CHUNK)).fetchall():
        with transaction(conn):
            step = conn.executemany(_LET_GO, [(*key, now) for key in found]).rowcount
        total += step
        if len(found) < CHUNK:
            break
    return total
