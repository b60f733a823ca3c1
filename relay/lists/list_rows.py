"""Rows of a text list: CSV with any usual separator, or one address a line.

Reads line by line with bounded memory; a line that is no CSV costs itself
only. What the cells mean is ``list_columns``' business.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TextIO

from relay.lists.list_text import ListError, TextKind

MAX_LINE: Final = 65_536
MAX_COLUMNS: Final = 1_000
MAX_FIELD_LINES: Final = 20
"""Lines that one quoted field may go over; past it, the quote was a slip."""
SAMPLE: Final = 20
SEPARATORS: Final = ",;\t|"
DAMAGED: Final = "an octet in this line is no UTF-8; save the list in UTF-8, or write this line anew"
_DAMAGED: Final = re.compile(r"[\ud800-\udfff]+")
_AFTER_ADDRESS: Final = re.compile(r"@[^<>\s]+>\s*;\s*\S")
_ONLY_QUOTED: Final = re.compile(r'\s*"([^"]*)"\s*\Z')
_ALONE: Final = re.compile(r'[^\s@<>"]+@[^\s@<>"]+\.[^\s@<>"]+\Z')


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that can't be used, and why."""

    line: int
    text: str
    why: str
    offer: str = ""
    """The reason to suppress the address in ``text``, where the list itself says one."""


ListRow = tuple[int, list[str] | Bad]
"""The number of a row's first line, and its cells."""


class Source(Protocol):
    """A file that gives rows, each time from the start."""

    @property
    def said(self) -> str:
        """What kind of file it was taken for, for people."""
        ...

    def rows(self) -> Iterator[ListRow]:
        """Raises ListError if the file turns out to be broken."""
        ...


@dataclass(frozen=True, slots=True)
class TextRows:
    """A text file as rows; ``text_rows`` is the only maker."""

    path: Path
    kind: TextKind
    separator: str
    """Empty: one address a line."""
    hinted: bool
    """The first line says the separator (``sep=;``)."""
    wrapped: bool = False
    """Each line stands in quotes as a whole: a spreadsheet saved it as one column."""

    @property
    def said(self) -> str:
        form = f"CSV with {_named(self.separator)}" if self.separator else "one address a line"
        return f"{form}, {self.kind.said}"

    def rows(self) -> Iterator[ListRow]:
        try:
            with self.path.open(encoding=self.kind.encoding, errors=self.kind.errors) as file:
                found = _rows(_Unwrapped(file) if self.wrapped else file, self.separator)
                if self.hinted:
                    next(found, None)
                yield from sound(found) if self.kind.damaged else found
        except (OSError, UnicodeError) as error:
            raise ListError(f"{self.path} changed or went away while it was read: {error}") from error


def text_rows(path: Path, kind: TextKind, sample: list[str]) -> TextRows:
    """How the file's lines are divided, judged by its first ones."""
    hint = re.match(r"(?i)sep=(.)\s*$", sample[0])
    wrapped = _wrapped(sample)
    if wrapped:
        sample = [_unwrap(line) for line in sample]
    separator = hint[1] if hint else _separator(path, sample)
    return TextRows(path, kind, separator, hint is not None, wrapped)


_WHOLE: Final = re.compile(r'\s*\ufeff?"((?:[^"]|"")*)"\s*\Z')


def _wrapped(sample: list[str]) -> bool:
    """Does each line stand in quotes as a whole, with an address and a separator in it?"""
    inner = [found[1] for line in sample if (found := _WHOLE.match(line))]
    return (
        len(inner) == len(sample) > 1
        and all(any(separator in line for separator in SEPARATORS) for line in inner)
        and all("@" in line and "<" not in line for line in inner[1:])
    )


def _unwrap(line: str) -> str:
    found = _WHOLE.match(line)
    return found[1].replace('""', '"') + "\n" if found else line


class _Lines(Protocol):
    """What is read line by line."""

    def readline(self, limit: int, /) -> str:
        """Empty at the end."""
        ...


@dataclass(slots=True)
class _Unwrapped:
    """Lines without the quotes around each."""

    file: TextIO

    def readline(self, limit: int, /) -> str:
        return _unwrap(self.file.readline(limit))


def sample_of(path: Path, kind: TextKind) -> list[str]:
    """The first lines that are not empty; raises ListError if there are none."""
    try:
        with path.open(encoding=kind.encoding, errors=kind.errors) as file:
            sample = [line for line in (file.readline(MAX_LINE) for _ in range(SAMPLE)) if line.strip("\ufeff\r\n \t")]
    except (OSError, UnicodeError) as error:
        raise ListError(f"{path} can't be read: {error}") from error
    if not sample:
        raise ListError(f"{path} holds no addresses")
    return sample


def _named(separator: str) -> str:
    names = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
    return names.get(separator, repr(separator))


def _separator(path: Path, sample: list[str]) -> str:
    if path.suffix.lower() == ".txt" and not any(sep in sample[0] for sep in SEPARATORS):
        return ""
    bare = [_outside_quotes(line) for line in sample]
    if any(_AFTER_ADDRESS.search(line) for line in bare):  # Lee, Ann <a@b.example>; Roe, Bob <…>
        return ";"
    # A separator stands in most lines; a comma in a name only in some.
    best = max(SEPARATORS, key=lambda sep: (sum(sep in line for line in bare), sum(line.count(sep) for line in bare)))
    return best if any(best in line for line in bare) else ""


def _outside_quotes(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)


def sound(rows: Iterator[ListRow]) -> Iterator[ListRow]:
    """Rows of a file with damaged octets: a row that has one is told, the others are as they are."""
    for number, row in rows:
        if isinstance(row, Bad):
            yield number, Bad(number, _DAMAGED.sub("\ufffd", row.text), row.why, row.offer)
        elif _DAMAGED.search(text := "\n".join(row)):
            shown = next((cell for cell in row if "@" in cell), "") or text
            yield number, Bad(number, _DAMAGED.sub("\ufffd", shown)[:254], DAMAGED)
        else:
            yield number, row


def _rows(file: _Lines, separator: str) -> Iterator[ListRow]:
    """Rows with the number of their first line. A quote that is never closed costs its own line only."""
    ahead: list[str] = []
    number = 0
    cells = 0
    while True:
        line = ahead.pop(0) if ahead else _line(file)
        if not line:
            return
        number += 1
        start = number
        if len(line) >= MAX_LINE:
            yield number, Bad(number, line[:254], f"the line is longer than {MAX_LINE} characters")
            continue
        line = line.rstrip("\r\n\x1a\ufeff")
        if not separator:
            yield number, [_ONLY_QUOTED.sub(r"\1", line)]
            continue
        if '"' not in line:
            row = line.split(separator)
            cells = cells or len(row)
            yield number, row
            continue
        joined = _joined(file, line, ahead, separator, cells)
        if joined is None:
            yield number, Bad(number, line[:254], "a quote is opened but never closed")
            continue
        number += joined.count("\n")
        try:
            row = next(csv.reader((f"{part}\n" for part in joined.split("\n")), delimiter=separator), [])
            cells = cells or len(row)
            yield start, row
        except csv.Error as error:
            yield start, Bad(start, line[:254], f"the line is no CSV: {error}")


def _joined(file: _Lines, line: str, ahead: list[str], separator: str, cells: int) -> str | None:
    """The line with those that its quoted fields go over, taken from ``ahead`` and the file; None if they never end.

    A quoted field that goes on with something else behind its closing quote, or that would take in a whole row of its
    own with an address, was opened by a slip.
    """
    state = _quotes(line, separator, False)
    used = 0
    parts = [line]
    while state:
        if used == MAX_FIELD_LINES:
            return None
        if used == len(ahead):
            more = _line(file)
            if not more:
                return None
            ahead.append(more)
        more = ahead[used].rstrip("\r\n")
        used += 1
        parts.append(more)
        state = _quotes(more, separator, True)
        if state < 0 or (cells > 1 and "@" in more and _is_row(more, separator, cells)):
            return None
    del ahead[:used]
    return "\n".join(parts)


def _quotes(line: str, separator: str, inside: bool) -> int:
    """1: a quoted field is still open at the end of the line; 0: none is; -1: it went on behind its closing quote."""
    at, length, begun = 0, len(line), inside
    while True:
        if not inside:
            if at < length and line[at] == '"':
                inside = True
                at += 1
            else:
                at = line.find(separator, at)
                if at < 0:
                    return 0
                at += 1
                continue
        at = line.find('"', at)
        if at < 0:
            return 1
        at += 1
        if at < length and line[at] == '"':
            at += 1
            continue
        inside = False
        if at >= length:
            return 0
        if line[at] != separator:
            if begun and line[at] != " ":
                return -1
            at = line.find(separator, at)
            if at < 0:
                return 0
        begun = False
        at += 1


def _is_row(line: str, separator: str, cells: int) -> bool:
    """Is a line that a quoted field goes over a whole row by itself, one with an address for a cell?"""
    found = line.split(separator)
    return len(found) >= cells and any(_ALONE.match(_unquoted(cell)) for cell in found)


def _unquoted(cell: str) -> str:
    """A cell without quotes around it; one that only closes or opens is none of this row."""
    cell = cell.strip(" ")
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def _line(file: _Lines) -> str:
    """The next line; of one that is too long its first MAX_LINE characters, the rest is read over."""
    line = file.readline(MAX_LINE)
    if len(line) == MAX_LINE and not line.endswith("\n"):
        while (rest := file.readline(MAX_LINE)) and not rest.endswith("\n"):
            pass
    return line
