"""Many people at once, from a table beside the registry: judged and written by a few statements (R1, R4, R8).

The one place besides ``consents`` and ``profiles`` that writes people, consents,
attributes and groups, for lists of any size. What is to be written stands in
``incoming``; a chunk is judged and written in the caller's transaction of some
milliseconds, in the order of addresses, so that it touches few pages. Who left
is asked of ``left``, for those alone of whom there is any sign that they did.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from relay.audit import log
from relay.events import write as events
from relay.keys.secrets import Secrets
from relay.people import erased, left, never_ask
from relay.people.consent_rules import UNDATED
from relay.store.contract import Tx
from relay.store.sqlite.fragments import elements
from relay.store.sqlite.reading import reserve

IncomingPerson = tuple[str, int, float, str, str | None, str | None, str | None, int, str]
"""Canonical address, line, given at (seconds UTC), IP, mailbox (``mailbox_of``), attributes and groups (JSON),
whether the list states the time (1 or 0), and since when the person is on the list (empty: unknown)."""
NOT_DATED: Final = f'"given":"{UNDATED}",'
TABLES: Final[Mapping[str, str]] = {
    "incoming": "number INTEGER PRIMARY KEY, address TEXT NOT NULL, line INTEGER NOT NULL, given_at REAL NOT NULL,"
    " ip TEXT NOT NULL, mailbox TEXT, attributes TEXT, groups TEXT, dated INTEGER NOT NULL,"
    " since TEXT NOT NULL, salt BLOB NOT NULL, subscriber_id INTEGER,"
    " verdict INTEGER NOT NULL DEFAULT 0",
    "named": "place INTEGER PRIMARY KEY, id INTEGER NOT NULL",
}
"""Temporary tables that the functions here need."""


@dataclass(frozen=True, slots=True)
class Giving:
    """What all people of a list have in common."""

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
    import_id: int
    """Of the list (``lists.runs``)."""

    def evidence(self, ip: str, dated: int, since: str) -> str:
        """As ``consent_history`` has it, JSON, sorted; a time that the list doesn't state is said to be none."""
        told = "" if dated else NOT_DATED
        if ip:
            told += f'"ip":"{ip}",'
        if since:
            told += f'"list_since":"{since}",'
        return self.before + told + self.after


_TAKE: Final = 0
_ENDED: Final = 2
"""Verdicts; 1 is a live consent."""

_INCOMING: Final = (
    "INSERT INTO incoming (number, address, line, given_at, ip, mailbox, attributes, groups, dated, since, salt)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_FIND: Final = (
    "UPDATE incoming SET subscriber_id ="
    " (SELECT s.id FROM subscriber s WHERE s.tenant_id = ? AND s.address = incoming.address)"
    " WHERE subscriber_id IS NULL"
)
_KNOWN: Final = """
UPDATE incoming SET verdict = 1
 WHERE subscriber_id IS NOT NULL AND EXISTS (SELECT 1 FROM consent c WHERE c.subscriber_id = incoming.subscriber_id
       AND c.topic_id = :topic AND c.channel = 'email' AND c.withdrawn_at IS NULL)"""
# Any sign of an end, for this topic or not: ``left`` says what it means.
_SIGN: Final = """
     EXISTS (SELECT 1 FROM suppression p WHERE p.subscriber_id = {person} AND p.reason = 'unsubscribed')
  OR EXISTS (SELECT 1 FROM consent c WHERE c.subscriber_id = {person} AND c.withdrawn_at IS NOT NULL)
  OR EXISTS (SELECT 1 FROM consent_history h WHERE h.subscriber_id = {person}
             AND h.topic_id = 0 AND h.action = 'withdrawn')"""
_SIGNS: Final = f"""
SELECT number, address FROM incoming
 WHERE subscriber_id IS NOT NULL AND ({_SIGN.format(person="incoming.subscriber_id")})
    OR mailbox IS NOT NULL AND EXISTS (SELECT 1 FROM subscriber o WHERE o.tenant_id = :tenant
       AND o.mailbox = incoming.mailbox AND o.address <> incoming.address AND ({_SIGN.format(person="o.id")}))"""
_NUMBER: Final = "UPDATE incoming SET subscriber_id = :last + number WHERE subscriber_id IS NULL AND verdict = 0"
_PEOPLE: Final = (
    "INSERT INTO subscriber (id, tenant_id, address, created_at, mailbox)"
    " SELECT subscriber_id, :tenant, address, :now, mailbox FROM incoming"
    " WHERE subscriber_id > :last ORDER BY number"
)
_CONSENTS: Final = (
    "INSERT INTO consent (subscriber_id, topic_id, channel, given_at, source, wording_id, ip, page, means,"
    " recorded_at, dated, since, import_id, grade)"
    " SELECT subscriber_id, :topic, 'email', given_at, :source, :wording, ip, :page,"
    " :means, :now, dated, since, :import, CASE WHEN dated = 1 AND ip <> '' THEN 'B' ELSE 'C' END"
    " FROM incoming WHERE verdict = 0 ORDER BY number"
)
_EVIDENCE: Final = """:before || CASE dated WHEN 1 THEN '' ELSE :undated END
 || CASE ip WHEN '' THEN '' ELSE '"ip":"' || ip || '",' END
 || CASE since WHEN '' THEN '' ELSE '"list_since":"' || since || '",' END || :after"""
_HISTORY: Final = (
    f"SELECT subscriber_id, :topic, 'given', given_at, :now, {_EVIDENCE}, :leaf, salt"
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
    f" FROM incoming i, {elements('i.groups', 'j')} JOIN named g ON g.place = CAST(j.value AS BIGINT)"
    " WHERE i.verdict < 2 ORDER BY 1, 2 ON CONFLICT DO NOTHING"
)


def name(conn: Tx, groups: Iterable[int]) -> None:
    """Say which groups the places are that people's ``groups`` speak of, by their ids."""
    conn.executemany("INSERT INTO named VALUES (?, ?)", enumerate(groups))


def fill(conn: Tx, chunk: Sequence[IncomingPerson], salts: Sequence[bytes]) -> None:
    """Put people into ``incoming``, in place of those that were there; they are numbered from 1 on."""
    conn.execute("DELETE FROM incoming")
    conn.executemany(_INCOMING, [(n, *line, salt) for n, line, salt in zip(itertools.count(1), chunk, salts)])


def judge(conn: Tx, giving: Giving) -> tuple[int, int, tuple[tuple[int, str], ...]]:
    """(how many are to be taken, of them undated, line and address of those who left); others have a live consent."""
    conn.execute(_FIND, (giving.tenant_id,))
    asked = {"topic": giving.topic_id, "tenant": giving.tenant_id}
    conn.execute(_KNOWN, asked)
    gone = [(number,) for number, address in conn.execute(_SIGNS, asked).fetchall() if _left(conn, giving, address)]
    conn.executemany(f"UPDATE incoming SET verdict = {_ENDED} WHERE number = ?", gone)
    _judge_erased(conn, giving)
    taken, dated = conn.execute(
        "SELECT count(*), coalesce(sum(dated), 0) FROM incoming WHERE verdict = ?", (_TAKE,)
    ).fetchone()
    ended = conn.execute("SELECT line, address FROM incoming WHERE verdict = ?", (_ENDED,)).fetchall()
    return int(taken), int(taken) - int(dated), tuple(ended)


def _left(conn: Tx, giving: Giving, address: str) -> bool:
    return left.left_at(conn, giving.secrets, giving.tenant_id, address, giving.topic) is not None


def _judge_erased(conn: Tx, giving: Giving) -> None:
    """Who was erased, or said never to ask again, may be none of those of whom anything is known."""
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


def take(conn: Tx, giving: Giving, bound: Sequence[bytes]) -> None:
    """Write down all that were judged to be taken: people, consents with their history, attributes, groups.

    ``bound`` has a commitment for each of the chunk.
    """
    values = _values(giving)
    last = reserve(conn, "subscriber", len(bound))
    conn.execute(_NUMBER, {"last": last})
    conn.execute(_PEOPLE, values | {"last": last})
    conn.execute(_CONSENTS, values)
    numbers = conn.execute("SELECT number FROM incoming WHERE verdict = ? ORDER BY number", (_TAKE,)).fetchall()
    if numbers:
        leaf = log.open_batch(conn, "consents-given", giving.tenant_id, giving.now)
        log.fill_batch(conn, _HISTORY, values | {"leaf": leaf})
        log.close_batch(conn, leaf, [bound[number - 1] for (number,) in numbers])
        told = {"count": len(numbers), "topic": giving.topic, "means": giving.means, "source": giving.source}
        events.of_account(conn, giving.tenant_id, "consent.given", told, giving.now, 0)
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
        "undated": NOT_DATED,
        "import": giving.import_id,
    }
