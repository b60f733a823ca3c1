"""Fill a registry with people who agreed, as imports would have: the same rows, leaves of the audit log included.

Bulk SQL in the order of ids, while the addresses come in none, so that a look-up finds nothing near its last one.
``difference`` shows on a small number of people that an import writes the same.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from relay.audit import log, record
from relay.keys.secrets import Secrets
from relay.lists import consent_import
from relay.lists.list_file import open_list
from relay.people import suppressions, topics, wordings
from relay.people.consent_rules import terms
from relay.people.mailbox import mailbox_of
from relay.store.database import connect
from relay.values.facts import Reason

OCTETS_EACH = 900
"""On the disk for each person, rounded up."""
TOPIC, RARE = "news", "rare"
SOURCE, WORDING, ACTOR = "sign-up form on shop.example", "Yes, send me the shop's news by e-mail.", "bench"
PERIOD = "2026-11"
FILE: Final = "0" * 64
"""The digest of the file that the people are said to come from."""
SUPPRESSED, WITH_NAME, RARELY = 50, 4, 100_000
"""One in so many."""
_LEAF = 1_000
_STEP = 1_000_000

_ROWS = "WITH RECURSIVE n (i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last)"
_FILL = (
    f"{_ROWS}, a AS MATERIALIZED (SELECT i, address(i) AS address FROM n)"
    " INSERT INTO subscriber (id, tenant_id, address, created_at, mailbox)"
    " SELECT i, :tenant, address, :now, mailbox(address) FROM a",
    f"{_ROWS} INSERT INTO consent (subscriber_id, topic_id, channel, given_at, source, wording_id, ip, page, means,"
    " recorded_at, dated) SELECT i, :topic, 'email', :now, :source, :wording, '', '', 'import', :now, 0 FROM n",
    f"{_ROWS} INSERT INTO consent_history (subscriber_id, topic_id, action, at, recorded_at, evidence, leaf_id, salt)"
    f" SELECT i, :topic, 'given', :now, :now, :evidence, :leaf + (i - :first) / {_LEAF}, randomblob(16) FROM n",
    f"{_ROWS} INSERT INTO profile (subscriber_id, attributes, changed_at)"
    f" SELECT i, '{{\"name\":\"Ann Smith ' || i || '\"}}', :now FROM n WHERE i % {WITH_NAME} = 0",
)


def address(number: int) -> str:
    """Of person ``number``, canonical; every fifth one's provider knows other spellings."""
    local = f"u{number * 2_654_435_761 % 4_294_967_296:08x}"
    return f"{local}@gmail.com" if number % 5 == 0 else f"{local}@d{number % 1000}.example"


def line(number: int) -> str:
    """The same person in a CSV file with the columns email and name."""
    return f"{address(number)},{f'Ann Smith {number}' if number % WITH_NAME == 0 else ''}\n"


def fill(database: Path, tenant_id: int, people: int, progress: Callable[[int], None] = lambda done: None) -> None:
    """Raises sqlite3.Error, for example if the disk is full; then the database is of no use."""
    conn = connect(database)
    conn.create_function("address", 1, address, deterministic=True)
    conn.create_function("mailbox", 1, mailbox_of, deterministic=True)
    # Nothing is promised to anyone, and what is broken off is thrown away.
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -2000000", "foreign_keys = OFF"):
        conn.execute(f"PRAGMA {pragma}")
    try:
        now = time.time() - 86_400
        for first in range(1, people + 1, _STEP):
            last = min(people, first + _STEP - 1)
            conn.execute("BEGIN IMMEDIATE")
            _given(conn, tenant_id, first, last, now)
            conn.execute("COMMIT")
            progress(last)
        conn.execute("BEGIN IMMEDIATE")
        _beside(conn, tenant_id, people, now)
        conn.execute("COMMIT")
        conn.execute("PRAGMA journal_mode = WAL")
    finally:
        conn.close()


def _given(conn: sqlite3.Connection, tenant_id: int, first: int, last: int, now: float) -> None:
    topic, wording = topics.first_or_known(conn, tenant_id, TOPIC), wordings.make(conn, tenant_id, WORDING, now)
    conn.execute("INSERT INTO attribute (tenant_id, name) VALUES (?, 'name') ON CONFLICT DO NOTHING", (tenant_id,))
    story = {
        "actor": ACTOR,
        "file": FILE,
        "given": "date not stated",
        "means": "import",
        "source": SOURCE,
        "wording_id": wording,
    }
    leaves = [log.open_batch(conn, "consents-given", tenant_id, now) for _ in range(first, last + 1, _LEAF)]
    values = {
        "first": first,
        "last": last,
        "tenant": tenant_id,
        "topic": topic,
        "wording": wording,
        "now": now,
        "source": SOURCE,
        "evidence": json.dumps(story, separators=(",", ":"), sort_keys=True, ensure_ascii=False),
        "leaf": leaves[0],
    }
    for statement in _FILL:
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        conn.execute(statement, used)
    tenant = conn.execute("SELECT name FROM tenant WHERE id = ?", (tenant_id,)).fetchone()[0]
    for leaf in leaves:
        rows = conn.execute(_BIND, (leaf,))
        told = record.commitments("given", rows, now, tenant, TOPIC, record.digest_of(WORDING))
        log.close_batch(conn, leaf, told)


def _beside(conn: sqlite3.Connection, tenant_id: int, people: int, now: float) -> None:
    """Suppressions, those already counted this month, and a topic that few have."""
    for number in range(SUPPRESSED, people + 1, SUPPRESSED):
        suppressions.add(conn, number, Reason.HARD_BOUNCE, detail="550 5.1.1 no such user", now=now)
    conn.execute(
        f"{_ROWS.replace(':first', '1').replace(':last', '?1')}"
        " INSERT INTO counted (tenant_id, name, subscriber_id) SELECT ?2, ?3, i FROM n WHERE i % 10 = 0",
        (people, tenant_id, f"subscribers/{PERIOD}"),
    )
    rare = topics.add(conn, tenant_id, RARE, actor="bench", now=now).id
    wording = wordings.make(conn, tenant_id, WORDING, now)
    for number in range(RARELY, people + 1, RARELY):
        conn.execute(
            "INSERT INTO consent (subscriber_id, topic_id, channel, given_at, source, wording_id, means, recorded_at)"
            " VALUES (?, ?, 'email', ?, ?, ?, 'hand', ?)",
            (number, rare, now, SOURCE, wording, now),
        )
        story = json.dumps({"means": "hand", "source": SOURCE, "wording_id": wording}, separators=(",", ":"))
        log.history(conn, number, rare, "given", now, now, story)


_BIND = (
    "SELECT h.salt, s.address, h.at, h.evidence FROM consent_history h JOIN subscriber s ON s.id = h.subscriber_id"
    " WHERE h.leaf_id = ? ORDER BY h.id"
)
_SHAPE = (
    "SELECT s.address, s.mailbox, t.name, c.channel, c.withdrawn_at, c.source, w.text, c.ip, c.page, c.means, h.action,"
    " json_remove(h.evidence, '$.file'), length(h.salt), l.action, l.tenant_id, p.attributes,"
    " typeof(c.given_at), typeof(c.recorded_at), typeof(h.at), typeof(h.recorded_at), typeof(h.salt),"
    " c.given_at = h.at AND c.recorded_at = h.recorded_at AND s.created_at = c.recorded_at AND l.at = h.recorded_at"
    " FROM subscriber s JOIN consent c ON c.subscriber_id = s.id JOIN topic t ON t.id = c.topic_id AND t.name = ?"
    " JOIN wording w ON w.id = c.wording_id JOIN consent_history h ON h.subscriber_id = s.id AND h.action = 'given'"
    " AND h.topic_id = t.id JOIN audit_leaf l ON l.id = h.leaf_id LEFT JOIN profile p ON p.subscriber_id = s.id"
    " ORDER BY s.address"
)


def difference(filled: Path, imported: Path, tenant_id: int, people: int) -> str:
    """Import the same people into the other database; the first row that isn't the same, empty if all are."""
    given = imported.with_suffix(".csv")
    given.write_text("email,name\n" + "".join(line(number) for number in range(1, people + 1)), "utf-8")
    agreed = terms(topic=TOPIC, source=SOURCE, wording=WORDING, means="import")
    mine, theirs = connect(filled), connect(imported)
    try:
        topics.first_or_known(theirs, tenant_id, TOPIC)
        order = consent_import.Order(tenant_id, Secrets({1: bytes(32)}, 1), agreed, ACTOR, time.time())
        consent_import.run(theirs, open_list(given), order, refused=lambda bad: None)
        both = [conn.execute(_SHAPE, (TOPIC,)).fetchall() for conn in (mine, theirs)]
    finally:
        mine.close()
        theirs.close()
    if [len(rows) for rows in both] != [people, people]:
        return f"{[len(rows) for rows in both]} rows in place of {people}"
    return next((f"{one} and {other}" for one, other in zip(*both, strict=True) if one != other), "")
