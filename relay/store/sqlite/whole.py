"""A SQLite file as one end of a copy of the whole store (``relay.store.whole``).

A copy is written beside its place, without indexes and triggers, and gets its name when it is whole.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from relay.store.database import StoreError, connect, migrate, migrations
from relay.store.files import cause, open_small
from relay.store.sqlite import changes
from relay.store.whole import EXCHANGED, RECORD, CopyRefused, RowKey, TableShape
from relay.store.words import explained

_OBJECTS: Final = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
_LATER: Final = "later"
_SETTINGS: Final = (
    "page_size = 4096",
    "auto_vacuum = INCREMENTAL",
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "foreign_keys = OFF",  # a table may come before one that it names; looked at in the end
    "cache_size = -65536",
)


@functools.cache
def tables() -> tuple[TableShape, ...]:
    """All tables of the newest schema, by name."""
    fresh = sqlite3.connect(":memory:")
    try:
        for _, sql in migrations():
            fresh.executescript(sql)
        names = fresh.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY 1"
        ).fetchall()
        return tuple(_shape(fresh, str(name)) for (name,) in names)
    finally:
        fresh.close()


def _shape(conn: sqlite3.Connection, name: str) -> TableShape:
    columns = conn.execute(f"PRAGMA table_info({name})").fetchall()
    key = sorted((place, column) for _, column, _, _, _, place in columns if place)
    return TableShape(
        name,
        tuple(str(column[1]) for column in columns),
        tuple(str(column[2]) for column in columns),
        tuple(str(column) for _, column in key),
    )


def beside(path: Path) -> Path:
    """Where a copy is written until it is whole."""
    return path.with_name(f"{path.name}.copying")


class _File:
    """What both ends share."""

    def __init__(self, path: Path, conn: sqlite3.Connection) -> None:
        self._path = path
        self._conn = conn

    def count(self, table: TableShape) -> int:
        return int(self._do(f'SELECT count(*) FROM "{table.name}"').fetchone()[0])

    def rows(self, table: TableShape, after: RowKey | None = None) -> Iterator[tuple[Any, ...]]:
        """In the order of the key; raises StoreError, in the middle too."""
        where = "" if after is None else f" WHERE {table.after('?')}"
        try:
            yield from self._conn.execute(
                f'SELECT {table.listed} FROM "{table.name}"{where} ORDER BY {table.order}', after or ()
            )
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def last_ids(self) -> Mapping[str, int]:
        """Ids that were taken out again count where the schema says so."""
        found = {
            table.name: int(self._do(f'SELECT coalesce(max(id), 0) FROM "{table.name}"').fetchone()[0])
            for table in tables()
            if table.key == ("id",) and table.types[table.columns.index("id")] == "INTEGER"
        }
        for name, last in self._do("SELECT name, seq FROM sqlite_sequence"):
            found[name] = max(found.get(name, 0), int(last))
        return found

    def changed(self, table: TableShape) -> Iterator[tuple[Any, ...]]:
        """Rows that were noted as changed, as they are."""
        return self._each(changes.changed(self._conn, table))

    def gone(self, table: TableShape) -> Iterator[RowKey]:
        """Keys of rows that were noted and aren't there."""
        return self._each(changes.gone(self._conn, table))

    def _each(self, rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        try:
            yield from rows
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def close(self) -> None:
        self._conn.close()

    def _do(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        try:
            return self._conn.execute(sql, values)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: sqlite3.Error) -> StoreError:
        return StoreError(f"database {self._path}: {explained(error, self._path)}")


class FileReader(_File):
    """``StoreReader``: holds the write lock for as long as it is open."""

    def __init__(self, path: Path) -> None:
        """Raises StoreError: no database of this release, or somebody else writes."""
        super().__init__(path, connect(path))
        try:
            self._do("BEGIN IMMEDIATE")
        except StoreError:
            self._conn.close()
            raise

    @property
    def noting(self) -> bool:
        """Whether changes have been noted since a copy was begun."""
        return changes.noting(self._conn)

    def end_notes(self) -> None:
        """Nothing is carried over any more; the lock is given back with it."""
        try:
            changes.end(self._conn)
            self._do("COMMIT")
        except sqlite3.Error as error:
            raise self._failed(error) from error


class FileSnapshot(_File):
    """``StoreReader`` beside a relay at work, which notes what changes from its first opening on (``changes.py``).

    What was committed when it was opened, and nothing that came later. It holds no lock of those who write.
    """

    def __init__(self, path: Path, *, anew: bool) -> None:
        """``anew``: what was noted so far is of no account. Raises StoreError."""
        super().__init__(path, connect(path))
        try:
            if anew or not changes.noting(self._conn):
                self._write(lambda: changes.begin(self._conn, tables()))
            self._do("BEGIN")
            self.noted = changes.last(self._conn)
            """The last note that this snapshot shows."""
        except StoreError:
            self._conn.close()
            raise
        except sqlite3.Error as error:
            self._conn.close()
            raise self._failed(error) from error

    def let_go(self) -> None:
        """Of the notes that it shows; the snapshot ends with that."""
        self._do("ROLLBACK")
        self._write(lambda: changes.let_go(self._conn, self.noted))

    def _write(self, work: Callable[[], None]) -> None:
        self._do("BEGIN IMMEDIATE")
        try:
            work()
            self._do("COMMIT")
        except BaseException as error:
            if self._conn.in_transaction:
                self._conn.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise self._failed(error) from error
            raise


class FileTaker(_File):
    """``StoreTaker``: a file beside, until it is whole."""

    def __init__(self, path: Path) -> None:
        """Raises CopyRefused if there is a file in its place, StoreError."""
        if os.path.lexists(path):
            raise CopyRefused(f"{path} is there already, nothing was changed: move it away, or name another file")
        if not path.parent.is_dir():
            raise CopyRefused(f"{path.parent} is no directory: make it, or name another one")
        self._place = path
        super().__init__(beside(path), _opened(beside(path)))

    def record(self) -> Mapping[str, str]:
        there = self._do("SELECT 1 FROM sqlite_master WHERE name = ?", (RECORD,)).fetchone()
        return dict(self._do(f"SELECT name, text FROM {RECORD}")) if there else {}

    def begin(self, record: Mapping[str, str]) -> None:
        """What a beginning left that was itself cut short is of no account."""
        self._conn.close()
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        _opened(self._path).close()
        migrate(self._path)
        self._conn = _opened(self._path)
        later = [list(row) for row in self._do(_OBJECTS)]
        with self._together():
            for kind, name, _ in later:
                self._do(f'DROP {kind} "{name}"')
            for table in tables():
                self._do(f'DELETE FROM "{table.name}"')
            self._do("DELETE FROM sqlite_sequence")
            self._do(f"CREATE TABLE {RECORD} (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID")
            for name, text in {**record, _LATER: json.dumps([sql for _, _, sql in later])}.items():
                self._note(name, text)

    def take(self, table: TableShape, rows: Sequence[Sequence[Any]], name: str, text: str) -> None:
        places = ", ".join("?" * len(table.columns))
        with self._together():
            try:
                self._conn.executemany(f'INSERT INTO "{table.name}" ({table.listed}) VALUES ({places})', rows)
            except sqlite3.Error as error:
                raise self._failed(error) from error
            self._note(name, text)

    def empty(self, table: TableShape, name: str) -> None:
        with self._together():
            self._do(f'DELETE FROM "{table.name}"')
            self._do(f"DELETE FROM {RECORD} WHERE name = ?", (name,))

    def index(self, name: str, text: str) -> None:
        """Indexes before the end, with this in the record; triggers come last, or they would act on what changes."""
        later: list[str] = json.loads(self.record()[_LATER])
        triggers = [sql for sql in later if sql.lstrip().upper().startswith("CREATE TRIGGER")]
        with self._together():
            for sql in later:
                if sql not in triggers:
                    self._do(sql)
            self._note(_LATER, json.dumps(triggers))
            self._note(name, text)

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """All that changed, or nothing of it."""
        with self._together():
            yield

    def take_out(self, table: TableShape, keys: Sequence[RowKey]) -> None:
        """Rows that are gone, within ``changing``."""
        self._many(f'DELETE FROM "{table.name}" WHERE {_same(table)}', keys)

    def put(self, table: TableShape, rows: Sequence[Sequence[Any]]) -> None:
        """Rows in the place of those with their keys, within ``changing``; each is read again and compared."""
        others = [name for name in table.columns if name not in table.key]
        kept = ", ".join(f'"{name}" = excluded."{name}"' for name in others)
        places = ", ".join("?" * len(table.columns))
        try:
            self._conn.executemany(
                f'INSERT INTO "{table.name}" ({table.listed}) VALUES ({places}) ON CONFLICT ({table.order})'
                f" DO {f'UPDATE SET {kept}' if others else 'NOTHING'}",
                rows,
            )
        except sqlite3.IntegrityError as error:
            raise CopyRefused(EXCHANGED.format(table=table.name, why=error)) from error
        except sqlite3.Error as error:
            raise self._failed(error) from error
        found = f'SELECT {table.listed} FROM "{table.name}" WHERE {_same(table)}'
        for row in rows:
            if self._do(found, table.key_of(row)).fetchone() != tuple(row):
                raise StoreError(f"table {table.name}: a row that was changed ({table.key_of(row)}) differs there")

    def _many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        try:
            self._conn.executemany(sql, rows)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def finish(self, last_ids: Mapping[str, int]) -> None:
        later = json.loads(self.record()[_LATER])
        with self._together():
            for sql in later:
                self._do(sql)
            for name in self._never_again() & last_ids.keys():
                self._do("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
                self._do("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, last_ids[name]))
            self._do(f"DROP TABLE {RECORD}")
            self._whole()
        self._do("PRAGMA synchronous = FULL")
        self._do("PRAGMA wal_checkpoint(TRUNCATE)")
        self._conn.close()
        try:
            os.link(self._path, self._place)
        except OSError as error:
            raise CopyRefused(f"{self._path} is whole, and can't be named {self._place}: {error.strerror}") from error
        self._path.unlink()
        _sync(self._place)
        _sync(self._place.parent)

    def _never_again(self) -> set[str]:
        """Tables that give no id twice, though its row is gone."""
        return {str(name) for (name,) in self._do("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'")}

    def _whole(self) -> None:
        wrong = self._do("PRAGMA foreign_key_check").fetchone()
        if wrong is not None:
            raise StoreError(f"database {self._path}: a row of {wrong[0]} names one of {wrong[2]} that isn't there")

    def _note(self, name: str, text: str) -> None:
        self._do(
            f"INSERT INTO {RECORD} VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET text = excluded.text", (name, text)
        )

    @contextlib.contextmanager
    def _together(self) -> Iterator[None]:
        self._do("BEGIN IMMEDIATE")
        try:
            yield
            self._do("COMMIT")
        except BaseException:
            if self._conn.in_transaction:
                self._conn.execute("ROLLBACK")
            raise


def _same(table: TableShape) -> str:
    return " AND ".join(f'"{name}" = ?' for name in table.key)


def _opened(path: Path) -> sqlite3.Connection:
    """Made for its owner alone, if need be; set for writing much."""
    try:
        os.close(open_small(path))
        conn = sqlite3.connect(path, isolation_level=None)
        for setting in _SETTINGS:
            conn.execute(f"PRAGMA {setting}")
    except OSError as error:
        raise StoreError(f"{path} can't be made: {cause(path) or error.strerror}") from error
    except sqlite3.Error as error:
        raise StoreError(f"{path} can't be written: {explained(error, path)}") from error
    return conn


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
