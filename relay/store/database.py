"""Opening, migrating and writing the store: SQLite's file, or what a URL names (``engines.py``).

Enters: a path, or a URL. Leaves: connections with the relay's pragmas. Every write goes
through ``transaction``, which takes the write lock at once (``BEGIN
IMMEDIATE``), so a refused write never leaves half of itself behind.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, overload

from relay.store.contract import Connection, Failure, ServerTx, Tx, Values
from relay.store.engines import EngineMissing, StoreAddress, StoreEngine
from relay.store.engines import engine as named_engine
from relay.store.files import cause, empty
from relay.store.words import explained

BUSY_TIMEOUT_S = 10.0
ANSWER_S = 2.0
"""What a process that answers others waits for a server, before it takes it for gone."""
_NO_META = "SELECT count(*) = 0 FROM sqlite_master WHERE name = 'meta'"
_FOREIGN = "SELECT count(*) > 0 AND sum(name IN ('meta', 'tenant')) = 0 FROM sqlite_master WHERE type = 'table'"


_NO_DATABASE = "is no SQLite database, or its beginning is damaged; keep a copy, and restore it from a backup"


class StoreError(Exception):
    """The store can't be used; the text says what to do."""


def migrations() -> list[tuple[int, str]]:
    """All migrations as (number, SQL), in order."""
    found = []
    for item in resources.files("relay.store").joinpath("migrations").iterdir():
        if item.name.endswith(".sql"):
            found.append((int(item.name.split("_", 1)[0]), item.read_text("utf-8")))
    return sorted(found)


@lru_cache(maxsize=1)
def newest_schema() -> int:
    """The number of the last of them: what each connection is compared with."""
    return migrations()[-1][0]


def engine(where: StoreAddress) -> StoreEngine | None:
    """A server's; None for a file. Raises StoreError."""
    try:
        return named_engine(where)
    except EngineMissing as error:
        raise StoreError(str(error)) from error


@overload
def connect(where: Path, *, create: bool = False, readonly: bool = False) -> sqlite3.Connection: ...
@overload
def connect(where: StoreAddress, *, create: bool = False, readonly: bool = False) -> Connection: ...
def connect(where: StoreAddress, *, create: bool = False, readonly: bool = False) -> Connection:
    """A connection in autocommit mode: transactions are said explicitly.

    Raises StoreError if the file is missing, locked for too long, damaged or
    made by a newer release; or if there is no such server, or it lets nobody in.
    """
    if isinstance(where, Path):
        return _file(where, create=create, readonly=readonly)
    server = engine(where)
    assert server is not None
    return server.connect(where, create=create, readonly=readonly)


def _file(path: Path, *, create: bool, readonly: bool) -> sqlite3.Connection:
    if not create:
        _must_be_there(path)
    new = create and not path.exists()
    try:
        conn = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        if new:
            conn.execute("PRAGMA page_size = 4096")
            conn.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of no effect once there are tables; see shrink.py
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA synchronous = FULL")
        conn.execute("PRAGMA foreign_keys = ON")
        conn.execute("PRAGMA temp_store = MEMORY")
        if readonly:
            conn.execute("PRAGMA query_only = ON")
        version = schema_version(conn)
        foreign = not version and conn.execute(_FOREIGN if create else _NO_META).fetchone()[0]
    except sqlite3.Error as error:
        why = cause(path) or (_NO_DATABASE if _is_none(error) else f"can't be opened: {explained(error, path)}")
        raise StoreError(f"database {path} {why}") from error
    if foreign:
        conn.close()
        raise StoreError(f"database {path} is none of a relay; correct server.data_dir, or restore it from a backup")
    newest = newest_schema()
    if version > newest:
        conn.close()
        raise StoreError(
            f"database {path} has schema {version}, this release knows up to {newest}: install the newer release"
        )
    if not create and version < newest:
        conn.close()
        raise StoreError(f"database {path} has schema {version}, this release needs {newest}: run `relay migrate`")
    return conn


def _is_none(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB


def _must_be_there(path: Path) -> None:
    if path.parent.is_dir() and (why := cause(path)):
        raise StoreError(f"database {path} {why}")
    if not path.exists():
        raise StoreError(f"no database at {path}; restore it from a backup, or make a new relay with `relay init`")
    if why := empty(path):
        raise StoreError(f"database {path} {why}")


def schema_of(where: StoreAddress) -> int:
    """The schema of a database that is there, of whatever release; raises StoreError."""
    server = engine(where)
    if server is not None:
        return server.schema_of(str(where))
    conn = connect(where, create=True)
    try:
        return schema_version(conn)
    finally:
        conn.close()


def schema_version(conn: Tx) -> int:
    """Number of the newest migration that was made."""
    if isinstance(conn, ServerTx):
        return int(conn.execute("SELECT number FROM schema_version").fetchone()[0])
    return int(conn.execute("PRAGMA user_version").fetchone()[0])


def far(conn: Tx) -> bool:
    """Whether each statement is a round trip to a server."""
    return isinstance(conn, ServerTx)


def waits(conn: Tx, seconds: float) -> None:
    """How long a statement on this connection waits for others' locks."""
    if isinstance(conn, ServerTx):
        conn.waits(seconds)
        return
    conn.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")


def streamed(conn: Tx, sql: str, values: Values = ()) -> Iterator[Any]:
    """What a SELECT finds, however much it is: never all of it in memory. A transaction is begun, and lasts as long."""
    if isinstance(conn, ServerTx):
        return conn.streamed(sql, values)
    return iter(conn.execute(sql, values))


def answers_within(conn: Tx, seconds: float = ANSWER_S) -> None:
    """Who answers others doesn't wait for a server that says nothing; a file has no need of that."""
    if isinstance(conn, ServerTx):
        conn.answers_within(seconds)


def is_busy(error: Failure) -> bool:
    """Whether others held the store for too long; trying again helps."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or "is locked" in str(error)


MigrationStep = Callable[[Tx], None]
"""What a migration does besides its SQL, in the same transaction; an exception undoes both."""


def migrate(where: StoreAddress, steps: Mapping[int, MigrationStep] = MappingProxyType({})) -> tuple[int, int]:
    """Bring the database to the newest schema; returns (from, to). ``steps`` by number of migration."""
    if isinstance(where, Path):
        return _migrate_file(where, steps)
    server = engine(where)
    assert server is not None
    return server.migrate(where, steps)


def _migrate_file(path: Path, steps: Mapping[int, MigrationStep]) -> tuple[int, int]:
    conn = connect(path, create=True)
    try:
        before = after = schema_version(conn)
        for number, sql in migrations():
            if number > before:
                try:
                    conn.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};")
                    if number in steps:
                        steps[number](conn)
                    conn.execute("COMMIT")
                except (sqlite3.Error, StoreError) as error:
                    if conn.in_transaction:
                        conn.execute("ROLLBACK")
                    why = explained(error, path)
                    raise StoreError(f"migration {number} of {path} failed, nothing was changed: {why}") from error
                after = number
        return before, after
    finally:
        conn.close()


@contextmanager
def reading(conn: Tx) -> Iterator[Tx]:
    """Several statements that see the same moment; takes no lock. In a transaction they do so anyway."""
    if conn.in_transaction:
        yield conn
        return
    conn.execute("BEGIN")
    try:
        yield conn
    finally:
        conn.execute("ROLLBACK")


@contextmanager
def transaction(conn: Tx) -> Iterator[Tx]:
    """One durable, all-or-nothing write."""
    conn.execute("BEGIN IMMEDIATE")
    try:
        yield conn
    except BaseException:
        conn.execute("ROLLBACK")
        raise
    conn.execute("COMMIT")
