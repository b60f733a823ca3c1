"""Lists of people as files: TXT, CSV, XLS, XLSX, vCard. Bytes in, usable entries and bad lines out.

Reads row by row with bounded memory. A line that can't be used is told with
its number and never stops the others; a file that can't be used at all raises
ListError before anything is done with it.
"""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from relay.lists import list_sheet
from relay.lists.list_cells import addresses_in
from relay.lists.list_claims import claim_of, is_vague, section_of
from relay.lists.list_columns import Columns, Wishes, is_header, may_be_header, read_columns
from relay.lists.list_entries import Entries, Entry
from relay.lists.list_made import made_rows
from relay.lists.list_rows import Bad, Source, sample_of, text_rows
from relay.lists.list_text import ListError, TextKind, recognise
from relay.lists.list_vcard import BEGIN, VcardRows
from relay.lists.list_words import Said

__all__ = ["Bad", "Entry", "ListError", "ListFile", "open_list"]

WITHOUT: Final = 10_000
"""Lines by which an address must have come; a longer list of other things is not read to its end to be refused."""
TOP: Final = 1_000
"""Rows by which the columns are judged."""
_TITLES: Final = 12
"""Rows that may stand above the header."""


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
        reader = Entries(
            self.columns,
            header=self.header,
            width=self.width,
            claim=self.claim,
            dates=self.dates,
            vague=is_vague(self.path.stem),
        )
        entry = reader.entry
        more = reader.parts if self.columns.others or self.columns.every or not self.header else None
        skip = self.skip
        for number, row in self.source.rows():
            if number <= skip:
                continue
            if isinstance(row, Bad):
                yield row
            elif text := "".join(row).strip():
                if "@" not in text and (said := section_of(row)) is not None:
                    reader.turn(said)
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
    now: float | None = None,
) -> ListFile:
    """Recognise form, encoding and columns; raises ListError unless the file holds an address.

    ``encoding`` goes before what would be found; ``skip`` names columns that are not taken (``*``: all others),
    ``keep`` such that say nothing of the person's consent; ``answers`` what words of a status mean; ``dates``
    (``dmy``, ``mdy``) how dates are written that can be read in two ways; consents that ended before ``now``
    (seconds UTC; without it, this moment) are over.
    """
    kind, source = _source(path, encoding)
    top = _top(source)
    wishes = Wishes(frozenset(skip), frozenset(keep), answers, dates, time.time() if now is None else now)
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
    except PermissionError as error:
        raise ListError(
            f"{path} can't be read by this user: copy it to where it may be, such as {tempfile.gettempdir()}"
        ) from error
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
