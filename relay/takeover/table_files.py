"""Tables of another server's database in files: dumps in SQL, CSV or TSV with a head line, JSON; or packed."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from relay.takeover.plan import TakeoverError
from relay.takeover.sql_dump import read_dump
from relay.values.prose import how_many

MOST_ROWS: Final = 5_000_000
MOST_JSON: Final = 256 << 20
MOST_FIELD: Final = 16 << 20
KINDS: Final = (".sql", ".csv", ".tsv", ".json")
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}

Row = Mapping[str, str | None]


class TableRow(NamedTuple):
    """``database`` is "" where the file doesn't tell it."""

    database: str
    values: Row


class Tables:
    """Rows by table; only columns that are asked for are kept."""

    def __init__(self, columns: Mapping[str, tuple[str, ...]]) -> None:
        self.columns = columns
        self._rows: dict[str, list[TableRow]] = {name: [] for name in columns}
        self.found: set[str] = set()
        self._count = 0

    def wanted(self, table: str) -> bool:
        known = table in self.columns
        if known:
            self.found.add(table)
        return known

    def take(self, database: str, table: str, row: Mapping[str, str | None]) -> None:
        """Raises TakeoverError past MOST_ROWS."""
        self._count += 1
        if self._count > MOST_ROWS:
            raise TakeoverError(f"more than {MOST_ROWS} rows: give the files of one server at a time")
        self._rows[table].append(TableRow(database, {name: row.get(name) for name in self.columns[table]}))

    def rows(self, table: str) -> list[Row]:
        """Each once, though several files may hold it: of one ``id`` that which was read last."""
        return list({row.values.get("id") or at: row.values for at, row in enumerate(self._rows[table])}.values())

    def with_database(self, table: str) -> list[TableRow]:
        return self._rows[table]


def read_tables(paths: Iterable[Path], columns: Mapping[str, tuple[str, ...]]) -> Tables:
    """All of the files (and of folders, those in them). Raises TakeoverError with the file's name in it."""
    tables = Tables(columns)
    for path in _files(paths):
        try:
            with path.open("rb") as file:
                _read(path, file, tables)
        except TakeoverError as error:
            raise TakeoverError(f"{path}: {error}") from error
        except OSError as error:  # BadGzipFile too
            raise TakeoverError(f"{path} can't be read: {error.strerror or error}") from error
        except (EOFError, zlib.error) as error:
            raise TakeoverError(f"{path} is no whole gzip file") from error
    if not tables.found:
        raise TakeoverError(f"the files hold no table that is known: {', '.join(columns)}")
    return tables


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(one for one in path.iterdir() if one.is_file() and _kind(one) in KINDS)
        if not inside:
            raise TakeoverError(f"{path} holds no file {', '.join(f'*{kind}' for kind in KINDS)}")
        yield from inside


def _kind(path: Path) -> str:
    """``.sql`` of ``a.sql`` and of ``a.sql.gz``."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _read(path: Path, file: IO[bytes], tables: Tables) -> None:
    kind = _kind(path)
    packed = path.name.lower().endswith(".gz")
    opened: IO[bytes] = io.BufferedReader(gzip.GzipFile(fileobj=file)) if packed else file
    if kind not in KINDS:
        raise TakeoverError(f"is none of {', '.join(KINDS)}: give the file the name of what it is")
    if kind == ".sql":
        read_dump(opened, tables.wanted, tables.take)
        return
    database, table = _named(path, tables)
    if kind == ".json":
        _read_json(opened, database, table, tables)
        return
    if not table:
        raise TakeoverError("its name tells no table: call it like domains.csv or postal-server-3.suppressions.csv")
    tables.wanted(table)
    for row in _lines(opened, kind):
        tables.take(database, table, row)


def _named(path: Path, tables: Tables) -> tuple[str, str]:
    """Database and table, as the file's name has them; the table "" where it has none."""
    stem = path.name[: -len(_kind(path)) - (3 if path.name.lower().endswith(".gz") else 0)]
    for table in sorted(tables.columns, key=len, reverse=True):
        found = re.fullmatch(rf"(?:(.*)[._-])?{table}", stem, re.IGNORECASE)
        if found:
            return found[1] or "", table
    return "", ""


def _lines(file: IO[bytes], kind: str) -> Iterator[Row]:
    text = io.TextIOWrapper(file, "utf-8-sig", "replace", newline="")
    if kind == ".tsv":
        yield from _of_batch(text)
        return
    head = text.readline(65_536)
    mark = max(",;\t", key=head.count)
    csv.field_size_limit(MOST_FIELD)
    names = [name.strip().lower() for name in next(csv.reader([head], delimiter=mark), [])]
    try:
        reader = csv.reader(text, delimiter=mark)
        for values in reader:
            if values:
                yield _row(names, [_plain(value) for value in values], reader.line_num + 1)
    except csv.Error as error:
        raise TakeoverError(f"is no CSV that can be read: {error}") from error


def _plain(value: str) -> str | None:
    """``\\N`` and NULL are what exports write for nothing; a new line may stand behind a backslash."""
    return None if value in ("NULL", "\\N") else value.replace("\\\n", "\n")


def _of_batch(text: IO[str]) -> Iterator[Row]:
    """As ``mariadb --batch`` prints it: no quotes, a backslash before what would break the line."""
    names = text.readline(65_536).rstrip("\r\n").lower().split("\t")
    for number, line in enumerate(text, 2):
        values = line.rstrip("\r\n").split("\t")
        yield _row(
            names,
            [
                None if value in ("NULL", "\\N") else re.sub(r"\\(.)", lambda m: _ESCAPED.get(m[1], m[1]), value)
                for value in values
            ],
            number,
        )


def _row(names: list[str], values: list[str | None], line: int) -> Row:
    if len(names) != len(values):
        raise TakeoverError(f"line {line} has {how_many(len(values), 'value')}, the head line names {len(names)}")
    return dict(zip(names, values, strict=True))


def _read_json(file: IO[bytes], database: str, table: str, tables: Tables) -> None:
    """phpMyAdmin's export, ``{"TABLE": [row, …]}``, or the rows alone where the file's name tells the table."""
    octets = file.read(MOST_JSON + 1)
    if len(octets) > MOST_JSON:
        raise TakeoverError(f"has over {MOST_JSON >> 20} MB: give it as CSV")
    try:
        whole = json.loads(octets)
    except ValueError:
        whole = _lines_of_json(octets)
    if isinstance(whole, dict):
        whole = [{"type": "table", "name": name, "data": rows} for name, rows in whole.items()]
    if not isinstance(whole, list):
        raise TakeoverError("holds no list of rows")
    for part in whole:
        if not isinstance(part, dict):
            raise TakeoverError("holds something else than rows with names")
        if part.get("type") == "table" and isinstance(part.get("data"), list):
            name = str(part.get("name", ""))
            if tables.wanted(name):
                for row in part["data"]:
                    tables.take(str(part.get("database", "") or database), name, _of_json(row))
        elif table and part.get("type") not in ("header", "database"):
            tables.wanted(table)
            tables.take(database, table, _of_json(part))


def _lines_of_json(octets: bytes) -> list[Any]:
    try:
        return [json.loads(line) for line in octets.splitlines() if line.strip()]
    except ValueError as error:
        raise TakeoverError(f"is no JSON: {error}") from error


def _of_json(row: Any) -> Row:
    if not isinstance(row, dict):
        raise TakeoverError("holds something else than rows with names")
    return {str(name): _text(value) for name, value in row.items()}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(int(value)) if isinstance(value, bool) else str(value)
