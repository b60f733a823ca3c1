"""A server's database as one end of a copy of the whole store (``relay.store.whole``): rows by COPY, in binary."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import psycopg

from relay.store.database import StoreError, newest_schema, transaction
from relay.store.engines import shown
from relay.store.postgres import changes, engine
from relay.store.postgres.connection import ServerConnection
from relay.store.postgres.errors import one_line, told
from relay.store.postgres.schema import VERSION
from relay.store.whole import EXCHANGED, RECORD, CopyRefused, RowKey, TableShape

_TYPES: Final = {"INTEGER": "int8", "REAL": "float8", "TEXT": "text", "BLOB": "bytea"}
_LATER: Final = "later"
_INDEXES: Final = (
    "SELECT 'DROP INDEX ' || quote_ident(c.relname), pg_get_indexdef(c.oid)"
    " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = current_schema()::regnamespace"
    " AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))"
)
_REFERENCES: Final = (
    "SELECT 'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT ' || quote_ident(conname),"
    " 'ALTER TABLE ' || conrelid::regclass || ' ADD CONSTRAINT ' || quote_ident(conname) || ' '"
    " || pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
)
_ALTERED: Final = (
    "SELECT 'ALTER TABLE ' || conrelid::regclass || ' ALTER CONSTRAINT ' || quote_ident(conname), conname"
    " FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
)
_CHANGED: Final = "store_copy_changed"
_OTHERS: Final = (
    "SELECT coalesce(string_agg(DISTINCT coalesce(host(client_addr), 'this machine'), ', '), '') FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'relay' AND pid <> pg_backend_pid()"
)
_LEAVE_S: Final = 5.0
"""What connections that were closed a moment ago may take to be gone at the server."""


class _Server:
    """What both ends share."""

    def __init__(self, url: str, conn: ServerConnection) -> None:
        self._where = f"database {shown(url)}"
        self._conn = conn
        with self._told():
            conn.execute("SET idle_in_transaction_session_timeout = 0")  # the other end may be at something long
            conn.execute("SET maintenance_work_mem = '256MB'")

    def count(self, table: TableShape) -> int:
        with self._told():
            return int(self._conn.execute(f'SELECT count(*) FROM "{table.name}"').fetchone()[0])

    def rows(self, table: TableShape, after: RowKey | None = None) -> Iterator[tuple[Any, ...]]:
        """In the order of the key, as the server sends them; raises StoreError, in the middle too."""
        where = "" if after is None else f" WHERE {table.after('%s')}"
        wish = f'SELECT {table.listed} FROM "{table.name}"{where} ORDER BY {table.order}'
        with (
            self._told(),
            self._conn.driver.cursor() as cursor,
            cursor.copy(f"COPY ({wish}) TO STDOUT (FORMAT BINARY)".encode(), after) as copy,
        ):
            copy.set_types([_TYPES[one] for one in table.types])
            yield from copy.rows()

    def changed(self, table: TableShape) -> Iterator[tuple[Any, ...]]:
        """Rows that were noted as changed, as they are."""
        return self._sent(changes.changed(table), table.types)

    def gone(self, table: TableShape) -> Iterator[RowKey]:
        """Keys of rows that were noted and aren't there."""
        return self._sent(changes.gone(table), [table.types[table.columns.index(name)] for name in table.key])

    def _sent(self, query: str, types: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        with (
            self._told(),
            self._conn.driver.cursor() as cursor,
            cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)".encode()) as copy,
        ):
            copy.set_types([_TYPES[one] for one in types])
            yield from copy.rows()

    def close(self) -> None:
        self._conn.close()

    def last_ids(self) -> Mapping[str, int]:
        """What the sequences gave, and what rows were written with ids of their own."""
        found = {}
        with self._told():
            for name in self._giving():
                sequence = self._sequence(name)
                last, used = self._conn.execute(f"SELECT last_value, is_called FROM {sequence}").fetchone()
                (highest,) = self._conn.execute(f'SELECT coalesce(max(id), 0) FROM "{name}"').fetchone()
                found[name] = max(int(highest), int(last) if used else 0)
        return found

    def _giving(self) -> list[str]:
        """Tables that give ids."""
        return [
            str(name)
            for (name,) in self._conn.execute(
                "SELECT table_name FROM information_schema.columns"
                " WHERE table_schema = current_schema() AND column_name = 'id' AND is_identity = 'YES'"
            )
        ]

    def _sequence(self, table: str) -> str:
        return str(self._conn.execute(f"SELECT pg_get_serial_sequence('{table}', 'id')").fetchone()[0])

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            failure = told(error, lost=self._conn.driver.closed or self._conn.driver.broken)
            raise StoreError(f"{self._where}: {_words(failure)}") from error
        except sqlite3.Error as error:
            raise StoreError(f"{self._where}: {_words(error)}") from error


def _words(error: Exception) -> str:
    todo = getattr(error, "todo", "")
    return f"{error}; {todo}" if todo else str(error)


class ServerReader(_Server):
    """``StoreReader``: holds the lock of those who write for as long as it is open."""

    def __init__(self, url: str) -> None:
        """Raises CopyRefused if a relay uses the database, StoreError."""
        conn = engine.connect(url)
        try:
            super().__init__(url, conn)
            self._alone()
            with self._told():
                conn.execute("BEGIN IMMEDIATE")
        except BaseException:
            conn.close()
            raise

    def _alone(self) -> None:
        """A relay on another machine holds no lock of this one."""
        end = time.monotonic() + _LEAVE_S
        with self._told():
            while others := self._conn.execute(_OTHERS).fetchone()[0]:
                if time.monotonic() > end:
                    raise CopyRefused(f"{self._where} is in use by a relay or its commands ({others}): stop them first")
                time.sleep(0.05)

    @property
    def noting(self) -> bool:
        """Whether changes have been noted since a copy was begun."""
        with self._told():
            return changes.noting(self._conn.driver)

    def end_notes(self) -> None:
        """Nothing is carried over any more; the lock is given back with it."""
        with self._told():
            changes.end(self._conn.driver)
            self._conn.execute("COMMIT")


class ServerSnapshot(_Server):
    """``StoreReader`` beside a relay at work: what was committed when it was opened, nothing that came later."""

    def __init__(self, url: str) -> None:
        """Raises StoreError."""
        conn = engine.connect(url, readonly=True)
        try:
            super().__init__(url, conn)
            with self._told():
                conn.driver.execute(b"BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                conn.driver.execute(b"SELECT 1")
        except BaseException:
            conn.close()
            raise


class ServerNotedSnapshot(ServerSnapshot):
    """``NotedSnapshot``: changes are noted from its first opening on (``changes.py``)."""

    def __init__(self, url: str, tables: Sequence[TableShape], *, anew: bool) -> None:
        """``anew``: what was noted so far is of no account. Raises StoreError."""
        self._url, self._tables = url, tables
        with writing(url) as conn:
            if anew or not changes.noting(conn.driver):
                changes.begin(conn.driver, tables)
        super().__init__(url)
        with self._told():
            self._seen = str(self._conn.execute("SELECT pg_current_snapshot()::text").fetchone()[0])

    def let_go(self) -> None:
        """Of the notes that it shows; the snapshot ends with that."""
        with self._told():
            self._conn.driver.execute(b"ROLLBACK")
        with writing(self._url) as conn:
            changes.let_go(conn.driver, self._tables, self._seen)


@contextlib.contextmanager
def writing(url: str) -> Iterator[ServerConnection]:
    """One transaction of its own. Raises StoreError."""
    with contextlib.closing(engine.connect(url)) as conn:
        server = _Server(url, conn)
        with server._told(), transaction(conn):
            yield conn


class ServerTaker(_Server):
    """``StoreTaker``: no relay opens a database in which the record is."""

    def __init__(self, url: str) -> None:
        """Raises StoreError: none there, or with something in it that is no copy."""
        conn = engine.connect(url, create=True, unfinished=True)
        try:
            super().__init__(url, conn)
        except BaseException:
            conn.close()
            raise
        self._url = url

    def record(self) -> Mapping[str, str]:
        with self._told():
            (there,) = self._conn.execute(f"SELECT to_regclass('{RECORD}') IS NOT NULL").fetchone()
            if there:
                return dict(self._conn.execute(f"SELECT name, text FROM {RECORD}").fetchall())
            if engine.schema_version(self._conn):
                raise CopyRefused(f"{self._where} holds a relay's data already, nothing was changed: name an empty one")
            return {}

    def begin(self, record: Mapping[str, str]) -> None:
        """In the transaction that makes the schema, so that there is never one of the two alone."""

        def without(conn: Any) -> None:
            later = [*conn.execute(_INDEXES).fetchall(), *conn.execute(_REFERENCES).fetchall()]
            for drop, _ in reversed(later):
                conn.execute(drop)
            for name in self._tables():
                conn.execute(f'TRUNCATE "{name}" CASCADE')
                conn.execute(f'ALTER TABLE "{name}" DISABLE TRIGGER USER')
            conn.execute(f'CREATE TABLE {RECORD} (name TEXT COLLATE "C" PRIMARY KEY, text TEXT NOT NULL)')
            for name, text in {**record, _LATER: json.dumps([make for _, make in later])}.items():
                self._note(name, text)

        engine.migrated(self._conn, self._url, {newest_schema(): without})

    def take(self, table: TableShape, rows: Sequence[Sequence[Any]], name: str, text: str) -> None:
        with self._told(), self._together():
            if rows:
                self._copied(table, rows, table.name)
            self._note(name, text)

    def _copied(self, table: TableShape, rows: Sequence[Sequence[Any]], into: str) -> None:
        row: Sequence[Any] = ()
        try:
            with (
                self._conn.driver.cursor() as cursor,
                cursor.copy(f'COPY "{into}" ({table.listed}) FROM STDIN (FORMAT BINARY)'.encode()) as copy,
            ):
                copy.set_types([_TYPES[one] for one in table.types])
                for row in rows:
                    copy.write_row(row)
        except (psycopg.DataError, TypeError, ValueError, OverflowError) as error:
            key = ", ".join(str(value) for value in table.key_of(row))
            raise CopyRefused(
                f"{table.name} ({key}) has a value that PostgreSQL can't keep ({error}): correct it, and go on"
            ) from error

    def empty(self, table: TableShape, name: str) -> None:
        with self._told(), self._together():
            self._conn.execute(f'TRUNCATE "{table.name}"')
            self._conn.execute(f"DELETE FROM {RECORD} WHERE name = ?", (name,))

    def index(self, name: str, text: str) -> None:
        """Indexes and references before the end, with this in the record; rows may still change.

        References are looked at when a transaction ends, for what changed comes in any order.
        """
        later = json.loads(self.record()[_LATER])
        with self._told():
            with self._together():
                for sql in later:
                    self._conn.driver.execute(sql.encode())
                for alter, _ in self._references():
                    self._conn.driver.execute(f"{alter} DEFERRABLE INITIALLY DEFERRED".encode())
                self._note(_LATER, "[]")
                self._note(name, text)
            self._conn.execute("ANALYZE")

    def _references(self) -> list[tuple[str, str]]:
        return [(str(alter), str(name)) for alter, name in self._conn.execute(_ALTERED).fetchall()]

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """All that changed, or nothing of it."""
        with self._told(), self._together():
            yield

    def take_out(self, table: TableShape, keys: Sequence[RowKey]) -> None:
        """Rows that are gone, within ``changing``."""
        if not keys:
            return
        same = " AND ".join(f'"{name}" = ?' for name in table.key)
        self._conn.executemany(f'DELETE FROM "{table.name}" WHERE {same}', keys)

    def put(self, table: TableShape, rows: Sequence[Sequence[Any]]) -> None:
        """Rows in the place of those with their keys, within ``changing``; each is read again and compared."""
        execute = self._conn.driver.execute
        others = [name for name in table.columns if name not in table.key]
        kept = ", ".join(f'"{name}" = excluded."{name}"' for name in others)
        execute(f'CREATE TEMP TABLE {_CHANGED} ON COMMIT DROP AS TABLE "{table.name}" WITH NO DATA'.encode())

        try:
            self._copied(table, rows, _CHANGED)
            execute(
                f'INSERT INTO "{table.name}" ({table.listed}) SELECT {table.listed} FROM {_CHANGED} WHERE true'
                f" ON CONFLICT ({table.order}) DO {f'UPDATE SET {kept}' if others else 'NOTHING'}".encode()
            )
        except psycopg.errors.UniqueViolation as error:
            raise CopyRefused(EXCHANGED.format(table=table.name, why=one_line(error))) from error
        columns = ", ".join(f't."{name}"' for name in table.columns)
        wish = f'SELECT {columns} FROM {_CHANGED} c JOIN "{table.name}" t USING ({table.order})'
        sent = f"COPY ({wish}) TO STDOUT (FORMAT BINARY)".encode()
        with self._conn.driver.cursor() as cursor, cursor.copy(sent) as copy:
            copy.set_types([_TYPES[one] for one in table.types])
            there = {table.key_of(row): row for row in copy.rows()}
        for row in rows:
            if there.get(table.key_of(row)) != tuple(row):
                raise StoreError(f"table {table.name}: a row that was changed ({table.key_of(row)}) differs there")
        execute(f"DROP TABLE {_CHANGED}".encode())

    def finish(self, last_ids: Mapping[str, int]) -> None:
        later = json.loads(self.record()[_LATER])
        with self._told():
            with self._together():
                for sql in later:
                    self._conn.driver.execute(sql.encode())
                if not later:
                    for alter, _ in self._references():
                        self._conn.driver.execute(f"{alter} NOT DEFERRABLE".encode())
                for name in self._giving():
                    if last_ids.get(name, 0) > 0:
                        self._conn.execute(f"SELECT setval('{self._sequence(name)}', ?)", (last_ids[name],))
                for name in self._tables():
                    self._conn.execute(f'ALTER TABLE "{name}" ENABLE TRIGGER USER')
                self._conn.execute(f"DROP TABLE {RECORD}")
            if later:
                self._conn.execute("ANALYZE")  # or the first queries would be planned for empty tables

    def _tables(self) -> list[str]:
        return [
            str(name)
            for (name,) in self._conn.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
                " AND relname NOT IN (?, ?)",
                (RECORD, VERSION),
            )
        ]

    def _note(self, name: str, text: str) -> None:
        self._conn.execute(
            f"INSERT INTO {RECORD} VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET text = excluded.text", (name, text)
        )

    @contextlib.contextmanager
    def _together(self) -> Iterator[None]:
        self._conn.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._conn.execute("COMMIT")
        except BaseException:
            self._conn.execute("ROLLBACK")
            raise
