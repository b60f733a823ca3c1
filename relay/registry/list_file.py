"""Lists of people as files: CSV with a header or without, or one address a line.

Reads line by line with bounded memory. A line that can't be used is told
with its number and never stops the others; a file that can't be used at all
raises ListError before anything is done with it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from relay.mail.address import Address, AddressError, parse_address
from relay.registry.list_text import ListError, TextKind, recognise

__all__ = ["Bad", "Entry", "ListError", "ListFile", "open_list"]

MAX_LINE: Final = 65_536
MAX_FIELD_LINES: Final = 20
"""Lines that one quoted field may go over; past it, the quote was a slip."""
_SAMPLE: Final = 20
_SEPARATORS: Final = ",;\t|"

_NAMES: Final = {
    "email": "email|e-mail|mail|email address|e-mail address|address|subscriber|e-post|epost|e-posti aadress|"
    "почта|эл. почта|электронная почта|адрес|e-mail адрес|пошта|ел. пошта|електронна пошта|адреса",
    "at": "at|given_at|given at|subscribed_at|consent_at|date",
    "ip": "ip|ip_address|ip address",
    "topic": "topic",
    "reason": "reason",
    "withdrawn": "withdrawn_at|withdrawn|unsubscribed_at",
}
_ROLES: Final = {name: role for role, names in _NAMES.items() for name in names.split("|")}


@dataclass(frozen=True, slots=True)
class Entry:
    """A usable line; ``at`` in seconds UTC, None where the line has none."""

    line: int
    address: Address
    at: float | None = None
    ip: str = ""
    topic: str = ""
    reason: str = ""
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that can't be used, and why."""

    line: int
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list that can be read; ``open_list`` is the only maker."""

    path: Path
    kind: TextKind
    separator: str
    """Empty: one address a line."""
    columns: dict[str, int] = field(hash=False)
    """Role → index; ``email`` is always there."""
    skip: int
    """Lines before the first entry."""

    def read(self) -> Iterator[Entry | Bad]:
        """All lines that are not empty, in order; ListError if the file was changed meanwhile."""
        try:
            with self.path.open(encoding=self.kind.encoding) as file:
                for number, row in _rows(file, self.separator):
                    if number <= self.skip:
                        continue
                    if isinstance(row, Bad):
                        yield row
                    elif any(cell.strip() for cell in row):
                        yield self._entry(number, row)
        except (OSError, UnicodeError) as error:
            raise ListError(f"{self.path} changed or went away while it was read: {error}") from error

    def _entry(self, number: int, row: list[str]) -> Entry | Bad:
        def cell(role: str) -> str:
            index = self.columns.get(role)
            return "" if index is None or index >= len(row) else row[index].strip()

        text = unescape(cell("email"))
        if not text:
            return Bad(number, "", "there is no address in this line")
        try:
            address = parse_address(text)
            at = _time(cell("at"))
        except (AddressError, ValueError) as error:
            return Bad(number, text[:254], str(error))
        if len(self.columns) == 1:
            return Entry(number, address, at)
        return Entry(number, address, at, cell("ip"), cell("topic"), cell("reason"), bool(cell("withdrawn")))


def open_list(path: Path) -> ListFile:
    """Recognise encoding, separator and columns; raises ListError unless it holds an address."""
    kind = recognise(path)
    try:
        with path.open(encoding=kind.encoding) as file:
            sample = [line for line in (file.readline(MAX_LINE) for _ in range(_SAMPLE)) if line.strip()]
    except (OSError, UnicodeError) as error:
        raise ListError(f"{path} can't be read: {error}") from error
    if not sample:
        raise ListError(f"{path} holds no addresses")
    hint = re.match(r"(?i)sep=(.)\s*$", sample[0])
    separator = hint[1] if hint else _separator(path, sample)
    columns, skip = _columns(path, kind, separator, 1 if hint else 0)
    found = ListFile(path, kind, separator, columns, skip)
    if not any(isinstance(entry, Entry) for entry in found.read()):
        raise ListError(f"{path} holds no addresses; the first column, or one named `email`, must have them")
    return found


def unescape(cell: str) -> str:
    """Undo the quote that an export puts before what a spreadsheet takes for a formula."""
    return cell[1:] if len(cell) > 1 and cell[0] == "'" and cell[1] in "=+-@\t\r" else cell


def _separator(path: Path, sample: list[str]) -> str:
    if path.suffix.lower() == ".txt" and not any(sep in sample[0] for sep in _SEPARATORS):
        return ""
    best = max(_SEPARATORS, key=lambda sep: sum(_outside_quotes(line).count(sep) for line in sample))
    return best if any(best in _outside_quotes(line) for line in sample) else ""


def _outside_quotes(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)


def _columns(path: Path, kind: TextKind, separator: str, skip: int) -> tuple[dict[str, int], int]:
    """Roles by header, or the first column with an @; and how many lines come before the entries."""
    first: list[str] | None = None
    with path.open(encoding=kind.encoding) as file:
        for seen, (number, row) in enumerate(_rows(file, separator)):
            if seen >= _SAMPLE:
                break
            if number <= skip or isinstance(row, Bad) or not any(cell.strip() for cell in row):
                continue
            if first is None:
                first = row
                roles = _header(row)
                if roles:
                    return roles, number
            index = next((i for i, cell in enumerate(row) if "@" in cell), None)
            if index is not None:
                return {"email": index}, skip
    return {"email": 0}, skip


def _header(row: list[str]) -> dict[str, int]:
    """Empty if the row is no header with an e-mail column."""
    if any("@" in cell for cell in row):
        return {}
    roles: dict[str, int] = {}
    for index, cell in enumerate(row):
        role = _ROLES.get(" ".join(cell.split()).casefold())
        if role is not None:
            roles.setdefault(role, index)
    return roles if "email" in roles else {}


def _rows(file: TextIO, separator: str) -> Iterator[tuple[int, list[str] | Bad]]:
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


def _time(text: str) -> float | None:
    """ISO 8601, UTC where no zone is given."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no time: write it like 2026-11-23T14:05:00Z") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
