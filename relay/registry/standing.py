"""A person's standing with a tenant: consents and suppressions in one look-up (R1, R3).

The hot path asks it at every RCPT and again before every delivery, so it is
one prepared statement over indexes only.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from relay.pipeline.contract import Consent, Reason, Standing, Suppression
from relay.registry.mailbox import mailbox_of

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
# What stops another spelling of the same mailbox stops this one too.
_OTHERS: Final = """UNION ALL
SELECT o.id, 1, t.name, p.since_at, p.reason, NULL, 0
  FROM {others}
  JOIN suppression p ON p.subscriber_id = o.id
  LEFT JOIN topic t ON t.id = p.topic_id
 WHERE {person}
"""
_BY_ADDRESS: Final = _STANDING.format(person="s.tenant_id = ?1 AND s.address = ?3")
_BY_MAILBOX: Final = _BY_ADDRESS + _OTHERS.format(
    others="subscriber o", person="o.tenant_id = ?1 AND o.mailbox = ?4 AND o.address <> ?3"
)
_BY_ID: Final = _STANDING.format(person="s.id = ?1") + _OTHERS.format(
    others="subscriber s JOIN subscriber o ON o.tenant_id = s.tenant_id AND o.mailbox = s.mailbox AND o.id <> s.id",
    person="s.id = ?1",
)
_NOBODY: Final = Standing()


def standing(conn: sqlite3.Connection, tenant_id: int, canonical: str, period: str) -> Standing:
    """What is known of an address with a tenant; an unknown one has an empty standing.

    Suppressions of other spellings of its mailbox count for it too, known or
    not. ``period`` is the plan's running period, for ``counted``.
    """
    mailbox = mailbox_of(canonical)
    if mailbox is None:
        return _standing(conn.execute(_BY_ADDRESS, (tenant_id, "subscribers/" + period, canonical)).fetchall())
    return _standing(conn.execute(_BY_MAILBOX, (tenant_id, "subscribers/" + period, canonical, mailbox)).fetchall())


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
    first = rows[0]  # of a known person always a row of consents
    known = first[1] == 0
    return Standing(first[0] if known else None, tuple(consents), tuple(suppressed), known and bool(first[6]))
