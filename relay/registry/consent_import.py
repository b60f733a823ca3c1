"""Consents from a file: many at once, in short transactions (R2, R4, R5, R8).

The file is read twice: once to know that it can be used at all, then line by
line. Lines are gathered, ordered by address, and written in chunks
(``consent_chunk``); between two chunks the next lines are read, so that the
mail process finds the write lock free. Stopped half-way, what is taken stays,
and the same import again takes the rest.
"""

from __future__ import annotations

import gc
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from relay.pipeline.contract import Reason
from relay.registry import audit, consent_chunk, profiles, suppressions, wordings
from relay.registry.consent_chunk import Giving, Incoming, Written
from relay.registry.consent_rules import Refused, Terms, check_ip, check_time
from relay.registry.consents import find_topic, make_topic
from relay.registry.errors import RegistryError
from relay.registry.in_turn import InTurn
from relay.registry.list_file import Bad, Entry, ListFile
from relay.registry.list_values import under_age
from relay.registry.mailbox import mailbox_of
from relay.registry.secrets import Secrets

GATHERED: Final = 50_000
"""Lines ordered by address together."""
CHUNK: Final = 1_000
"""Lines written together at first; then as many as TARGET_S allows."""
SMALLEST, LARGEST = 100, 4_000
TARGET_S: Final = 0.02
"""How long a chunk may hold the write lock, about."""
PAUSE_S: Final = 0.005
"""Left to other writers where there is nothing more to read."""
CACHE_KIB: Final = 65_536

UNSUBSCRIBED: Final = "the person unsubscribed; only its own double opt-in lifts that"
UNDER_AGE: Final = "the person is under 16; nothing of this line is kept"

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
    held_s: float = field(default=0.0, compare=False)
    """Longest time that the write lock was held."""


@dataclass(frozen=True, slots=True)
class Order:
    """One import: who, what, on whose word. All people go into ``groups`` too."""

    tenant_id: int
    secrets: Secrets
    terms: Terms
    actor: str
    now: float
    dry_run: bool = False
    groups: tuple[str, ...] = ()


Told = Callable[[Bad], None]
Progress = Callable[[int], None]


@dataclass(slots=True)
class _Batch:
    """Lines gathered, in the file's order."""

    lines: int = 0
    people: list[Incoming] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    """Canonical addresses of those under age."""


def run(
    conn: sqlite3.Connection,
    file: ListFile,
    order: Order,
    *,
    refused: Told,
    progress: Progress = lambda lines: None,
    chunk: int = 0,
) -> Report:
    """Take all usable lines; ``refused`` hears each of the others in order, ``progress`` the lines done so far.

    Makes its own transactions. A dry run classifies alike and writes nothing.
    ``chunk`` fixes the lines of a chunk (0: as many as a short lock allows).
    """
    cache = conn.execute("PRAGMA cache_size").fetchone()[0]
    conn.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    turns = InTurn(conn)
    collects = gc.isenabled()
    gc.disable()  # a line makes no cycles, and looking for them among 50,000 lines takes a tenth of the time
    try:
        return _Import(conn, turns, file, order, refused, progress, chunk).run()
    finally:
        if collects:
            gc.enable()
        turns.close()
        conn.execute(f"PRAGMA cache_size = {cache}")


class _Import:
    """One run from the first line to the last."""

    def __init__(
        self,
        conn: sqlite3.Connection,
        turns: InTurn,
        file: ListFile,
        order: Order,
        refused: Told,
        progress: Progress,
        chunk: int,
    ) -> None:
        self._conn = conn
        self._file = file
        self._order = order
        self._refused = refused
        self._progress = progress
        self._fixed = chunk
        self._size = chunk or CHUNK
        self._report = Report()
        self._story = _Stories(file, order)
        self._writer = _Writer(conn, turns, file, order, self._story)
        self._seen: set[int] = set()
        self._lines = file.read()

    def run(self) -> Report:
        consent_chunk.prepare(self._conn)
        batch = self._gather(_Batch(), self._fixed or GATHERED)
        while batch.lines:
            batch = self._work(batch)
        if not self._order.dry_run:
            self._writer.finish(self._report)
        return self._report

    def _work(self, batch: _Batch) -> _Batch:
        """Write one batch, and gather the next one meanwhile."""
        following = _Batch()
        people = sorted(batch.people)
        ended: list[Bad] = []
        begin = 0
        while begin < len(people):
            chunk = people[begin : begin + self._size]
            begin += len(chunk)
            written = self._writer.write(chunk)
            self._adapt(written)
            self._report.taken += written.taken
            self._report.duplicates += len(chunk) - written.taken - len(written.ended)
            ended += [Bad(line, address, UNSUBSCRIBED) for line, address in written.ended]
            self._progress(self._report.lines + batch.lines * begin // len(people))
            if not self._fixed:
                self._breathe(following, len(chunk))
        self._writer.stop(batch.children)
        for bad in sorted(batch.bad + ended, key=lambda one: one.line):
            self._tell(bad)
        self._report.lines += batch.lines
        self._progress(self._report.lines)
        return self._gather(following, (self._fixed or GATHERED) - following.lines)

    def _breathe(self, following: _Batch, lines: int) -> None:
        before = following.lines
        self._gather(following, min(lines, GATHERED - before))
        if following.lines == before and not self._order.dry_run:
            time.sleep(PAUSE_S)

    def _adapt(self, written: Written) -> None:
        self._report.held_s = max(self._report.held_s, written.held_s)
        if not self._fixed and written.held_s:
            wanted = int(self._size * min(1.5, max(0.4, TARGET_S / written.held_s)))
            self._size = min(LARGEST, max(SMALLEST, wanted))

    def _gather(self, batch: _Batch, lines: int) -> _Batch:
        for item in islice(self._lines, lines):
            batch.lines += 1
            why = "" if isinstance(item, Bad) else _why_not(item, self._order)
            if isinstance(item, Bad):
                batch.bad.append(item)
            elif why:
                batch.bad.append(Bad(item.line, item.address.canonical, why))
                if why == UNDER_AGE:
                    batch.children.append(item.address.canonical)
            else:
                person = self._story.incoming(item)
                if self._order.dry_run and _again(self._seen, person):
                    self._report.duplicates += 1
                else:
                    batch.people.append(person)
        return batch

    def _tell(self, bad: Bad) -> None:
        self._report.refused += 1
        # What a line holds is kept out of the sums, so that they stay few.
        self._report.reasons[_kind(bad.why)] += 1
        self._refused(bad)


def _why_not(item: Entry, order: Order) -> str:
    """Empty if the line can be taken as far as it alone can tell."""
    if item.withdrawn:
        return "the list says that this consent was withdrawn"
    if item.topic and item.topic != order.terms.topic:
        return f"the list says that this consent is for the topic {item.topic[:60]!r}"
    try:
        if item.at is not None:
            check_time(item.at, order.now)
        if item.ip:
            check_ip(item.ip)
        for group in item.groups:
            profiles.group_name(group)
        if item.born and under_age(item.born, order.now):
            return UNDER_AGE
    except Refused as error:
        return error.text
    except (RegistryError, ValueError) as error:
        return str(error)
    return ""


def _kind(why: str) -> str:
    return "the list names another topic" if "for the topic" in why else why.split(": ")[0] if "'" in why else why


def _again(seen: set[int], person: Incoming) -> bool:
    key = hash(person.address)
    if key in seen:
        return True
    seen.add(key)
    return False


class _Stories:
    """Makes a line's row with its evidence; most lines share one text."""

    def __init__(self, file: ListFile, order: Order) -> None:
        self._order = order
        self._said: dict[str, object] = {"file": file.kind.sha256, "actor": order.actor}

    def begin(self, wording_id: int) -> str:
        """The evidence of lines without an IP address."""
        terms = self._order.terms
        self._said |= {"source": terms.source, "wording_id": wording_id, "means": terms.means}
        return self._text(self._said)

    def incoming(self, entry: Entry) -> Incoming:
        canonical = entry.address.canonical
        return Incoming(
            canonical,
            entry.line,
            self._order.now if entry.at is None else entry.at,
            check_ip(entry.ip) if entry.ip else "",
            mailbox_of(canonical),
            profiles.encode(entry.attributes) if entry.attributes else None,
            (*self._order.groups, *entry.groups),
        )

    def told(self, ip: str) -> str:
        """The evidence of a line with this IP address; it names the wording's id."""
        return self._text(self._said | {"ip": ip})

    @staticmethod
    def _text(said: dict[str, object]) -> str:
        return json.dumps(said, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


class _Writer:
    """Writes chunk after chunk; topic, wording and attestation go before the first one."""

    def __init__(self, conn: sqlite3.Connection, turns: InTurn, file: ListFile, order: Order, story: _Stories) -> None:
        self._conn = conn
        self._turns = turns
        self._file = file
        self._order = order
        self._story = story
        self._giving: Giving | None = None
        self._groups: dict[str, int] = {}

    def write(self, chunk: list[Incoming]) -> Written:
        """Judge and write; a dry run judges only."""
        giving = self._giving or self._begin()
        if self._order.dry_run:
            return self._judge_only(chunk, giving)
        new = {name for person in chunk for name in person.groups} - self._groups.keys()
        if new:
            with self._turns.transaction() as conn:
                made = {name: profiles.make_group(conn, giving.tenant_id, name, giving.now) for name in sorted(new)}
            self._groups |= made
        consent_chunk.fill(self._conn, chunk, self._groups, self._story.told)
        written = consent_chunk.write(self._turns, giving)
        self._turns.tidy()
        return written

    def stop(self, children: list[str]) -> None:
        """Who turns out to be under age and is known gets nothing more (R5)."""
        if self._order.dry_run or not children:
            return
        with self._turns.transaction() as conn:
            for canonical in children:
                row = conn.execute(
                    "SELECT id FROM subscriber WHERE tenant_id = ? AND address = ?", (self._order.tenant_id, canonical)
                ).fetchone()
                if row is not None:
                    suppressions.add(conn, row[0], Reason.HAND, detail="under 16", now=self._order.now)

    def finish(self, report: Report) -> None:
        """Write down how it ended."""
        figures = {"taken": report.taken, "duplicates": report.duplicates, "refused": report.refused}
        with self._turns.transaction() as conn:
            detail: dict[str, object] = {"sha256": self._file.kind.sha256, "lines": report.lines, **figures}
            order = self._order
            audit.record(conn, order.actor, "consents-imported", order.tenant_id, detail, order.now)

    def _begin(self) -> Giving:
        order, terms = self._order, self._order.terms
        if order.dry_run:
            topic, wording = find_topic(self._conn, order.tenant_id, terms.topic) or -1, 0
        else:
            with self._turns.transaction() as conn:
                topic = make_topic(conn, order.tenant_id, terms.topic)
                wording = wordings.make(conn, order.tenant_id, terms.wording, order.now)
                profiles.know_attributes(conn, order.tenant_id, [name for _, name in self._file.columns.attributes])
                audit.record(
                    conn, order.actor, "consents-import-begun", order.tenant_id, self._attested(wording), order.now
                )
        told = self._story.begin(wording)
        common = (terms.source, wording, terms.page, terms.means, order.now, told)
        self._giving = Giving(order.tenant_id, order.secrets, topic, *common)
        return self._giving

    def _attested(self, wording_id: int) -> dict[str, object]:
        return {
            "attested": ATTESTATION,
            "file": self._file.path.name,
            "sha256": self._file.kind.sha256,
            "topic": self._order.terms.topic,
            "source": self._order.terms.source,
            "wording_id": wording_id,
        }

    def _judge_only(self, chunk: list[Incoming], giving: Giving) -> Written:
        consent_chunk.fill(self._conn, chunk, {}, lambda ip: "")
        self._conn.execute("BEGIN")  # reads, and writes to the temporary table only
        try:
            return Written(*consent_chunk.judge(self._conn, giving), 0.0)
        finally:
            self._conn.execute("ROLLBACK")
