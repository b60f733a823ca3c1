"""Statements for campaigns that were held or declined, whoever decided: kept in step with what campaigns say (R12)."""

from __future__ import annotations

from typing import Any, Final

from relay.conduct import letters, statements
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.tenants import tenants

ACTIONS: Final = {
    "staged": "staged",
    "watching": "staged",
    "undecided": "undecided",
    "stopped": "stopped",
    "declined": "declined",
}
"""A campaign's state → what the statement calls it."""
MAILED: Final = frozenset({"stopped", "declined"})
"""What waits for its verdict as announced is told by command and API alone."""
AUTOMATIC: Final = "relay"
LATELY_S: Final = 2 * 86_400.0
_OPEN: Final = "('staged', 'undecided', 'stopped', 'declined')"
_MISSING: Final = """
SELECT c.id, c.tenant_id, c.name, c.state, c.reason, c.why, coalesce(c.decided_by, ''), c.delivered, c.bounced,
       c.complained, c.unsubscribed, c.recipients
  FROM campaign c
 WHERE (c.state IN ('staged', 'watching', 'undecided', 'stopped') OR c.state = 'declined' AND c.decided_at > ?)
   AND NOT EXISTS (SELECT 1 FROM statement s WHERE s.tenant_id = c.tenant_id AND s.ended_at IS NULL
       AND s.about = 'campaign:' || CAST(c.id AS TEXT)
       AND s.action = CASE c.state WHEN 'watching' THEN 'staged' ELSE c.state END)
 ORDER BY c.id LIMIT 500
"""
_OVER: Final = f"""
SELECT s.tenant_id, s.about, coalesce(c.decided_by, '') FROM statement s
  JOIN campaign c ON s.about = 'campaign:' || CAST(c.id AS TEXT) AND c.tenant_id = s.tenant_id
 WHERE s.ended_at IS NULL AND s.action IN {_OPEN} AND c.state IN ('released', 'open') LIMIT 500
"""


def missing(conn: Tx, now: float) -> bool:
    """Whether there is anything to write; takes no lock."""
    return (
        conn.execute(_MISSING, (now - LATELY_S,)).fetchone() is not None or conn.execute(_OVER).fetchone() is not None
    )


def write(conn: Tx, operator: Operator, now: float) -> int:
    """Those that are missing, and the end of those whose campaign was released; in the caller's transaction."""
    rows = conn.execute(_MISSING, (now - LATELY_S,)).fetchall()
    for row in rows:
        _write(conn, operator, row, now)
    for tenant_id, about, actor in conn.execute(_OVER).fetchall():
        statements.end(conn, tenant_id, tuple(set(ACTIONS.values())), about, actor=actor or AUTOMATIC, now=now)
    return len(rows)


def _write(conn: Tx, operator: Operator, row: tuple[Any, ...], now: float) -> None:
    id_, tenant_id, name, state, reason, why, decided_by, delivered, bounced, complained, unsubscribed, recipients = row
    about, action = f"campaign:{id_}", ACTIONS[state]
    before = tuple(set(ACTIONS.values()) - {action})
    statements.end(conn, tenant_id, before, about, actor=decided_by or AUTOMATIC, now=now)
    facts: list[dict[str, object]] = [
        {
            "fact": "campaign",
            "campaign": name or str(id_),
            "recipients": recipients,
            "delivered": delivered,
            "bounced": bounced,
            "complained": complained,
            "unsubscribed": unsubscribed,
        }
    ]
    by_person = bool(decided_by) and decided_by != AUTOMATIC
    statement = statements.add(
        conn, tenant_id, action, rule="R12", reason=why or reason, facts=facts, about=about, automatic=not by_person,
        actor=decided_by or AUTOMATIC, now=now,
    )  # fmt: skip
    if action in MAILED:
        letters.tell(conn, operator, tenants.by_id(conn, tenant_id), statement, now)
