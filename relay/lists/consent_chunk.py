"""One chunk of an import in the database: judged and written by a few statements (R1, R4, R8).

It is put into a temporary table and bound for the audit log, which takes no
lock; then it is judged and written in one transaction of some milliseconds, in
the order of addresses, so that it touches few pages. The judgement is that of ``consents.unsubscribed_at``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from relay.audit import log, record
from relay.keys.secrets import Secrets
from relay.lists.consent_staging import Staging
from relay.lists.list_sort import Line
from relay.people import erased, never_ask
from relay.store.contract import Tx
from relay.store.sqlite.fragments import elements
from relay.store.sqlite.in_turn import InTurn
from relay.store.sqlite.reading import last_given


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
    tenant: str
    """By name, as the audit log has it."""
    topic: str
    wording: str
    """Its digest."""
    before: str
    """The evidence for the history (JSON, sorted) up to where an IP address belongs."""
    after: str

    def evidence(self, ip: str) -> str:
        """As ``consent_history`` has it, JSON."""
        return f'{self.before}"ip":"{ip}",{self.after}' if ip else self.before + self.after


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a chunk."""

    taken: int
    ended: tuple[tuple[int, str], ...]
    """Line and address of those who unsubscribed."""
    held_s: float
    """How long the write lock was held."""


_TAKE: Final = 0
_ENDED: Final = 2
"""Verdicts; 1 is a live consent."""

_FIND: Final = (
    "UPDATE incoming SET subscriber_id ="
    " (SELECT s.id FROM subscriber s WHERE s.tenant_id = ? AND s.address = incoming.address)"
    " WHERE subscriber_id IS NULL"
)
_ENDED_BY: Final = """
     EXISTS (SELECT 1 FROM suppression p WHERE p.subscriber_id = {person}
             AND p.topic_id IN (0, :topic) AND p.reason = 'unsubscribed')
  OR EXISTS (SELECT 1 FROM consent c WHERE c.subscriber_id = {person}
             AND c.topic_id = :topic AND c.channel = 'email' AND c.withdrawn_at IS NOT NULL)
  OR EXISTS (SELECT 1 FROM consent_history h WHERE h.subscriber_id = {person}
             AND h.topic_id = 0 AND h.action = 'withdrawn'
             AND NOT EXISTS (SELECT 1 FROM consent c WHERE c.subscriber_id = {person}
                             AND c.topic_id = :topic AND c.channel = 'email' AND c.withdrawn_at IS NULL
                             AND c.given_at > h.at))"""
_JUDGE: Final = f"""
UPDATE incoming SET verdict = CASE
  WHEN {_ENDED_BY.format(person="incoming.subscriber_id")} THEN 2
  WHEN EXISTS (SELECT 1 FROM consent c WHERE c.subscriber_id = incoming.subscriber_id
               AND c.topic_id = :topic AND c.channel = 'email') THEN 1
  ELSE 0 END
 WHERE subscriber_id IS NOT NULL"""
_JUDGE_MAILBOX: Final = f"""
UPDATE incoming SET verdict = 2
 WHERE verdict = 0 AND mailbox IS NOT NULL AND EXISTS (
   SELECT 1 FROM subscriber o WHERE o.tenant_id = :tenant AND o.mailbox = incoming.mailbox
      AND o.address <> incoming.address AND ({_ENDED_BY.format(person="o.id")}))"""
_NUMBER: Final = "UPDATE incoming SET subscriber_id = :last + number WHERE subscriber_id IS NULL AND verdict = 0"
_PEOPLE: Final = (
    "INSERT INTO subscriber (id, tenant_id, address, created_at, mailbox)"
    " SELECT subscriber_id, :tenant, address, :now, mailbox FROM incoming"
    " WHERE subscriber_id > :last ORDER BY number"
)
_CONSENTS: Final = (
    "INSERT INTO consent (subscriber_id, topic_id, channel, given_at, source, wording_id, ip, page, means,"
    " recorded_at) SELECT subscriber_id, :topic, 'email', given_at, :source, :wording, ip, :page, :means, :now"
    " FROM incoming WHERE verdict = 0 ORDER BY number"
)
_EVIDENCE: Final = """:before || CASE ip WHEN '' THEN '' ELSE '"ip":"' || ip || '",' END || :after"""
_HISTORY: Final = (
    "INSERT INTO consent_history (subscriber_id, topic_id, action, at, recorded_at, evidence, leaf_id, salt)"
    f" SELECT subscriber_id, :topic, 'given', given_at, :now, {_EVIDENCE}, :leaf, salt"
    " FROM incoming WHERE verdict = 0 ORDER BY number"
)
_PROFILES: Final = (
    "INSERT INTO profile (subscriber_id, attributes, changed_at)"
    " SELECT subscriber_id, attributes, :now FROM incoming WHERE verdict < 2 AND attributes IS NOT NULL"
    " ORDER BY number ON CONFLICT (subscriber_id) DO UPDATE SET changed_at = excluded.changed_at,"
    " attributes = json_patch(profile.attributes, excluded.attributes)"
    " WHERE json_patch(profile.attributes, excluded.attributes) <> profile.attributes"
)
_MEMBERS: Final = (
    "INSERT INTO membership (group_id, subscriber_id) SELECT g.id, i.subscriber_id"
    f" FROM incoming i, {elements('i.groups', 'j')} JOIN named g ON g.place = j.value WHERE i.verdict < 2"
    " ORDER BY 1, 2 ON CONFLICT DO NOTHING"
)


def write(turns: InTurn, staged: Staging, giving: Giving, chunk: Sequence[Line]) -> Written:
    """Judge people and write them, in a transaction of its own."""
    drawn = os.urandom(record.SALT_OCTETS * len(chunk))
    salts = [drawn[begin : begin + record.SALT_OCTETS] for begin in range(0, len(drawn), record.SALT_OCTETS)]
    staged.fill(chunk, salts)
    bound = record.commitments(
        "given",
        [(salt, line[0], line[2], giving.evidence(line[3])) for line, salt in zip(chunk, salts, strict=True)],
        giving.now,
        giving.tenant,
        giving.topic,
        giving.wording,
    )
    with turns.transaction() as conn:
        started = time.perf_counter()
        judged = _judge(conn, giving)
        _take(conn, giving, bound)
    return Written(*judged, time.perf_counter() - started)


def judge(conn: Tx, staged: Staging, giving: Giving, chunk: Sequence[Line]) -> Written:
    """What ``write`` would do."""
    staged.fill(chunk, [b""] * len(chunk))
    conn.execute("BEGIN")  # reads, and writes to the temporary table only
    try:
        return Written(*_judge(conn, giving), 0.0)
    finally:
        conn.execute("ROLLBACK")


def _judge(conn: Tx, giving: Giving) -> tuple[int, tuple[tuple[int, str], ...]]:
    """(how many are to be taken, those who unsubscribed); the others have a live consent."""
    conn.execute(_FIND, (giving.tenant_id,))
    asked = {"topic": giving.topic_id, "tenant": giving.tenant_id}
    conn.execute(_JUDGE, asked)
    conn.execute(_JUDGE_MAILBOX, asked)
    _judge_erased(conn, giving)
    taken = conn.execute("SELECT count(*) FROM incoming WHERE verdict = ?", (_TAKE,)).fetchone()[0]
    ended = conn.execute("SELECT line, address FROM incoming WHERE verdict = ?", (_ENDED,)).fetchall()
    return int(taken), tuple(ended)


def _judge_erased(conn: Tx, giving: Giving) -> None:
    """Who was erased, or said never to ask again, has no consent any more, and gets none from a list."""
    secrets, tenant_id = giving.secrets, giving.tenant_id
    if not (erased.anyone(conn, tenant_id) or never_ask.anyone(conn, tenant_id)):
        return
    open_ = conn.execute("SELECT number, address FROM incoming WHERE verdict = ?", (_TAKE,)).fetchall()
    gone = [
        (number,)
        for number, address in open_
        if erased.find(conn, secrets, tenant_id, address) or never_ask.said(conn, secrets, tenant_id, address)
    ]
    conn.executemany(f"UPDATE incoming SET verdict = {_ENDED} WHERE number = ?", gone)


def _take(conn: Tx, giving: Giving, bound: list[bytes]) -> None:
    """Write down all that were judged to be taken: people, consents with their history, attributes, groups.

    ``bound`` has a commitment for each of the chunk. The one place where an import writes consents, in the caller's
    transaction.
    """
    values = _values(giving)
    last = last_given(conn, "subscriber")
    conn.execute(_NUMBER, {"last": last})
    conn.execute(_PEOPLE, values | {"last": last})
    conn.execute(_CONSENTS, values)
    numbers = conn.execute("SELECT number FROM incoming WHERE verdict = ? ORDER BY number", (_TAKE,)).fetchall()
    if numbers:
        leaf = log.open_batch(conn, "consents-given", giving.tenant_id, giving.now)
        conn.execute(_HISTORY, values | {"leaf": leaf})
        log.close_batch(conn, leaf, [bound[number - 1] for (number,) in numbers])
    conn.execute(_PROFILES, values)
    conn.execute(_MEMBERS)


def _values(giving: Giving) -> dict[str, object]:
    return {
        "tenant": giving.tenant_id,
        "topic": giving.topic_id,
        "source": giving.source,
        "wording": giving.wording_id,
        "page": giving.page,
        "means": giving.means,
        "now": giving.now,
        "before": giving.before,
        "after": giving.after,
    }
