"""Rows of a dump as mysqldump, mariadb-dump, phpMyAdmin and Adminer write it: ``CREATE TABLE`` and ``INSERT``.

Read piece by piece: a dump may be larger than memory, and may hold whole messages in strings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import IO, Final

from relay.takeover.plan import TakeoverError
from relay.values.prose import how_many

CHUNK: Final = 1 << 20
MOST_TOKEN: Final = 256 << 20
"""Octets of one string; servers send packets of 1 GB at most, and Postal's messages have 14 MB by default."""
_TOKEN: Final = re.compile(
    rb"""(?P<space>\s+|--(?=\s)[^\n]*(?:\n|\Z)|\#[^\n]*(?:\n|\Z)|/\*.*?\*/)"""
    rb"""|(?P<text>'(?:[^'\\]|\\.|'')*+')"""
    rb"""|(?P<name>`(?:[^`]|``)*+`|"(?:[^"\\]|\\.|"")*+")"""
    rb"""|(?P<mark>[(),;])"""
    rb"""|(?P<word>(?:(?!--\s|/\*)[^\s'"`(),;\#])+)""",
    re.DOTALL,
)
_DATABASE: Final = re.compile(rb"--\s+(?:Host:.*?)?Database: `?([^\s`]+)")
"""A comment of mariadb-dump's or phpMyAdmin's."""
_QUOTED: Final = {mark: re.compile(rb"\\(.)|" + mark * 2, re.DOTALL) for mark in (b"'", b'"')}
_ESCAPES: Final = {b"0": b"\0", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"Z": b"\x1a"}
_NO_COLUMN: Final = {
    b"PRIMARY", b"KEY", b"UNIQUE", b"INDEX", b"CONSTRAINT", b"FOREIGN", b"FULLTEXT", b"SPATIAL", b"CHECK", b"PERIOD",
}  # fmt: skip

Take = Callable[[str, str, dict[str, str | None]], None]
"""Called with database ("" where it isn't told), table, and a row by column; a value is text, or None for NULL."""


def read_dump(file: IO[bytes], wanted: Callable[[str], bool], take: Take) -> None:
    """Hand over each row of the tables that are wanted. Raises TakeoverError where it is no such dump."""
    _Dump(file, wanted, take).read()


class _Tokens:
    """Kinds and texts of what stands in the file; white space and comments are gone."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._held = b""
        self._ended = False
        self.database = b""
        """As the comment at the top names it, or the last ``USE``."""

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        at = 0
        while True:
            found = _TOKEN.match(self._held, at)
            if found is None or (found.end() == len(self._held) and not self._ended):
                if self._ended:
                    if found is None and at < len(self._held):
                        raise TakeoverError(f"ends inside of {self._held[at : at + 40]!r}: is it a whole dump?")
                    return
                self._held, at = self._held[at:], 0
                self._more()
                continue
            at = found.end()
            kind = found.lastgroup or ""
            if kind != "space":
                yield kind, found[0]
            elif named := _DATABASE.match(found[0]):
                self.database = named[1]

    def _more(self) -> None:
        """As much again as waits, so that a long string isn't looked at again and again."""
        if len(self._held) > MOST_TOKEN:
            raise TakeoverError(f"one value has over {MOST_TOKEN >> 20} MB: dump only the tables that are needed")
        part = self._file.read(max(CHUNK, len(self._held)))
        self._ended = not part
        self._held += part


class _Dump:
    def __init__(self, file: IO[bytes], wanted: Callable[[str], bool], take: Take) -> None:
        self._source = _Tokens(file)
        self._tokens = iter(self._source)
        self._wanted = wanted
        self._take = take
        self._columns: dict[tuple[bytes, str], list[str]] = {}

    def read(self) -> None:
        for kind, text in self._tokens:
            verb = text.upper() if kind == "word" else b""
            if verb == b"CREATE":
                self._create()
            elif verb in (b"INSERT", b"REPLACE"):
                self._insert()
            elif verb == b"USE":
                kind, text = self._next()
                self._source.database = text if kind == "word" else _unquoted(text)
                self._rest()
            elif text != b";":
                self._rest()

    def _next(self) -> tuple[str, bytes]:
        return next(self._tokens, ("mark", b";"))

    def _rest(self) -> None:
        """To the end of the statement."""
        for kind, text in self._tokens:
            if kind == "mark" and text == b";":
                return

    def _table(self, first: tuple[str, bytes]) -> tuple[str, tuple[str, bytes]]:
        """A name, of its database's where that stands before it, and what follows."""
        kind, text = first
        name = _unquoted(text)
        kind, text = self._next()
        if kind == "word" and text.startswith(b"."):
            self._source.database = name
            text = text[1:]
            name = text or _unquoted(self._next()[1])
            kind, text = self._next()
        elif b"." in name and first[0] == "word":
            self._source.database, _, name = name.partition(b".")
        return name.decode("utf-8", "replace"), (kind, text)

    def _create(self) -> None:
        kind, text = self._next()
        if text.upper() != b"TABLE":
            if text != b";":
                self._rest()
            return
        kind, text = self._next()
        while kind == "word" and text.upper() in (b"IF", b"NOT", b"EXISTS"):
            kind, text = self._next()
        table, (_, text) = self._table((kind, text))
        if text != b"(":
            if text != b";":
                self._rest()
            return
        columns: list[str] = []
        depth, first = 1, True
        for kind, text in self._tokens:
            if kind == "mark":
                depth += (text == b"(") - (text == b")")
                if text == b";" or not depth:
                    break
                first = text == b"," and depth == 1
            elif first:
                first = False
                if kind == "name" or text.upper() not in _NO_COLUMN:
                    columns.append(_unquoted(text).decode("utf-8", "replace"))
        self._columns[self._source.database, table] = columns
        if text != b";":
            self._rest()

    def _insert(self) -> None:
        kind, text = self._next()
        while kind == "word" and text.upper() in (b"INTO", b"IGNORE", b"DELAYED", b"LOW_PRIORITY"):
            kind, text = self._next()
        table, (kind, text) = self._table((kind, text))
        if not self._wanted(table):
            if text != b";":
                self._rest()
            return
        columns = self._columns.get((self._source.database, table), [])
        if text == b"(":
            columns = [_unquoted(text).decode("utf-8", "replace") for kind, text in self._until_closed()]
            kind, text = self._next()
        if text.upper() not in (b"VALUES", b"VALUE"):
            raise TakeoverError(f"rows of {table} are made by {text[:20]!r}: only VALUES can be read")
        if not columns:
            raise TakeoverError(f"says nowhere which columns {table} has: dump with --complete-insert")
        self._rows(table, columns)

    def _until_closed(self) -> Iterator[tuple[str, bytes]]:
        for kind, text in self._tokens:
            if kind == "mark":
                if text == b",":
                    continue
                return
            yield kind, text

    def _rows(self, table: str, columns: list[str]) -> None:
        database = self._source.database.decode("utf-8", "replace")
        for kind, text in self._tokens:
            if kind == "mark" and text == b";":
                return
            if text == b"(":
                values = list(self._values(table))
                if len(values) != len(columns):
                    told = f"{how_many(len(values), 'value')} for {how_many(len(columns), 'column')}"
                    raise TakeoverError(f"a row of {table} has {told}")
                self._take(database, table, dict(zip(columns, values, strict=True)))
            elif text != b",":
                self._rest()  # ON DUPLICATE KEY UPDATE …
                return

    def _values(self, table: str) -> Iterator[str | None]:
        """Of one row, its closing bracket included."""
        said: list[bytes] = []
        null = False
        prefix = b""
        for kind, text in self._tokens:
            if kind == "mark" and text in b",)":
                yield None if null and not said else b"".join(said).decode("utf-8", "replace")
                if text == b")":
                    return
                said, null, prefix = [], False, b""
            elif kind == "mark":
                raise TakeoverError(f"a row of {table} holds more than values ({text!r})")
            elif kind in ("text", "name"):
                value = _unquoted(text)
                said.append(_of_hex(table, value) if prefix in (b"X", b"x") else value)
            elif text.upper() == b"NULL":
                null = True
            elif text.startswith(b"_") or text in (b"X", b"x"):
                prefix = text  # a character set, or digits that follow
            elif re.fullmatch(rb"0x(?:[0-9A-Fa-f]{2})*", text):
                said.append(_of_hex(table, text[2:]))
            else:
                said.append({b"TRUE": b"1", b"FALSE": b"0"}.get(text.upper(), text))
        raise TakeoverError(f"ends inside of a row of {table}: is it a whole dump?")


def _of_hex(table: str, digits: bytes) -> bytes:
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError as error:
        raise TakeoverError(f"a row of {table} holds {digits[:20]!r} as hexadecimal digits") from error


def _unquoted(text: bytes) -> bytes:
    """What stands between quotes of any kind; text without them stays."""
    mark = text[:1]
    if mark not in (b"'", b'"', b"`"):
        return text
    if mark == b"`":
        return text[1:-1].replace(b"``", b"`")
    if b"\\" not in text and mark not in text[1:-1]:
        return text[1:-1]
    return _QUOTED[mark].sub(lambda found: _ESCAPES.get(found[1], found[1]) if found[1] else mark, text[1:-1])
