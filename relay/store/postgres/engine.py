"""PostgreSQL as an engine (``relay.store.engines``): connecting, and its schema from the migrations of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import psycopg

from relay.store.database import StoreError, migrations, newest_schema
from relay.store.engines import shown
from relay.store.postgres.committer import ServerCommitter
from relay.store.postgres.connection import ServerConnection
from relay.store.postgres.driver import opened
from relay.store.postgres.errors import told
from relay.store.postgres.pool import ServerPool
from relay.store.postgres.room import ServerRoom
from relay.store.postgres.schema import VERSION, functions, translated
from relay.store.whole import RECORD

OLDEST: Final = 130_000
"""Releases before are not supported by anybody any more."""
_LOOK: Final = (
    "SELECT current_setting('server_version_num')::int, current_setting('server_version'), pg_is_in_recovery(),"
    " current_setting('server_encoding'),"
    f" to_regclass('{VERSION}') IS NOT NULL, EXISTS (SELECT 1 FROM pg_class WHERE relkind = 'r'"
    " AND relnamespace = current_schema()::regnamespace),"
    f" to_regclass('{RECORD}') IS NOT NULL"
)


def connect(url: str, *, create: bool = False, readonly: bool = False, unfinished: bool = False) -> ServerConnection:
    """A connection in autocommit mode; raises StoreError: no server, no schema, or that of another release.

    ``unfinished``: a copy may have been begun in it.
    """
    conn = ServerConnection(url, readonly=readonly)
    try:
        _fitting(conn, url, create=create, readonly=readonly, unfinished=unfinished)
    except BaseException:
        conn.close()
        raise
    return conn


def _fitting(conn: ServerConnection, url: str, *, create: bool, readonly: bool, unfinished: bool) -> None:
    found = conn.driver.execute(_LOOK.encode()).fetchone()
    assert found is not None
    number, version, standby, encoding, ours, others, copying = found
    where = f"database {shown(url)}"
    if number < OLDEST:
        raise StoreError(f"{where} is on PostgreSQL {version}: the relay needs 13 or newer")
    if encoding != "UTF8":
        raise StoreError(
            f"{where} has the encoding {encoding}: make one with `createdb --encoding=UTF8 --template=template0`"
        )
    if standby and not readonly:
        raise StoreError(f"{where} is a standby, which can't be written: name the primary in [store] url")
    if others and not ours:
        raise StoreError(f"{where} holds tables that are none of a relay's: name an empty database in [store] url")
    if copying and not unfinished:
        raise StoreError(
            f"{where} holds a copy that isn't whole: run the `relay store copy` that began it again, or empty it"
        )
    if create:
        return
    if not ours:
        raise StoreError(f"{where} is empty: no relay was made in it; `relay init --store URL` makes one")
    have, newest = schema_version(conn), newest_schema()
    if have > newest:
        raise StoreError(f"{where} has schema {have}, this release knows up to {newest}: install the newer release")
    if have < newest:
        raise StoreError(f"{where} has schema {have}, this release needs {newest}: run `relay migrate`")


def schema_version(conn: ServerConnection) -> int:
    """Number of the newest migration that was made; 0 in an empty database."""
    there = conn.driver.execute(f"SELECT to_regclass('{VERSION}') IS NOT NULL").fetchone()
    if not there or not there[0]:
        return 0
    row = conn.driver.execute(f"SELECT number FROM {VERSION}").fetchone()
    return int(row[0]) if row else 0


def schema_of(url: str) -> int:
    """The schema of a database that is there, of whatever release."""
    conn = connect(url, create=True)
    try:
        return schema_version(conn)
    finally:
        conn.close()


def migrate(url: str, steps: Mapping[int, Callable[[Any], None]]) -> tuple[int, int]:
    """Bring the database to the newest schema, all or nothing; returns (from, to)."""
    conn = connect(url, create=True)
    try:
        return migrated(conn, url, steps)
    finally:
        conn.close()


def migrated(conn: ServerConnection, url: str, steps: Mapping[int, Callable[[Any], None]]) -> tuple[int, int]:
    """The same on a connection that is there."""
    number = 0
    conn.execute("BEGIN IMMEDIATE")
    try:
        before = after = schema_version(conn)
        todo = [one for one in migrations() if one[0] > before]
        if todo:
            conn.driver.execute(functions().encode())
        if not before:
            conn.driver.execute(b"CREATE TABLE schema_version (number BIGINT NOT NULL)")
            conn.driver.execute(b"INSERT INTO schema_version (number) VALUES (0)")
        for number, sql in todo:
            for statement in translated(sql):
                conn.driver.execute(statement.encode())
            if number in steps:
                steps[number](conn)
            conn.driver.execute(f"UPDATE schema_version SET number = {number}".encode())
            after = number
        conn.execute("COMMIT")
    except (psycopg.Error, StoreError) as error:
        conn.execute("ROLLBACK")
        why = str(error) if isinstance(error, StoreError) else str(told(error, lost=False))
        raise StoreError(f"migration {number} of {shown(url)} failed, nothing was changed: {why}") from error
    except BaseException:
        conn.execute("ROLLBACK")
        raise
    return before, after


def committer(url: str) -> ServerCommitter:
    """The group commit of a mail process."""
    return ServerCommitter(url)


def room() -> ServerRoom:
    """Of every mail process."""
    return ServerRoom()


def pool(url: str, *, size: int) -> ServerPool:
    """The HTTP side's connections, so many at most."""
    return ServerPool(url, size=size)


__all__ = ["committer", "connect", "migrate", "opened", "pool", "room", "schema_of", "schema_version"]
