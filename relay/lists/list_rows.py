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


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that can't be used, and why."""

    line: int
    text: str
    why: str


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

    @property
    def said(self) -> str:
        form = f"CSV with {_named(self.separator)}" if self.separator else "one address a line"
        return f"{form}, {self.kind.encoding}{' (by its letters)' if self.kind.guessed else ''}"

    def rows(self) -> Iterator[ListRow]:
        try:
            with self.path.open(encoding=self.kind.encoding) as file:
                found = _rows(file, self.separator)
                if self.hinted:
                    next(found, None)
                yield from found
        except (OSError, UnicodeError) as error:
            raise ListError(f"{self.path} changed or went away while it was read: {error}") from error


def text_rows(path: Path, kind: TextKind, sample: list[str]) -> TextRows:
    """How the file's lines are divided, judged by its first ones."""
    hint = re.match(r"(?i)sep=(.)\s*$", sample[0])
    separator = hint[1] if hint else _separator(path, sample)
    return TextRows(path, kind, separator, hint is not None)


def sample_of(path: Path, kind: TextKind) -> list[str]:
    """The first lines that are not empty; raises ListError if there are none."""
    try:
        with path.open(encoding=kind.encoding) as file:
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
    best = max(SEPARATORS, key=lambda sep: sum(_outside_quotes(line).count(sep) for line in sample))
    return best if any(best in _outside_quotes(line) for line in sample) else ""


def _outside_quotes(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)


def _rows(file: TextIO, separator: str) -> Iterator[ListRow]:
    """Rows with the number of their first line. A quote that is never closed costs its own line only."""
    ahead: list[str] = []
    number = 0
    while True:
        line = ahead.pop(0) if ahead else _line(file)
        if not line:
            return
        number += 1
        start = number
        if len(line) >= MAX_LINE:
            yield number, Bad(number, line[:40], f"the line is longer than {MAX_LINE} characters")
            continue
        line = line.rstrip("\r\n\x1a\ufeff")
        if not separator:
            yield number, [line]
            continue
        if '"' not in line:
            yield number, line.split(separator)
            continue
        joined = _joined(file, line, ahead)
        if joined is None:
            yield number, Bad(number, line[:254], "a quote is opened but never closed")
            continue
        number += joined.count("\n")
        try:
            yield start, next(csv.reader(joined.split("\n"), delimiter=separator), [])
        except csv.Error as error:
            yield start, Bad(start, line[:254], f"the line is no CSV: {error}")


def _joined(file: TextIO, line: str, ahead: list[str]) -> str | None:
    """The line with those that its quoted fields go over, taken from ``ahead`` and the file; None if they never end."""
    quotes, used = line.count('"'), 0
    parts = [line]
    while quotes % 2:
        if used == MAX_FIELD_LINES:
            return None
        if used == len(ahead):
            more = _line(file)
            if not more:
                return None
            ahead.append(more)
        more = ahead[used]
        used += 1
        parts.append(more.rstrip("\r\n"))
        quotes += more.count('"')
    del ahead[:used]
    return "\n".join(parts)


def _line(file: TextIO) -> str:
    """The next line; of one that is too long its first MAX_LINE characters, the rest is read over."""
    line = file.readline(MAX_LINE)
    if len(line) == MAX_LINE and not line.endswith("\n"):
        while (rest := file.readline(MAX_LINE)) and not rest.endswith("\n"):
            pass
    return line
