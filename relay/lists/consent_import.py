"""Consents from a file: many at once, in short transactions (R2, R4, R5, R8).

The file is read twice: once to know that it can be used at all, then line by
line, out of memory, to put it in the order of addresses (``list_sort``): so
each page of a large registry is read and written once. Then it is written in
chunks (``consent_chunk``), between which the write lock is free for the mail
processes. Stopped half-way, what is taken
stays, and the same import again takes the rest.
"""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from relay.audit import actions, record
from relay.lists import consent_chunk, runs, stopping
from relay.lists.consent_chunk import ChunkWritten
from relay.lists.consent_reading import UNDER_AGE, Order, Reader
from relay.lists.consent_staging import Staging, staging
from relay.lists.list_file import Bad, ListFile
from relay.lists.list_sort import Line, Sorter
from relay.people import grades, profiles, suppressions, topics, wordings
from relay.people.staged import Giving
from relay.store.contract import Tx
from relay.store.sqlite.in_turn import InTurn
from relay.store.sqlite.scratch import durable, durable_at_last
from relay.values.facts import Reason

__all__ = ["ATTESTATION", "UNDER_AGE", "UNSUBSCRIBED", "ImportReport", "Order", "Progress", "TellRefused", "run"]

CHUNK: Final = 1_000
"""Lines written together at first; then as many as TARGET_S allows."""
SMALLEST, LARGEST = 100, 10_000
TARGET_S: Final = 0.02
"""How long a chunk may hold the write lock, about."""
_CHILDREN: Final = 500
"""Looked for together, with the lock held."""
READING: Final = 4
"""Reading a line is one part of so many of the work with it."""

UNSUBSCRIBED: Final = "the person unsubscribed; only its own double opt-in lifts that"

GONE: Final = "another line of the list says that this person left, bounced or never agreed"

ATTESTATION: Final = (
    "everyone in this file agreed to this topic in this wording, the list was neither bought nor rented nor "
    "harvested, and you can prove it"
)
"""What ``attest`` says; it goes to the audit log."""


@dataclass(slots=True)
class ImportReport:
    """What an import did; a line is counted once. ``refused`` by kind of reason."""

    lines: int = 0
    taken: int = 0
    duplicates: int = 0
    """Twice in the file, or with a live consent already, which stays as it is."""
    refused: int = 0
    """Refused or left, but those whom the list itself gives a reason to suppress."""
    offered: int = 0
    """Lines of people who left, bounced or complained, as the list says."""
    offers: Counter[str] = field(default_factory=Counter)
    """The same by reason to suppress."""
    by_reason: Counter[str] = field(default_factory=Counter)
    """Of a file of suppressions: lines of people to be suppressed, by the reason that counts for them."""
    left: int = 0
    """Of them, lines that were left, for nobody said to take them."""
    suppressed: int = 0
    """Of them, those who were suppressed now."""
    undated: int = 0
    """Of those taken, how many without a time of their consent."""
    reasons: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    """What the list says and nobody here knows, by column and words."""
    words: dict[str, str] = field(default_factory=dict, compare=False)
    """The same → the words alone, as an answer names them; empty where there are none."""
    import_id: int = field(default=0, compare=False)
    """The list's number (``runs``); 0 for a dry run, or where no line could be used."""
    held_s: float = field(default=0.0, compare=False)
    """Longest time that the write lock was held."""


TellRefused = Callable[[Bad], None]
Progress = Callable[[int], None]


def run(
    conn: Tx,
    file: ListFile,
    order: Order,
    *,
    refused: TellRefused,
    progress: Progress = lambda lines: None,
    chunk: int = 0,
) -> ImportReport:
    """Take all usable lines; ``refused`` hears each of the others in order, ``progress`` the lines done so far.

    Raises Refused for a topic that nobody made. Makes its own transactions. A dry run classifies alike and writes
    nothing.
    ``chunk`` fixes the lines of a chunk (0: as many as a short lock allows).
    """
    topic = topics.known(conn, order.tenant_id, order.terms.topic)
    order = replace(order, demanded=grades.demanded(conn, topic))
    turns = InTurn(conn)
    collects = gc.isenabled()
    gc.disable()  # a line makes no cycles, and looking for them takes a tenth of the time
    try:
        with durable_at_last(conn), closing(Sorter()) as sorter, staging(conn) as staged:
            return _Import(conn, turns, file, order, sorter, staged, refused, progress, chunk).run()
    finally:
        if collects:
            gc.enable()
        turns.close()


class _Import:
    """One run from the first line to the last."""

    def __init__(
        self,
        conn: Tx,
        turns: InTurn,
        file: ListFile,
        order: Order,
        sorter: Sorter,
        staged: Staging,
        refused: TellRefused,
        progress: Progress,
        chunk: int,
    ) -> None:
        self._order = order
        self._sorter = sorter
        self._staged = staged
        self._refused = refused
        self._progress = progress
        self._fixed = chunk
        self._size = chunk or CHUNK
        self._report = ImportReport()
        self._reader = Reader(file, order, sorter, staged)
        self._writer = _Writer(conn, turns, file, order, staged)

    def run(self) -> ImportReport:
        report = self._report
        for lines in self._reader.read():
            report.lines = lines
            self._progress(lines // READING)
        report.offers, report.asked, report.words = self._reader.offers, self._reader.asked, self._reader.words
        report.offered = sum(report.offers.values())
        report.left = 0 if self._order.suppress else report.offered
        if self._order.suppress:
            report.suppressed = self._writer.suppress()
        if self._reader.usable:
            self._writer.begin(self._reader.names)
            self._write(self._reader.usable)
        self._writer.stop()
        for bad in self._staged.refusals():
            self._tell(bad)
        self._writer.finish(report)
        self._progress(report.lines)
        return report

    def _write(self, usable: int) -> None:
        report, done = self._report, 0
        read = report.lines // READING
        report.duplicates = usable
        people = self._sorter.people()
        while chunk := list(islice(people, self._size)):
            done += len(chunk)
            written = self._writer.write(chunk)
            report.taken += written.taken
            report.duplicates -= written.taken + len(written.ended)
            report.undated += written.undated
            self._staged.refuse([Bad(line, address, UNSUBSCRIBED) for line, address in written.ended])
            self._adapt(written)
            self._progress(read + (report.lines - read) * done // usable)
        gone = self._sorter.gone
        report.duplicates -= len(gone)
        self._staged.refuse([Bad(line, address, GONE) for line, address in gone])

    def _adapt(self, written: ChunkWritten) -> None:
        self._report.held_s = max(self._report.held_s, written.held_s)
        if not self._fixed and written.held_s:
            wanted = int(self._size * min(1.5, max(0.4, TARGET_S / written.held_s)))
            self._size = min(LARGEST, max(SMALLEST, wanted))

    def _tell(self, bad: Bad) -> None:
        if bad.offer and self._order.suppress:
            return
        if not bad.offer:
            self._report.refused += 1
        # What a line holds is kept out of the sums, so that they stay few.
        self._report.reasons[_kind(bad.why)] += 1
        self._refused(bad)


def _kind(why: str) -> str:
    return "the list names another topic" if "for the topic" in why else why.split(": ")[0] if "'" in why else why


class _Writer:
    """Writes chunk after chunk; topic, wording, groups and attestation go before the first one."""

    def __init__(self, conn: Tx, turns: InTurn, file: ListFile, order: Order, staged: Staging) -> None:
        self._conn = conn
        self._turns = turns
        self._file = file
        self._order = order
        self._staged = staged
        self._giving: Giving | None = None
        self._run = 0

    def begin(self, names: Sequence[str]) -> None:
        """Say what is about to be done; ``names`` are the groups that lines name by their places."""
        order, conn = self._order, self._conn
        attributes = [name for _, name in self._file.columns.attributes]
        if order.dry_run:
            profiles.new_attributes(conn, order.tenant_id, attributes)
            profiles.check_groups(conn, order.tenant_id, names)
            topic = topics.known(conn, order.tenant_id, order.terms.topic)
            self._giving = self._given(topic, 0)
            return
        with self._turns.transaction():
            topic = topics.known(conn, order.tenant_id, order.terms.topic)
            wording = wordings.make(conn, order.tenant_id, order.terms.wording, order.now)
            profiles.know_attributes(conn, order.tenant_id, attributes)
            groups = [profiles.make_group(conn, order.tenant_id, name, order.now) for name in names]
            actions.record(
                conn, order.actor, "consents-import-begun", order.tenant_id, self._attested(wording), order.now
            )
            self._run = runs.begin(
                conn,
                order.tenant_id,
                topic,
                at=order.now,
                file=self._file.name,
                sha256=self._file.kind.sha256,
                source=order.terms.source,
                actor=order.actor,
            )
        self._staged.name(groups)
        self._giving = self._given(topic, wording)

    def _given(self, topic_id: int, wording_id: int) -> Giving:
        order, terms = self._order, self._order.terms
        tenant = self._conn.execute("SELECT name FROM tenant WHERE id = ?", (order.tenant_id,)).fetchone()[0]
        before = {"actor": order.actor, "file": self._file.kind.sha256}
        after = {"means": terms.means, "source": terms.source, "wording_id": wording_id}
        return Giving(
            tenant_id=order.tenant_id,
            tenant=tenant,
            secrets=order.secrets,
            topic_id=topic_id,
            topic=terms.topic,
            source=terms.source,
            wording_id=wording_id,
            wording=record.digest_of(terms.wording),
            page=terms.page,
            means=terms.means,
            now=order.now,
            before=_json(before)[:-1] + ",",
            after=_json(after)[1:],
            import_id=self._run,
        )

    def write(self, chunk: Sequence[Line]) -> ChunkWritten:
        """Judge and write people; a dry run judges only."""
        assert self._giving is not None
        if self._order.dry_run:
            return consent_chunk.judge(self._conn, self._staged, self._giving, chunk)
        written = consent_chunk.write(self._turns, self._staged, self._giving, chunk)
        self._turns.tidy()
        return written

    def suppress(self) -> int:
        """Suppress those whom the list itself gives a reason for, with that reason; how many are new."""
        order, new = self._order, 0
        offers = self._staged.offers()
        while some := list(islice(offers, _CHILDREN)):
            if order.dry_run:
                continue
            with self._turns.transaction() as conn:
                for bad in some:
                    detail = f"import {self._file.name[:100]}, line {bad.line}: {bad.why}"
                    new += stopping.suppress(
                        conn,
                        order.tenant_id,
                        bad.text,
                        Reason(bad.offer),
                        detail=detail,
                        means="import",
                        now=order.now,
                    )
        return new

    def stop(self) -> None:
        """Who turns out to be under age and is known gets nothing more (R5)."""
        if self._order.dry_run:
            return
        children = self._staged.refusals(UNDER_AGE)
        while some := list(islice(children, _CHILDREN)):
            with self._turns.transaction() as conn:
                for child in some:
                    self._stop(conn, child.text)

    def _stop(self, conn: Tx, canonical: str) -> None:
        row = conn.execute(
            "SELECT id FROM subscriber WHERE tenant_id = ? AND address = ?", (self._order.tenant_id, canonical)
        ).fetchone()
        if row is not None:
            suppressions.add(conn, row[0], Reason.HAND, detail=profiles.CHILD, now=self._order.now)

    def finish(self, report: ImportReport) -> None:
        """Write down how it ended, for good: so all of it is."""
        if self._order.dry_run:
            return
        figures = {"taken": report.taken, "duplicates": report.duplicates, "refused": report.refused}
        if report.offered:
            figures |= {"offered": report.offered, "suppressed": report.suppressed}
        detail: dict[str, object] = {"sha256": self._file.kind.sha256, "lines": report.lines, **figures}
        order = self._order
        durable(self._conn)
        with self._turns.transaction() as conn:
            actions.record(conn, order.actor, "consents-imported", order.tenant_id, detail, order.now)
            runs.ended(conn, self._run, report.taken)
        report.import_id = self._run

    def _attested(self, wording_id: int) -> dict[str, object]:
        return {
            "attested": ATTESTATION,
            "file": self._file.name,
            "sha256": self._file.kind.sha256,
            "topic": self._order.terms.topic,
            "source": self._order.terms.source,
            "wording_id": wording_id,
        }


def _json(said: Mapping[str, object]) -> str:
    return json.dumps(said, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
