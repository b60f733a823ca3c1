"""A person's standing with a tenant: consents and suppressions in one look-up (R1, R3).

The hot path asks it at every RCPT and again before every delivery, so it is
one prepared statement over indexes only.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from relay.pipeline.contract import Consent, Reason, Standing, Suppression

# One statement: consents (LEFT JOIN, so that the person shows even without one), then suppressions.
_STANDING: Final = """
SELECT s.id, 0, t.name, c.given_at, c.source, c.withdrawn_at,
       EXISTS (SELECT 1 FROM counted n WHERE n.tenant_id = s.tenant_id AND n.name = ?2 AND n.subscriber_id = s.id)
  FROM subscriber s
  LEFT JOIN consent c ON c.subscriber_id = s.id AND c.channel = 'email'
  LEFT JOIN topic t ON t.id = c.topic_id
 WHERE {person}
UNION ALL
SELECT s.id, 1, t.name, p.since_at, p.reason, NULL, 0
  FROM subscriber s
  JOIN suppression p ON p.subscriber_id = s.id
  LEFT JOIN topic t ON t.id = p.topic_id
 WHERE {person}
"""
_BY_ADDRESS: Final = _STANDING.format(person="s.tenant_id = ?1 AND s.address = ?3")
_BY_ID: Final = _STANDING.format(person="s.id = ?1")
_NOBODY: Final = Standing()


def standing(conn: sqlite3.Connection, tenant_id: int, canonical: str, period: str) -> Standing:
    """What is known of an address with a tenant; an unknown one has an empty standing.

    ``period`` is the plan's running period, for ``counted``.
    """
    return _standing(conn.execute(_BY_ADDRESS, (tenant_id, "subscribers/" + period, canonical)).fetchall())


def standing_by_id(conn: sqlite3.Connection, subscriber_id: int, period: str) -> Standing:
    """The same for a subscriber's id; empty if the person was erased."""
    return _standing(conn.execute(_BY_ID, (subscriber_id, "subscribers/" + period)).fetchall())


def _standing(rows: list[tuple[Any, ...]]) -> Standing:
    if not rows:
        return _NOBODY
    consents: list[Consent] = []
    suppressed: list[Suppression] = []
    for _, kind, topic, at, word, withdrawn_at, _ in rows:
        if kind:
            suppressed.append(Suppression(Reason(word), topic, at))
        elif topic is not None:
            consents.append(Consent(topic, withdrawn_at is None, at, word, withdrawn_at))
    return Standing(rows[0][0], tuple(consents), tuple(suppressed), bool(rows[0][6]))
