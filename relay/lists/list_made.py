"""Rows of files that hold a table in another form: JSON and JSON lines, LDIF, dumps, and HTML saved as ``.xls``.

Both are read into memory within bounds; a line of a JSON-lines file that is
none costs itself only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

from relay.lists.list_records import LDIF, is_sympa, ldif_rows, sympa_rows
from relay.lists.list_rows import MAX_COLUMNS, MAX_LINE, Bad, ListRow
from relay.lists.list_text import ListError, TextKind

MAX_OCTETS: Final = 64 << 20
MAX_DEPTH: Final = 4
_HTML: Final = re.compile(
    r"\s*\ufeff?(?:<\?xml[^>]*>\s*)?(?:<!doctype\s+html|<html|<table|<head|<meta|<body|<div)", re.I
)
_JSON: Final = re.compile(r"\s*\ufeff?[\[{]\s*[\[{\"\]}]|\s*\ufeff?[\[{]\s*$")
_XML: Final = re.compile(r"\s*\ufeff?<\?(?:xml|mso)", re.I)
_OTHERS: Final = (
    (
        "a dump of Mailman's settings, not its members: write them with `list_members --fullnames LIST > members.txt`"
        " (Mailman 3: `mailman members LIST > members.txt`)",
        re.compile(r"\[-+ start pickle file -+\]|<-+ start object \d+ -+>|\s*\{\s*'(?:accept_these|admin_|archive)"),
    ),
    (
        "a dump of a database, not a list: export the table of the people alone as CSV (`\\copy … csv`)",
        re.compile(
            r"-- (?:MySQL|MariaDB|PostgreSQL|phpMyAdmin)|(?:INSERT INTO|CREATE TABLE|BEGIN TRANSACTION)\b", re.I
        ),
    ),
    (
        "a mailbox or a message, not a list: export the people from the program that sent it as CSV",
        re.compile(r"From \S+@\S+ \w{3} \w{3} |Return-Path: *<|Received: (?:from|by) |Delivered-To: "),
    ),
)
"""Files that people take for lists, and what to give instead."""
_LISTS: Final = ("bouncedrecipients", "complainedrecipients")


@dataclass(frozen=True, slots=True)
class MadeRows:
    """A table that was made of the file, in memory; ``made_rows`` is the only maker."""

    path: Path
    kind: TextKind
    form: str
    table: tuple[ListRow, ...]

    @property
    def said(self) -> str:
        return f"{self.form}, {self.kind.said}"

    def rows(self) -> Iterator[ListRow]:
        yield from self.table


def made_rows(path: Path, kind: TextKind, sample: list[str]) -> MadeRows | None:
    """The rows if the file is such a one, else None. Raises ListError for one that can't be read."""
    first = sample[0]
    if _HTML.match(first) or (_XML.match(first) and any(_HTML.match(line) for line in sample[1:3])):
        return MadeRows(path, kind, "a table in HTML", tuple(_html(path, _text(path, kind))))
    if _XML.match(first):
        raise ListError(f"{path} is XML, not a list: save it as CSV, TXT, XLS, XLSX or vCard")
    if any(LDIF.match(line) for line in [one for one in sample if not one.startswith("#")][:1]):
        return MadeRows(path, kind, "LDIF", tuple(ldif_rows(_text(path, kind))))
    if is_sympa(sample):
        return MadeRows(path, kind, "a dump of Sympa", tuple(sympa_rows(_text(path, kind))))
    if kinds := next((what for what, pattern in _OTHERS if any(map(pattern.match, sample[:5]))), ""):
        raise ListError(f"{path} is {kinds}")
    if _JSON.match(first):
        return MadeRows(path, kind, "JSON", tuple(_json(path, _text(path, kind))))
    return None


def _text(path: Path, kind: TextKind) -> str:
    try:
        if path.stat().st_size > MAX_OCTETS:
            raise ListError(f"{path} is larger than {MAX_OCTETS >> 20} MiB; save it as CSV")
        return path.read_text(kind.encoding, kind.errors).removeprefix("\ufeff")
    except (OSError, UnicodeError) as error:
        raise ListError(f"{path} can't be read: {error}") from error


# --- JSON -----------------------------------------------------------------------------------


def _json(path: Path, text: str) -> Iterator[ListRow]:
    """One row of names, then one for each person; numbers are lines, or places in an array."""
    found: list[tuple[int, dict[str, str] | Bad]] = []
    try:
        read = json.loads(text)
        if isinstance(read, list) and read and all(isinstance(row, list) for row in read):
            yield from enumerate(([_cell(cell) for cell in row[:MAX_COLUMNS]] for row in read), 1)
            return
        people = _people(read)
        found = [(number, _flat(person)) for number, person in enumerate(people, 1)]
    except (ValueError, RecursionError):
        found = list(_lines(text))
    names = dict.fromkeys(name for _, row in found if not isinstance(row, Bad) for name in row)
    if not names:
        raise ListError(f"{path} is JSON without people: write an array of objects, or one object a line")
    if len(names) > MAX_COLUMNS:
        raise ListError(f"the list has more than {MAX_COLUMNS} different names; leave in what is needed")
    yield 0, list(names)
    for number, row in found:
        yield number, row if isinstance(row, Bad) else [row.get(name, "") for name in names]


def _lines(text: str) -> Iterator[tuple[int, dict[str, str] | Bad]]:
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip().rstrip(",")
        if line in ("", "[", "]"):
            continue
        try:
            for person in _people(json.loads(line)):
                yield number, _flat(person)
        except (ValueError, RecursionError):
            yield number, Bad(number, line[:254], "the line is no JSON")


def _people(value: Any) -> Iterator[Any]:
    """The objects that stand for people: of an array,
    or of the first array within an object (an answer of an API)."""
    if isinstance(value, list):
        for one in value:
            yield from _people(one) if isinstance(one, list) else _notice(one)
    elif isinstance(value, dict):
        if value and all("@" in name for name in value):  # people by their addresses
            for name, one in value.items():
                yield {**(one if isinstance(one, dict) else {"value": one}), "email": name}
            return
        within = None if _named(value) else _array(value, 0)
        yield from _notice(value) if within is None else _people(within)
    else:
        yield {"email": value}


def _named(value: Mapping[str, Any]) -> bool:
    """Does an object hold an address itself?"""
    return any(isinstance(one, str) and "@" in one for one in value.values())


def _array(value: Mapping[str, Any], depth: int) -> list[Any] | None:
    """The first array of objects within an object, or within the objects that this one holds."""
    if {"bounce", "complaint"} & value.keys():
        return None
    for one in value.values():
        if isinstance(one, list) and one and isinstance(one[0], dict):
            return one
        if isinstance(one, dict) and depth < MAX_DEPTH and (found := _array(one, depth + 1)) is not None:
            return found
    return None


def _notice(value: Any) -> Iterator[Any]:
    """SES's notices of bounces and complaints name several recipients; anything else is a person itself."""
    if isinstance(value, dict):
        for kind in ("bounce", "complaint"):
            inner = value.get(kind)
            if isinstance(inner, dict):
                people = next((v for k, v in inner.items() if k.casefold() in _LISTS and isinstance(v, list)), [])
                soft = str(inner.get("bounceType", "")).casefold() in ("transient", "undetermined")
                for one in people:
                    email = one.get("emailAddress", "") if isinstance(one, dict) else one
                    yield {"email": email, "reason": "soft bounce" if soft else kind}
                return
    yield value if isinstance(value, dict) else {"email": value}


def _flat(value: Mapping[str, Any], prefix: str = "", depth: int = 0) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, one in value.items():
        key = f"{prefix}{name}"
        if isinstance(one, dict) and depth < MAX_DEPTH:
            found |= _flat(one, f"{key}.", depth + 1)
        elif isinstance(one, list) and one and all(isinstance(part, dict) for part in one) and depth < MAX_DEPTH:
            parts = [_flat(part, f"{key}.", depth + 1) for part in one]
            names = dict.fromkeys(name for part in parts for name in part)
            found |= {name: "; ".join(filter(None, (part.get(name, "") for part in parts))) for name in names}
        elif isinstance(one, list):
            found[key] = "; ".join(_cell(part) for part in one)
        else:
            found[key] = _cell(one)
    return found


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:MAX_LINE]


# --- HTML -----------------------------------------------------------------------------------


def _html(path: Path, text: str) -> Iterator[ListRow]:
    reader = _Table()
    reader.feed(text)
    reader.close()
    reader.end_row()
    if not reader.rows:
        raise ListError(f"{path} is HTML without a table: save it as CSV, TXT, XLS, XLSX or vCard")
    yield from enumerate(reader.rows, 1)


class _Table(HTMLParser):
    """The cells of all rows; ``<br>`` in a cell is a line end, as spreadsheets write it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str] | Bad] = []
        self._row: list[str] | None = None
        self._cell: list[str] | None = None
        self._passed = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self._passed += 1
        elif tag == "tr":
            self.end_row()
            self._row = []
        elif tag in ("td", "th"):
            self._end_cell()
            if self._row is None:
                self._row = []
            self._cell = []
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._passed = max(0, self._passed - 1)
        elif tag in ("td", "th"):
            self._end_cell()
        elif tag in ("tr", "table"):
            self.end_row()

    def handle_data(self, data: str) -> None:
        if self._cell is not None and not self._passed:
            self._cell.append(data)

    def end_row(self) -> None:
        """Close the row that is open, if one is."""
        self._end_cell()
        if self._row is not None:
            if len(self._row) > MAX_COLUMNS:
                self.rows.append(Bad(len(self.rows) + 1, "", f"the row has more than {MAX_COLUMNS} cells"))
            else:
                self.rows.append(self._row)
        self._row = None

    def _end_cell(self) -> None:
        if self._cell is not None and self._row is not None:
            lines = ("".join(self._cell)).split("\n")
            self._row.append("\n".join(" ".join(line.split()) for line in lines if line.strip())[:MAX_LINE])
        self._cell = None
