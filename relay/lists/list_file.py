"""Lists of people as files: TXT, CSV, XLS, XLSX, vCard. Bytes in, usable entries and bad lines out.

Reads row by row with bounded memory. A line that can't be used is told with
its number and never stops the others; a file that can't be used at all raises
ListError before anything is done with it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Final

from relay.lists import list_sheet
from relay.lists.list_cells import addresses_in, nothing_else
from relay.lists.list_claims import claim_of
from relay.lists.list_columns import Columns, Wishes, is_header, may_be_header, read_columns
from relay.lists.list_made import made_rows
from relay.lists.list_rows import Bad, Source, sample_of, text_rows
from relay.lists.list_status import StatusColumn, soft
from relay.lists.list_text import ListError, TextKind, recognise
from relay.lists.list_vcard import BEGIN, VcardRows
from relay.lists.list_words import OFFERS, WEIGHT, Said, settled
from relay.mail.address import Address, AddressError
from relay.people.profiles import MAX_VALUE
from relay.values.dates import address_in, time_in, unescape
from relay.values.moments import absent

__all__ = ["Bad", "Entry", "ListError", "ListFile", "open_list"]

WITHOUT: Final = 10_000
"""Lines by which an address must have come; a longer list of other things is not read to its end to be refused."""
TOP: Final = 1_000
"""Rows by which the columns are judged."""
_TITLES: Final = 12
"""Rows that may stand above the header."""
_AGREED: Final = WEIGHT[Said.AGREED]
MAX_GROUPS: Final = 50
"""Groups that one line may name."""
_APART: Final = re.compile(r"[;,|]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_NONE: Final[dict[str, str]] = {}


@dataclass(slots=True)
class Entry:
    """A usable line; ``at`` in seconds UTC, None where the line has none."""

    line: int
    address: Address
    at: float | None = None
    """When the person agreed."""
    listed: float | None = None
    """When the person came onto the list, where that is all the list says."""
    ip: str = ""
    topic: str = ""
    said: Said = Said.NOTHING
    """What the list says of the person."""
    where: str = ""
    """The column and the words that say it."""
    born: str = ""
    """The birth date as it stands there."""
    groups: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    """Values by name, empty ones left out."""
    cell: str = field(default="", compare=False)
    """The words themselves, by which an answer names them; empty where it has none."""


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list that can be read; ``open_list`` is the only maker."""

    path: Path
    kind: TextKind
    source: Source
    columns: Columns
    skip: int
    """Rows up to this number come before the first entry."""
    header: int = 0
    """Cells of the header; 0: there is none."""
    claim: Said = Said.NOTHING
    """What the file's name or title says of everyone."""
    notes: tuple[str, ...] = ()
    dates: str = ""
    width: int = 0
    """Cells that a row may have; 0: any number."""

    @property
    def name(self) -> str:
        """Of the file, as text that can be stored, whatever octets it is made of."""
        return os.fsencode(self.path.name).decode("utf-8", "replace")

    @property
    def remarks(self) -> tuple[str, ...]:
        """How the file was understood, for whoever gave it: a sentence each."""
        return (f"read as {self.source.said}", *self.notes, *self.columns.remarks)

    def read(self) -> Iterator[Entry | Bad]:
        """All lines that are not empty, in order, and what of a line is left; ListError if the file was changed."""
        reader = _Reader(self)
        entry = reader.entry
        more = reader.parts if self.columns.others or self.columns.every or not self.header else None
        skip = self.skip
        for number, row in self.source.rows():
            if number <= skip:
                continue
            if isinstance(row, Bad):
                yield row
            elif "".join(row).strip():
                if more is None:
                    yield entry(number, row)
                else:
                    yield from more(number, row)


def open_list(
    path: Path,
    *,
    encoding: str = "",
    skip: Collection[str] = (),
    keep: Collection[str] = (),
    answers: Mapping[str, Said] | None = None,
    dates: str = "",
) -> ListFile:
    """Recognise form, encoding and columns; raises ListError unless the file holds an address.

    ``encoding`` goes before what would be found; ``skip`` names columns that are not taken (``*``: all others),
    ``keep`` such that say nothing of the person's consent; ``answers`` what words of a status mean; ``dates``
    (``dmy``, ``mdy``) how dates are written that can be read in two ways.
    """
    kind, source = _source(path, encoding)
    top = _top(source)
    wishes = Wishes(frozenset(skip), frozenset(keep), answers)
    columns = read_columns(top.header, top.sample, wishes)
    claim, notes = _claimed(path, top)
    found = ListFile(path, kind, source, columns, top.number, len(top.header), claim, notes, dates, _width(top))
    if not any(_has_address(entry) for entry in islice(found.read(), WITHOUT)):
        where = "" if kind.lines <= WITHOUT else f" in its first {WITHOUT} lines"
        raise ListError(f"{path} holds no addresses{where}; the first column, or one named `email`, must have them")
    return found


def _has_address(entry: Entry | Bad) -> bool:
    return isinstance(entry, Entry) or bool(addresses_in(entry.text)[0])


def _claimed(path: Path, top: _Top) -> tuple[Said, tuple[str, ...]]:
    """What name and title say of all people, and what to tell of it."""
    notes = []
    if top.titles:
        notes.append(f"above the header stands {' / '.join(top.titles)[:60]!r}")
    for what, text in (("name", path.name.rpartition(".")[0] or path.name), ("title", " ".join(top.titles))):
        claim = claim_of(text)
        if claim:
            said = {Said.REFUSED: "did not agree"}.get(claim, f"are out: {claim}")
            notes.append(f"the file's {what} says that these people {said}")
            return claim, tuple(notes)
    return Said.NOTHING, tuple(notes)


def _width(top: _Top) -> int:
    """Cells that a row may have: those of the header, or as many as most rows have."""
    if not top.header:
        return 0
    widths = sorted(len(row) for row in top.sample)
    return max(len(top.header), widths[len(widths) // 2] if widths else 0)


def _source(path: Path, encoding: str) -> tuple[TextKind, Source]:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # a pipe would be waited for without end
            raise ListError(f"{path} is no regular file: a list is read twice, so save it to a file first")
        with path.open("rb") as file:
            head = file.read(8)
        if head.startswith((list_sheet.ZIP, list_sheet.OLE)):
            sheet = list_sheet.sheet_rows(path)
            return sheet.kind, sheet
    except OSError as error:
        raise ListError(f"{path} can't be read: {error.strerror or error}") from error
    kind = recognise(path, encoding)
    sample = sample_of(path, kind)
    if BEGIN.match(sample[0]):
        return kind, VcardRows(path, kind)
    if (made := made_rows(path, kind, sample)) is not None:
        return kind, made
    return kind, text_rows(path, kind, sample)


@dataclass(frozen=True, slots=True)
class _Top:
    """The first rows of a file."""

    header: list[str]
    """Empty: none."""
    number: int
    """Of the header's row."""
    sample: list[list[str]]
    titles: list[str]
    """What stands above the header."""


def _top(source: Source) -> _Top:
    rows = [
        (number, row)
        for number, row in islice(source.rows(), TOP)
        if not isinstance(row, Bad) and any(cell.strip() for cell in row)
    ]
    for place, (number, row) in enumerate(rows[:_TITLES]):
        if is_header(row):
            titles = [" ".join(" ".join(above).split()) for _, above in rows[:place]]
            return _Top(row, number, [below for _, below in rows[place + 1 :]], titles)
        if any("@" in cell for cell in row):
            break
    sample = [row for _, row in rows]
    if rows and may_be_header(sample[0], sample[1:]):
        return _Top(sample[0], rows[0][0], sample[1:], [])
    return _Top([], 0, sample, [])


class _Reader:
    """Makes entries of rows; what does not change from row to row is looked up once."""

    def __init__(self, file: ListFile) -> None:
        columns, roles = file.columns, file.columns.roles
        self._columns = columns
        self._email = roles["email"][0]
        self._at = roles.get("at", ())
        self._listed = roles.get("listed", ())
        self._ip = roles.get("ip", ())
        self._topic = roles.get("topic", (-1,))[0]
        self._born = roles.get("born", (-1,))[0]
        self._groups = roles.get("groups", (-1,))[0]
        self._status = list(columns.status)
        self._claim = file.claim
        self._dates = file.dates
        self._header = file.header
        self._width = file.width
        self._attributes = columns.attributes
        self._names_from_address = not any(name == "name" for _, name in columns.attributes)

    def entry(self, number: int, row: list[str]) -> Entry | Bad:
        """One row as one person."""
        width = len(row)
        text = unescape(row[self._email].strip()) if self._email < width else ""
        if not text:
            return self._nobody(number, row)
        try:
            address, name = address_in(text)
            if 0 < self._header < width and self._too_wide(row):
                return Bad(number, _all_addresses(row) or text[:254], _beyond(self._header, width))
            entry = Entry(number, address, attributes=_NONE)
            if 0 <= self._topic < width:
                entry.topic = row[self._topic].strip()
            if self._status or self._claim:
                self._judge(entry, row)
                if WEIGHT[entry.said] > _AGREED:
                    return entry  # whatever else is wrong with the line costs nothing
            if self._attributes:
                entry.attributes = self._values(row)
            if name and self._names_from_address:
                entry.attributes = {**entry.attributes, "name": _value("name", name)}
            if self._at:
                entry.at = self._time(row, self._at)
            if self._listed and entry.at is None:
                entry.listed = self._time(row, self._listed)
            if 0 <= self._groups < width and row[self._groups]:
                entry.groups = _groups(row[self._groups])
        except AddressError as error:
            return Bad(number, text[:254], _several(text) or str(error))
        except ValueError as error:
            return Bad(number, text[:254], str(error))
        for index in self._ip:
            if index < width and (cell := row[index].strip()):
                entry.ip = cell
                break
        if 0 <= self._born < width:
            entry.born = row[self._born].strip()
        return entry

    def parts(self, number: int, row: list[str]) -> Iterator[Entry | Bad]:
        """A row that may name several people: each of them, or what is left of it."""
        if self._columns.every or (len(row) == 1 and not self._header and "@" in row[0]):
            yield from self._each(number, row)
            return
        entry = self.entry(number, row)
        yield entry
        canonical = entry.address.canonical if isinstance(entry, Entry) else ""
        for index, name in self._columns.others:
            if index < len(row) and "@" in row[index]:
                for address in addresses_in(row[index])[0]:
                    if address.canonical != canonical and canonical:
                        yield Bad(number, address.canonical, _left(index, name))

    def _each(self, number: int, row: list[str]) -> Iterator[Entry | Bad]:
        for cell in row:
            if not (text := cell.strip()):
                continue
            try:
                address, name = address_in(unescape(text))
                yield self._claimed(
                    Entry(number, address, attributes={"name": _value("name", name)} if name else _NONE)
                )
            except (AddressError, ValueError) as error:
                found = addresses_in(text)[0]
                if len(found) > 1 and nothing_else(text):
                    for one in found:
                        yield self._claimed(Entry(number, one))
                else:
                    yield Bad(number, text[:254], (_several(text) if len(found) > 1 else "") or str(error))

    def _too_wide(self, row: list[str]) -> bool:
        """Are there cells beyond the header that shift the others, or hold another address?"""
        beyond = "".join(row[self._header :])
        return "@" in beyond or (len(row) > self._width and "".join(row[self._width :]).strip() != "")

    def _claimed(self, entry: Entry) -> Entry:
        if self._claim:
            self._judge(entry, [])
        return entry

    def _nobody(self, number: int, row: list[str]) -> Bad:
        others = [(i, name) for i, name in self._columns.others if i < len(row) and "@" in row[i]]
        if others:
            index, name = others[0]
            return Bad(
                number, row[index].strip()[:254], f"there is an address in {_column(index, name)} alone: move it"
            )
        return Bad(number, _all_addresses(row)[:254], "there is no address in this line")

    def _time(self, row: list[str], places: tuple[int, ...]) -> float | None:
        for index in places:
            if index < len(row) and (text := row[index].strip()) and not absent(text):
                return time_in(text, self._dates)
        return None

    def _judge(self, entry: Entry, row: list[str]) -> None:
        """The heaviest of what the columns and the file say."""
        for column in self._status:
            cell = row[column.index] if column.index < len(row) else ""
            said = column.said(cell)
            if (said and WEIGHT[said] > WEIGHT[entry.said]) or (said and soft(cell) and entry.said is Said.BOUNCED):
                entry.said, entry.where, entry.cell = said, _words(column, cell), cell
        entry.said = settled(entry.said)
        if self._claim and entry.said not in OFFERS:
            entry.said, entry.where = self._claim, "the file's name or title"

    def _values(self, row: list[str]) -> dict[str, str]:
        width = len(row)
        return {
            name: _value(name, cell)
            for index, name in self._attributes
            if index < width and (cell := row[index].strip())
        }


def _words(column: StatusColumn, cell: str) -> str:
    shown = " ".join(cell.split())[:60]
    return f"{column.name!r} is {shown!r}" if shown else f"{column.name!r} is empty"


def _several(text: str) -> str:
    """Why a cell with several addresses can't be taken; empty for any other."""
    found, odd = addresses_in(text)
    if len(found) + len(odd) < 2:
        return ""
    return "there are several addresses in one cell: which of them agreed? Give each a line of its own"


def _all_addresses(row: list[str]) -> str:
    return "; ".join(" ".join(cell.split()) for cell in row if "@" in cell)[:254]


def _beyond(wanted: int, found: int) -> str:
    return (
        f"the line has {found} cells where the header has {wanted}: put cells that hold the separator in quotes, and "
        "each address on a line of its own"
    )


def _column(index: int, name: str) -> str:
    return f"column {index + 1} ({name!r})" if name else f"column {index + 1}"


def _left(index: int, name: str) -> str:
    return f"a further address of this line, left out: in {_column(index, name)}; list it by itself if it agreed too"


def _value(name: str, cell: str) -> str:
    if len(cell) > MAX_VALUE:
        raise ValueError(f"the value of {name!r} is longer than {MAX_VALUE} characters")
    cell = unescape(cell)
    return cell if cell.isprintable() else _CONTROL.sub(" ", cell).strip()


@lru_cache(maxsize=4096)
def _groups(cell: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(" ".join(part.split()) for part in _APART.split(unescape(cell)) if part.strip()))
    if len(found) > MAX_GROUPS:
        raise ValueError(f"the line names more than {MAX_GROUPS} groups")
    return found
