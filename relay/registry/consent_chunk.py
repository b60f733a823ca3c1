"""One chunk of an import in the database: judged and written by a few statements (R1, R4, R8).

A chunk goes to a temporary table, which takes no lock; then it is judged and
written in one transaction of some milliseconds, in the order of addresses, so
that it touches few pages. The judgement is that of ``consents.unsubscribed_at``.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from relay.audit import log
from relay.registry import erased
from relay.registry.in_turn import InTurn
from relay.registry.secrets import Secrets


class Incoming(NamedTuple):
    """One person of a chunk, ready to be written."""

    address: str
    """Canonical."""
    line: int
    given_at: float
    ip: str
    mailbox: str | None
    attributes: str | None
    """JSON; None: nothing to keep."""
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Giving:
    """What all lines of an import have in common."""

    tenant_id: int
    secrets: Secrets
    topic_id: int
    """-1: a topic that isn't there yet (dry run)."""
    source: str
    wording_id: int
    page: str
    means: str
    now: float
    evidence: str
    """JSON, for the history of those without an IP address."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a chunk."""

    taken: int
    ended: tuple[tuple[int, str], ...]
    """Line and address of those who unsubscribed."""
    held_s: float
    """How long the write lock was held."""


_TEMP: Final = (
    "CREATE TEMP TABLE IF NOT EXISTS incoming (line INTEGER PRIMARY KEY, address TEXT NOT NULL,"
    " given_at REAL NOT NULL, ip TEXT NOT NULL, evidence TEXT, mailbox TEXT, attributes TEXT,"
    " subscriber_id INTEGER, verdict INTEGER NOT NULL DEFAULT 0)",
    "CREATE TEMP TABLE IF NOT EXISTS incoming_group (line INTEGER NOT NULL, group_id INTEGER NOT NULL)",
)
_TAKE: Final = 0
_ENDED: Final = 2
"""Verdicts; 1 is a live consent."""

_FIND: Final = (
    "UPDATE temp.incoming SET subscriber_id ="
    " (SELECT s.id FROM main.subscriber s WHERE s.tenant_id = ? AND s.address = incoming.address)"
    " WHERE subscriber_id IS NULL"
)
_ENDED_BY: Final = """
     EXISTS (SELECT 1 FROM main.suppression p WHERE p.subscriber_id = {person}
             AND p.topic_id IN (0, :topic) AND p.reason = 'unsubscribed')
  OR EXISTS (SELECT 1 FROM main.consent c WHERE c.subscriber_id = {person}
             AND c.topic_id = :topic AND c.channel = 'email' AND c.withdrawn_at IS NOT NULL)
  OR EXISTS (SELECT 1 FROM main.consent_history h WHERE h.subscriber_id = {person}
             AND h.topic_id = 0 AND h.action = 'withdrawn'
             AND NOT EXISTS (SELECT 1 FROM main.consent c WHERE c.subscriber_id = {person}
                             AND c.topic_id = :topic AND c.channel = 'email' AND c.withdrawn_at IS NULL
                             AND c.given_at > h.at))"""
_JUDGE: Final = f"""
UPDATE temp.incoming SET verdict = CASE
  WHEN {_ENDED_BY.format(person="incoming.subscriber_id")} THEN 2
  WHEN EXISTS (SELECT 1 FROM main.consent c WHERE c.subscriber_id = incoming.subscriber_id
               AND c.topic_id = :topic AND c.channel = 'email') THEN 1
  ELSE 0 END
 WHERE subscriber_id IS NOT NULL"""
_JUDGE_MAILBOX: Final = f"""
UPDATE temp.incoming SET verdict = 2
 WHERE verdict = 0 AND mailbox IS NOT NULL AND EXISTS (
   SELECT 1 FROM main.subscriber o WHERE o.tenant_id = :tenant AND o.mailbox = incoming.mailbox
      AND o.address <> incoming.address AND ({_ENDED_BY.format(person="o.id")}))"""
_PEOPLE: Final = (
    "INSERT INTO main.subscriber (tenant_id, address, created_at, mailbox)"
    " SELECT ?, address, ?, mailbox FROM temp.incoming WHERE subscriber_id IS NULL AND verdict = 0 ORDER BY address"
)
_CONSENTS: Final = (
    "INSERT INTO main.consent (subscriber_id, topic_id, channel, given_at, source, wording_id, ip, page, means,"
    " recorded_at) SELECT subscriber_id, :topic, 'email', given_at, :source, :wording, ip, :page, :means, :now"
    " FROM temp.incoming WHERE verdict = 0 ORDER BY subscriber_id"
)
_HISTORY: Final = (
    "INSERT INTO main.consent_history (subscriber_id, topic_id, action, at, recorded_at, evidence, leaf_id, salt)"
    " SELECT subscriber_id, :topic, 'given', given_at, :now, coalesce(evidence, :evidence), :leaf, randomblob(16)"
    " FROM temp.incoming WHERE verdict = 0"
    " ORDER BY subscriber_id"
)
_PROFILES: Final = (
    "INSERT INTO main.profile (subscriber_id, attributes, changed_at)"
    " SELECT subscriber_id, attributes, :now FROM temp.incoming WHERE verdict < 2 AND attributes IS NOT NULL"
    " ORDER BY subscriber_id ON CONFLICT (subscriber_id) DO UPDATE SET changed_at = excluded.changed_at,"
    " attributes = json_patch(profile.attributes, excluded.attributes)"
    " WHERE json_patch(profile.attributes, excluded.attributes) <> profile.attributes"
)
_MEMBERS: Final = (
    "INSERT INTO main.membership (group_id, subscriber_id) SELECT g.group_id, i.subscriber_id"
    " FROM temp.incoming_group g JOIN temp.incoming i ON i.line = g.line WHERE i.verdict < 2"
    " ORDER BY 1, 2 ON CONFLICT DO NOTHING"
)


def prepare(conn: sqlite3.Connection) -> None:
    """Make the temporary tables of this connection."""
    for statement in _TEMP:
        conn.execute(statement)


def fill(
    conn: sqlite3.Connection, chunk: Sequence[Incoming], groups: dict[str, int], told: Callable[[str], str]
) -> None:
    """Put a chunk, which is in the order of addresses, into the temporary tables; of one that is there twice the first.

    ``told`` makes of an IP address the evidence for the history (JSON).
    """
    rows = []
    last = ""
    for person in chunk:
        if person.address != last:
            last = person.address
            rows.append((*person[:6], told(person.ip) if person.ip else None))
    conn.execute("BEGIN")  # of the temporary database only
    conn.execute("DELETE FROM temp.incoming")
    conn.execute("DELETE FROM temp.incoming_group")
    conn.executemany(
        "INSERT INTO temp.incoming (address, line, given_at, ip, mailbox, attributes, evidence)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    if groups:
        members = [(person.line, groups[name]) for person in chunk for name in person.groups]
        conn.executemany("INSERT INTO temp.incoming_group VALUES (?, ?)", members)
    conn.execute("COMMIT")


def write(turns: InTurn, giving: Giving) -> Written:
    """Judge and write what ``fill`` put there, in a transaction of its own."""
    with turns.transaction() as conn:
        started = time.perf_counter()
        judged = judge(conn, giving)
        take(conn, giving)
    return Written(*judged, time.perf_counter() - started)


def judge(conn: sqlite3.Connection, giving: Giving) -> tuple[int, tuple[tuple[int, str], ...]]:
    """(how many are to be taken, those who unsubscribed); the others have a live consent."""
    conn.execute(_FIND, (giving.tenant_id,))
    asked = {"topic": giving.topic_id, "tenant": giving.tenant_id}
    conn.execute(_JUDGE, asked)
    conn.execute(_JUDGE_MAILBOX, asked)
    _judge_erased(conn, giving)
    taken = conn.execute("SELECT count(*) FROM temp.incoming WHERE verdict = ?", (_TAKE,)).fetchone()[0]
    ended = conn.execute("SELECT line, address FROM temp.incoming WHERE verdict = ?", (_ENDED,)).fetchall()
    return int(taken), tuple(ended)


def _judge_erased(conn: sqlite3.Connection, giving: Giving) -> None:
    """Who was erased has no consent any more, and gets none from a list."""
    if not erased.anyone(conn, giving.tenant_id):
        return
    open_ = conn.execute("SELECT line, address FROM temp.incoming WHERE verdict = ?", (_TAKE,)).fetchall()
    gone = [(line,) for line, address in open_ if erased.find(conn, giving.secrets, giving.tenant_id, address)]
    conn.executemany(f"UPDATE temp.incoming SET verdict = {_ENDED} WHERE line = ?", gone)


def _history(conn: sqlite3.Connection, giving: Giving, values: dict[str, object]) -> None:
    """What was given, as one leaf of the audit log; none if nobody is new."""
    if conn.execute("SELECT 1 FROM temp.incoming WHERE verdict = ? LIMIT 1", (_TAKE,)).fetchone() is None:
        return
    leaf = log.open_batch(conn, "consents-given", giving.tenant_id, giving.now)
    conn.execute(_HISTORY, values | {"leaf": leaf})
    log.close_batch(conn, leaf)


def take(conn: sqlite3.Connection, giving: Giving) -> None:
    """Write down all that were judged to be taken: people, consents with their history, attributes, groups.

    The one place where an import writes consents, in the caller's transaction.
    """
    conn.execute(_PEOPLE, (giving.tenant_id, giving.now))
    conn.execute(_FIND, (giving.tenant_id,))
    values: dict[str, object] = {
        "topic": giving.topic_id,
        "source": giving.source,
        "wording": giving.wording_id,
        "page": giving.page,
        "means": giving.means,
        "now": giving.now,
        "evidence": giving.evidence,
    }
    conn.execute(_CONSENTS, values)
    _history(conn, giving, values)
    conn.execute(_PROFILES, values)
    conn.execute(_MEMBERS)
