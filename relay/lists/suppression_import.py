"""Suppressions from a file, e.g. the unsubscribed and dead addresses of an earlier provider.

Whoever stands in such a file is suppressed, whatever else is wrong with the
line; what can't be read as an address is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from relay.audit import actions
from relay.lists.consent_import import ImportReport, Progress, TellRefused
from relay.lists.list_cells import addresses_in
from relay.lists.list_claims import is_vague, section_of
from relay.lists.list_file import Bad, ListFile
from relay.lists.list_heard import text_part
from relay.lists.list_roots import phrase
from relay.lists.list_status import StatusMode, is_time, soft
from relay.lists.list_words import AGREED, OFFERS, WEIGHT, Said, plain, settled
from relay.lists.stopping import suppress
from relay.mail.address import Address, AddressError
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.values.dates import address_in, unescape
from relay.values.facts import Reason

__all__ = ["run", "suppress"]

CHUNK: Final = 500
_WORDS: Final = {reason.value: reason for reason in Reason}
NO_ADDRESS: Final = "there is no address in this line"
LIVE: Final = "the list says that this person is subscribed; add it by itself if it shall be suppressed"
_MAX_SAID: Final = 100
_LISTENED: Final = (StatusMode.STATE, StatusMode.LOOSE)
_KNOWN: Final = WEIGHT[Said.STOPPED]


@dataclass(frozen=True, slots=True)
class _Stop:
    """One person to be suppressed."""

    line: int
    canonical: str
    reason: Reason | None
    """None: the file doesn't say."""
    said: str


def run(
    conn: Tx,
    file: ListFile,
    tenant_id: int,
    *,
    reason: Reason,
    actor: str,
    now: float,
    refused: TellRefused,
    progress: Progress = lambda lines: None,
    dry_run: bool = False,
) -> ImportReport:
    """Suppress everyone in the file, in short transactions of its own; a dry run judges only.

    What the file says of why goes before ``reason``. A column ``topic`` is read
    over: a suppression from outside stops everything, which errs on the side of silence.
    """
    report = ImportReport()
    name = file.name[:100]
    stops = _Stops(file).read()
    while batch := list(islice(stops, CHUNK)):
        for item in batch:
            report.lines += 1
            if isinstance(item, Bad):
                report.refused += 1
                report.reasons[item.why] += 1
                refused(item)
        people = [item for item in batch if isinstance(item, _Stop)]
        report.by_reason.update((one.reason or reason).value for one in people)
        if dry_run:
            report.taken += len(people)
        elif people:
            with transaction(conn):
                _suppress(conn, tenant_id, people, reason, name, now, report)
        progress(report.lines)
    if dry_run:
        return report
    with transaction(conn):
        detail = {"file": name, "sha256": file.kind.sha256, "lines": report.lines, "taken": report.taken}
        actions.record(conn, actor, "suppressions-imported", tenant_id, detail, now)
    return report


def _suppress(
    conn: Tx, tenant_id: int, people: list[_Stop], reason: Reason, name: str, now: float, report: ImportReport
) -> None:
    for one in people:
        detail = f"import {name}, line {one.line}" + (f": {one.said}" if one.said else "")
        why = one.reason or reason
        if suppress(conn, tenant_id, one.canonical, why, detail=detail, means="import", now=now):
            report.taken += 1
        else:
            report.duplicates += 1


class _Stops:
    """The people of a suppression file."""

    def __init__(self, file: ListFile) -> None:
        self._file = file
        columns = file.columns
        self._email = columns.roles["email"][0]
        self._others = [index for index, _ in columns.others]
        self._every = columns.every or not file.header
        self._header = file.header
        # `suppressions.csv` doesn't say why.
        self._claim = Said.NOTHING if is_vague(file.path.stem) else file.claim
        self._status = columns.status

    def read(self) -> Iterator[_Stop | Bad]:
        """Everyone in it, and lines of which nothing can be taken."""
        for number, row in self._file.source.rows():
            if number <= self._file.skip:
                continue
            if isinstance(row, Bad):
                yield from self._damaged(row)
            elif text := "".join(row).strip():
                if "@" not in text and (said := section_of(row)) is not None:
                    self._claim = Said.NOTHING if is_vague(text) else said
                yield from self._row(number, row)

    def _damaged(self, bad: Bad) -> Iterator[_Stop | Bad]:
        """A line that is no row may still name people; they are stopped."""
        found, odd = addresses_in(bad.text)
        for address in found:
            yield _Stop(bad.line, address.canonical, self._reason(self._claim), "")
        if odd or not found:
            yield bad

    def _row(self, number: int, row: list[str]) -> Iterator[_Stop | Bad]:
        found, odd = self._people(row)
        said, words, live = self._said(row)
        reason = self._reason(said)
        for address in found:
            if live and reason is None:
                yield Bad(number, address.canonical, LIVE)
            else:
                yield _Stop(number, address.canonical, reason, words)
        for text in odd:
            yield Bad(number, text, _why(text))
        if not found and not odd:
            text = row[self._email].strip() if self._email < len(row) else ""
            yield Bad(number, text[:254], _why(text) if text else NO_ADDRESS)

    def _people(self, row: list[str]) -> tuple[list[Address], list[str]]:
        """All addresses of a row that are of the person, and what looks like one and is none."""
        width = len(row)
        cells = [row[index] for index in (self._email, *self._others) if index < width]
        if self._every:
            cells = row
        elif self._header < width:
            cells += row[self._header :]
        found: dict[str, Address] = {}
        odd: list[str] = []
        for cell in cells:
            text = cell.strip()
            if not text:
                continue
            try:
                address = address_in(unescape(text))[0]
                found.setdefault(address.canonical, address)
            except AddressError:
                more, wrong = addresses_in(text)
                found |= {address.canonical: address for address in more}
                odd += wrong
        return list(found.values()), odd

    def _said(self, row: list[str]) -> tuple[Said, str, bool]:
        """The heaviest of what is said, its words, and whether the row says that the person is subscribed."""
        heaviest, words, live = Said.NOTHING, "", False
        when = Said.NOTHING
        for column in self._status:
            if column.mode is StatusMode.GUARD:
                continue  # all of them are stopped as it is
            cell = row[column.index] if column.index < len(row) else ""
            said = column.said(cell)
            if said in (Said.NOTHING, Said.UNKNOWN) and column.mode in _LISTENED and WEIGHT[heaviest] < _KNOWN:
                word = plain(cell)
                said = text_part(word) or (found if (found := phrase(word)) in OFFERS else said)
            if column.mode is StatusMode.BAD and said in OFFERS and is_time(cell):
                when = said  # words say more of why than the day does
                continue
            if cell.strip() and not words and column.mode is not StatusMode.YES:
                words = " ".join(cell.split())[:_MAX_SAID]
            if soft(cell) and self._claim is Said.BOUNCED:
                return Said.REFUSED, words, False
            if said is Said.AGREED:
                live = (
                    live or plain(cell) in AGREED or (column.mode is StatusMode.YES and "subscri" in plain(column.name))
                )
            elif WEIGHT[said] > WEIGHT[heaviest]:
                heaviest = said
                words = " ".join(cell.split())[:_MAX_SAID]
        if heaviest is Said.NOTHING:
            heaviest, words = self._guessed(row, words)
        heaviest = settled(heaviest)
        heaviest = heaviest if heaviest in OFFERS else when or heaviest
        return heaviest if heaviest in OFFERS else (self._claim or heaviest), words, live

    def _guessed(self, row: list[str], words: str) -> tuple[Said, str]:
        """Where no column says why: what others say, names and places left out."""
        for column in self._status:
            if column.mode is StatusMode.GUARD and column.index < len(row) and (cell := row[column.index].strip()):
                word = plain(cell)
                for said in (phrase(word), text_part(word)):
                    if said in OFFERS:
                        return said, " ".join(cell.split())[:_MAX_SAID]
        return Said.NOTHING, words

    def _reason(self, said: Said) -> Reason | None:
        return _WORDS.get(said.value) if said in OFFERS else None


def _why(text: str) -> str:
    try:
        address_in(unescape(text))
    except AddressError as error:
        return str(error)
    return NO_ADDRESS
