"""Letting go what was held because its tenant was frozen, or its domain lost, once that is over (R14, R24)."""

from __future__ import annotations

from typing import Final

from relay.queue.holds import CHUNK, DOMAIN, FREEZE, released, without
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
_BACK: Final = """
  FROM submission s JOIN domain d ON d.tenant_id = s.tenant_id AND d.name = s.from_domain
 WHERE s.id = r.submission_id AND d.verified_at IS NOT NULL AND d.removed_at IS NULL AND EXISTS
       (SELECT 1 FROM dkim_key k WHERE k.domain_id = d.id AND k.retired_at IS NULL)
"""
_FIND: Final = """
SELECT r.submission_id, r.number FROM recipient r
 WHERE r.state = 1 AND (r.held_by & {bit}) <> 0 AND (?1 IS NULL OR r.tenant_id = ?1) AND EXISTS (SELECT 1 {over})
 LIMIT ?2
"""
_LET_GO: Final = """
UPDATE recipient AS r SET {ended}
 WHERE submission_id = :submission AND number = :number AND state = 1 AND (held_by & {bit}) <> 0
   AND EXISTS (SELECT 1 {over})
RETURNING state
"""
_OVER: Final = {FREEZE: _FREE, DOMAIN: _BACK}
"""What holds it → when that is over."""


def thaw(conn: Tx, now: float, tenant_id: int | None = None) -> int:
    """End these holds of such copies, of one tenant or of all, in short transactions; how many are due now.

    They are looked for without the write lock: among millions that are held for another reason that takes its time.
    """
    return sum(_thaw(conn, bit, over, now, tenant_id) for bit, over in _OVER.items())


def _thaw(conn: Tx, bit: int, over: str, now: float, tenant_id: int | None) -> int:
    find = _FIND.format(bit=bit, over=over)
    let_go = _LET_GO.format(ended=without(bit), bit=bit, over=over)
    total = 0
    while found := conn.execute(find, (tenant_id, CHUNK)).fetchall():
        with transaction(conn):
            due: list[tuple[int, int]] = []
            for sid, number in found:
                row = conn.execute(let_go, {"submission": sid, "number": number, "now": now}).fetchone()
                if row is not None and row[0] == State.READY:
                    due.append((sid, number))
            released(conn, due, now)
            total += len(due)
        if len(found) < CHUNK:
            break
    return total
