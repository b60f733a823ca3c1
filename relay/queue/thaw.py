"""Letting go what was held because its tenant was frozen, once it no longer is (R24)."""

from __future__ import annotations

import sqlite3
from typing import Final

from relay.store.database import transaction

FROZEN: Final = "frozen"
"""``hold_reason`` of copies whose tenant was found frozen at the re-check."""
CHUNK: Final = 1_000

# A tenant frozen for bulk only has its transactional copies let go.
_STEP: Final = """
UPDATE recipient SET state = 0, owner = NULL, due_at = ?1, hold_reason = '', changed_at = ?1
 WHERE (submission_id, number) IN (
   SELECT r.submission_id, r.number FROM recipient r
     JOIN submission s ON s.id = r.submission_id
     JOIN tenant t ON t.id = r.tenant_id
     JOIN stream m ON m.id = s.stream_id
    WHERE r.state = 1 AND r.hold_reason = 'frozen' AND (?2 IS NULL OR r.tenant_id = ?2)
      AND (t.freeze = 'none' OR t.freeze = 'bulk' AND m.kind <> 'bulk')
    LIMIT ?3)
"""


def thaw(conn: sqlite3.Connection, now: float, tenant_id: int | None = None) -> int:
    """Make such copies due, of one tenant or of all, in short transactions; how many."""
    total = 0
    while True:
        with transaction(conn):
            step = conn.execute(_STEP, (now, tenant_id, CHUNK)).rowcount
        total += step
        if step < CHUNK:
            return total
