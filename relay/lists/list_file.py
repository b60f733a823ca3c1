"""Lists of people as files: TXT, CSV, XLS, XLSX, vCard. Bytes in, usable entries and bad lines out.

Reads row by row with bounded memory. A line that can't be used is told with
its number and never stops the others; a file that can't be used at all raises
ListError before anything is done with it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Final

from relay.lists import list_sheet
from relay.lists.list_columns import Columns, is_header, read_columns
from relay.lists.list_rows import SAMPLE, Bad, Source, sample_of, text_rows
from relay.lists.list_text import ListError, TextKind, recognise
from relay.lists.list_vcard import BEGIN, VcardRows
from relay.mail.address import Address, AddressError
from relay.people.profiles import MAX_VALUE
from relay.values.dates import address_in, time_in, unescape

__all__ = ["Bad", "Entry", "ListError", "ListFile", "open_list"]

WITHOUT: Final = 10_000
"""Lines by which an address must have come; a longer list of other things is not read to its end to be refused."""
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
    ip: str = ""
    topic: str = ""
    reason: str = ""
    withdrawn: bool = False
    born: str = ""
    """The birth date as it stands there."""
    groups: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    """Values by name, empty ones left out."""


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list that can be read; ``open_list`` is the only maker."""

    path: Path
    kind: TextKind
    source: Source
    columns: Columns
    skip: int
    """Rows up to this number come before the first entry."""

    @property
    def name(self) -> str:
        """Of the file, as text that can be stored, whatever octets it is made of."""
        return os.fsencode(self.path.name).decode("utf-8", "replace")

    @property
    def remarks(self) -> tuple[str, ...]:
        """How the file was understood, for whoever gave it: a sentence each."""
        return (f"read as {self.source.said}", *self.columns.remarks)

    def read(self) -> Iterator[Entry | Bad]:
        """All lines that are not empty, in order; ListError if the file was changed meanwhile."""
        entry = _Reader(self.columns).entry
        skip = self.skip
        for number, row in self.source.rows():
            if number <= skip:
                continue
            if isinstance(row, Bad):
                yield row
            elif "".join(row).strip():
                yield entry(number, row)


def open_list(path: Path, *, encoding: str = "", skip: Collection[str] = ()) -> ListFile:
    """Recognise form, encoding and columns; raises ListError unless the file holds an address.

    ``encoding`` goes before what would be found; ``skip`` names columns that are not taken (``*``: all others).
    """
    kind, source = _source(path, encoding)
    header, first, sample = _top(source)
    columns = read_columns(header, sample, skip)
    found = ListFile(path, kind, source, columns, first)
    if not any(isinstance(entry, Entry) for entry in islice(found.read(), WITHOUT)):
        where = "" if kind.lines <= WITHOUT else f" in its first {WITHOUT} lines"
        raise ListError(f"{path} holds no addresses{where}; the first column, or one named `email`, must have them")
    return found


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
    return kind, text_rows(path, kind, sample)


def _top(source: Source) -> tuple[list[str], int, list[list[str]]]:
    """The header (empty: none), the number of its row, and the first rows after it."""
    header: list[str] = []
    number = 0
    sample: list[list[str]] = []
    for at, row in islice(source.rows(), SAMPLE * 2):
        if isinstance(row, Bad) or not any(cell.strip() for cell in row):
            continue
        if not header and not sample and is_header(row):
            header, number = row, at
        else:
            sample.append(row)
    return header, number, sample


class _Reader:
    """Makes entries of rows; what does not change from row to row is looked up once."""

    def __init__(self, columns: Columns) -> None:
        roles = columns.roles
        self._email = roles["email"]
        self._at = roles.get("at", -1)
        self._others = [(role, roles[role]) for role in ("ip", "topic", "reason", "withdrawn", "born") if role in roles]
        self._groups = roles.get("groups", -1)
        self._attributes = columns.attributes
        self._names_from_address = not any(name == "name" for _, name in columns.attributes)

    def entry(self, number: int, row: list[str]) -> Entry | Bad:
        width = len(row)
        text = unescape(row[self._email].strip()) if self._email < width else ""
        if not text:
            return Bad(number, "", "there is no address in this line")
        try:
            address, name = address_in(text)
            entry = Entry(number, address, attributes=self._values(row) if self._attributes else _NONE)
            if name and self._names_from_address:
                entry.attributes = {**entry.attributes, "name": _value("name", name)}
            if -1 < self._at < width and (at := row[self._at].strip()):
                entry.at = time_in(at)
            if 0 <= self._groups < width and row[self._groups]:
                entry.groups = _groups(row[self._groups])
        except (AddressError, ValueError) as error:
            return Bad(number, text[:254], str(error))
        for role, index in self._others:
            if index < width and (cell := row[index].strip()):
                setattr(entry, role, True if role == "withdrawn" else cell)
        return entry

    def _values(self, row: list[str]) -> dict[str, str]:
        width = len(row)
        return {
            name: _value(name, cell)
            for index, name in self._attributes
            if index < width and (cell := row[index].strip())
        }


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
