"""Consents from a file: many at once, in short transactions (R2, R4, R8).

The file is read twice: once to know that it can be used at all, then line by
line. A chunk is classified and written by a few statements over a temporary
table, so that the write lock is held for some milliseconds only; while the
next lines are parsed, the mail process has it. Stopped half-way, what is
taken stays, and the same import again takes the rest.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from relay.audit import log
from relay.registry import audit
from relay.registry.consent_rules import Refused, Terms, check_ip, check_time
from relay.registry.consents import make_topic, make_wording
from relay.registry.list_file import Bad, Entry, ListFile
from relay.store.database import transaction

CHUNK: Final = 1_000
UNSUBSCRIBED: Final = "the person unsubscribed; only its own double opt-in lifts that"

ATTESTATION: Final = (
    "everyone in this file agreed to this topic in this wording, the list was neither bought nor rented nor "
    "harvested, and you can prove it"
)
"""What ``attest`` says; it goes to the audit log."""


@dataclass(slots=True)
class Report:
    """What an import did; a line is counted once. ``refused`` by kind of reason."""

    lines: int = 0
    taken: int = 0
    duplicates: int = 0
    """Twice in the file, or with a live consent already, which stays as it is."""
    refused: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Order:
    """One import: who, what, on whose word."""

    tenant_id: int
    terms: Terms
    actor: str
    now: float
    dry_run: bool = False


Told = Callable[[Bad], None]
Progress = Callable[[int], None]


def run(
    conn: sqlite3.Connection,
    file: ListFile,
    order: Order,
    *,
    refused: Told,
    progress: Progress = lambda lines: None,
    chunk: int = CHUNK,
) -> Report:
    """Take all usable lines; ``refused`` hears each of the others, ``progress`` the lines done so far.

    Makes its own transactions. A dry run classifies alike and writes nothing.
    """
    report = Report()
    _prepare(conn)
    writer = _Writer(conn, order, file)
    seen: set[int] = set()
    lines = file.read()
    while batch := list(islice(lines, chunk)):
        report.lines += len(batch)
        good = []
        for item in batch:
            checked = _check(item, order)
            if isinstance(checked, Bad):
                _refuse(report, checked, refused)
            elif order.dry_run and _again(seen, checked):
                report.duplicates += 1
            else:
                good.append(checked)
        if good:
            taken, ended = writer.write(good)
            for entry in ended:
                _refuse(report, Bad(entry.line, entry.address.canonical, UNSUBSCRIBED), refused)
            report.taken += taken
            report.duplicates += len(good) - taken - len(ended)
        progress(report.lines)
    if not order.dry_run:
        writer.finish(report)
    return report


def _check(item: Entry | Bad, order: Order) -> Entry | Bad:
    if isinstance(item, Bad):
        return item
    why = ""
    if item.withdrawn:
        why = "the list says that this consent was withdrawn"
    elif item.topic and item.topic != order.terms.topic:
        why = f"the list says that this consent is for the topic {item.topic[:60]!r}"
    else:
        try:
            if item.at is not None:
                check_time(item.at, order.now)
            if item.ip:
                check_ip(item.ip)
        except Refused as error:
            why = error.text
    return Bad(item.line, item.address.canonical, why) if why else item


def _refuse(report: Report, bad: Bad, refused: Told) -> None:
    report.refused += 1
    # What a line holds is kept out of the sums, so that they stay few.
    report.reasons[_kind(bad.why)] += 1
    refused(bad)


def _kind(why: str) -> str:
    return "the list names another topic" if "for the topic" in why else why.split(": ")[0] if "'" in why else why


def _again(seen: set[int], entry: Entry) -> bool:
    key = hash(entry.address.canonical)
    if key in seen:
        return True
    seen.add(key)
    return False


# --- writing ---------------------------------------------------------------------------

_TEMP: Final = """
CREATE TEMP TABLE IF NOT EXISTS incoming (
    number INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE, given_at REAL NOT NULL, ip TEXT NOT NULL,
    evidence TEXT NOT NULL, subscriber_id INTEGER, verdict INTEGER NOT NULL DEFAULT 0
)"""
_TAKE: Final = 0
_ENDED: Final = 2
"""Verdicts; 1 is a live consent."""

_FIND: Final = (
    "UPDATE temp.incoming SET subscriber_id ="
    " (SELECT s.id FROM main.subscriber s WHERE s.tenant_id = ? AND s.address = incoming.address)"
    " WHERE subscriber_id IS NULL"
)
# The same question as consents.unsubscribed_at, for a whole chunk.
_JUDGE: Final = """
UPDATE temp.incoming SET verdict = CASE
  WHEN EXISTS (SELECT 1 FROM main.suppression p WHERE p.subscriber_id = incoming.subscriber_id
               AND p.topic_id IN (0, :topic) AND p.reason = 'unsubscribed')
    OR EXISTS (SELECT 1 FROM main.consent c WHERE c.subscriber_id = incoming.subscriber_id
               AND c.topic_id = :topic AND c.channel = 'email' AND c.withdrawn_at IS NOT NULL)
    OR EXISTS (SELECT 1 FROM main.consent_history h WHERE h.subscriber_id = incoming.subscriber_id
               AND h.topic_id = 0 AND h.action = 'withdrawn'
               AND NOT EXISTS (SELECT 1 FROM main.consent c WHERE c.subscriber_id = incoming.subscriber_id
                               AND c.topic_id = :topic AND c.channel = 'email' AND c.withdrawn_at IS NULL
                               AND c.given_at > h.at)) THEN 2
  WHEN EXISTS (SELECT 1 FROM main.consent c WHERE c.subscriber_id = incoming.subscriber_id
               AND c.topic_id = :topic AND c.channel = 'email') THEN 1
  ELSE 0 END
 WHERE subscriber_id IS NOT NULL"""
_PEOPLE: Final = (
    "INSERT INTO main.subscriber (tenant_id, address, created_at)"
    " SELECT ?, address, ? FROM temp.incoming WHERE subscriber_id IS NULL ORDER BY number"
)
_CONSENTS: Final = (
    "INSERT INTO main.consent (subscriber_id, topic_id, channel, given_at, source, wording_id, ip, page, means,"
    " recorded_at) SELECT subscriber_id, :topic, 'email', given_at, :source, :wording, ip, :page, :means, :now"
    " FROM temp.incoming WHERE verdict = 0 ORDER BY subscriber_id"
)
_HISTORY: Final = (
    "INSERT INTO main.consent_history (subscriber_id, topic_id, action, at, recorded_at, evidence,"
    " leaf_id, salt) SELECT subscriber_id, :topic, 'given', given_at, :now, evidence, :leaf, randomblob(16)"
    " FROM temp.incoming WHERE verdict = 0 ORDER BY number"
)


def _prepare(conn: sqlite3.Connection) -> None:
    conn.execute(_TEMP)


class _Writer:
    """Writes chunk after chunk; topic, wording and attestation go with the first one."""

    def __init__(self, conn: sqlite3.Connection, order: Order, file: ListFile) -> None:
        self._conn = conn
        self._order = order
        self._file = file
        self._topic = self._wording = 0
        self._evidence: dict[str, str] = {}

    def write(self, entries: list[Entry]) -> tuple[int, list[Entry]]:
        """(consents taken, entries refused since the person unsubscribed); the others are there already."""
        conn, order = self._conn, self._order
        if order.dry_run:
            return self._judge_only(entries)
        with transaction(conn):
            if not self._topic:
                self._begin()
            judged = self._judge(entries)
            conn.execute(_PEOPLE, (order.tenant_id, order.now))
            conn.execute(_FIND, (order.tenant_id,))
            terms = order.terms
            values = {
                "topic": self._topic,
                "source": terms.source,
                "wording": self._wording,
                "page": terms.page,
                "means": terms.means,
                "now": order.now,
            }
            conn.execute(_CONSENTS, values)
            if judged[0]:
                leaf = log.open_batch(conn, "consents-given", order.tenant_id, order.now)
                conn.execute(_HISTORY, values | {"leaf": leaf})
                log.close_batch(conn, leaf)
        return judged

    def finish(self, report: Report) -> None:
        """Write down how it ended."""
        figures = {"taken": report.taken, "duplicates": report.duplicates, "refused": report.refused}
        with transaction(self._conn) as conn:
            detail: dict[str, object] = {"sha256": self._file.kind.sha256, "lines": report.lines, **figures}
            order = self._order
            audit.record(conn, order.actor, "consents-imported", order.tenant_id, detail, order.now)

    def _begin(self) -> None:
        conn, order, terms = self._conn, self._order, self._order.terms
        self._topic = make_topic(conn, order.tenant_id, terms.topic)
        self._wording = make_wording(conn, order.tenant_id, terms.wording, order.now)
        detail: dict[str, object] = {
            "attested": ATTESTATION,
            "file": self._file.path.name,
            "sha256": self._file.kind.sha256,
            "topic": terms.topic,
            "source": terms.source,
            "wording_id": self._wording,
        }
        audit.record(conn, order.actor, "consents-import-begun", order.tenant_id, detail, order.now)

    def _judge_only(self, entries: list[Entry]) -> tuple[int, list[Entry]]:
        conn = self._conn
        if not self._topic:
            row = conn.execute(
                "SELECT id FROM topic WHERE tenant_id = ? AND name = ?",
                (self._order.tenant_id, self._order.terms.topic),
            ).fetchone()
            self._topic = row[0] if row else -1
        conn.execute("BEGIN")  # reads, and writes to the temporary table only
        try:
            return self._judge(entries)
        finally:
            conn.execute("ROLLBACK")

    def _judge(self, entries: list[Entry]) -> tuple[int, list[Entry]]:
        conn, order = self._conn, self._order
        conn.execute("DELETE FROM temp.incoming")
        conn.executemany(
            "INSERT INTO temp.incoming (number, address, given_at, ip, evidence) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            self._incoming(entries),
        )
        conn.execute(_FIND, (order.tenant_id,))
        conn.execute(_JUDGE, {"topic": self._topic})
        taken = conn.execute("SELECT count(*) FROM temp.incoming WHERE verdict = ?", (_TAKE,)).fetchone()[0]
        rows = conn.execute("SELECT address FROM temp.incoming WHERE verdict = ?", (_ENDED,))
        gone = {address for (address,) in rows}
        return taken, [entry for entry in entries if entry.address.canonical in gone] if gone else []

    def _incoming(self, entries: list[Entry]) -> Iterator[tuple[int, str, float, str, str]]:
        for number, entry in enumerate(entries):
            ip = check_ip(entry.ip)
            at = self._order.now if entry.at is None else entry.at
            yield number, entry.address.canonical, at, ip, self._story(ip)

    def _story(self, ip: str) -> str:
        if not ip and "" in self._evidence:
            return self._evidence[""]
        order, terms = self._order, self._order.terms
        story: dict[str, object] = {
            "source": terms.source,
            "wording_id": self._wording,
            "means": terms.means,
            "file": self._file.kind.sha256,
            "actor": order.actor,
        }
        text = json.dumps(story | ({"ip": ip} if ip else {}), separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        if not ip:
            self._evidence[""] = text
        return text
