"""A look at each table and index where its pages begin: is it there, can it be read?

For the start and for ``/readyz``: it costs the same whether ten rows are queued
or ten million, since of each only the way from the root to its first and its
last row is read. Where new rows go is thus seen; what lies between is found by
`relay check`, which walks all pages.
"""

from __future__ import annotations

import functools
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from relay.store.contract import ServerTx, Tx
from relay.store.database import StoreError, migrations, transaction
from relay.store.engines import StoreAddress
from relay.store.sqlite.room import PAGE_OCTETS, log_octets

_WHERE = re.compile(r"\bWHERE\b(.*)", re.I | re.S)
SHOWN = 3


@dataclass(frozen=True, slots=True)
class RootFault:
    """``kind`` is ``table``, ``index`` or ``trigger``."""

    kind: str
    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.why}"

    @property
    def mendable(self) -> bool:
        """What can be made anew from what is there; not what a table's own PRIMARY KEY or UNIQUE made."""
        return self.kind != "table" and not self.name.startswith("sqlite_autoindex")


@functools.cache
def expected() -> dict[str, tuple[str, str]]:
    """What the migrations make: name → kind, SQL."""
    fresh = sqlite3.connect(":memory:")
    try:
        for _, sql in migrations():
            fresh.executescript(sql)
        return {name: (kind, sql or "") for kind, name, _, sql in _objects(fresh)}
    finally:
        fresh.close()


def faults(conn: Tx) -> list[RootFault]:
    """What is missing or can't be read, tables first. Raises sqlite3.Error if the schema itself can't be.

    A server sees to its own.
    """
    if isinstance(conn, ServerTx):
        return []
    found = {name: (kind, table, sql) for kind, name, table, sql in _objects(conn)}
    missing = [RootFault(kind, name, "is missing") for name, (kind, _) in expected().items() if name not in found]
    unread = [
        RootFault(kind, name, f"can't be read ({error})")
        for name, (kind, table, sql) in found.items()
        for error in _errors(conn, kind, name, table, sql)
    ]
    return sorted([*missing, *unread], key=lambda fault: (fault.mendable, fault.name))


CUT_OFF = "the end of its file is cut off"


def cut_off(path: Path) -> bool:
    """The file ends within a page, and there is no log from which it could be whole again."""
    return bool(path.stat().st_size % PAGE_OCTETS) and not log_octets(path)


def refuse_damaged(conn: Tx, path: StoreAddress) -> None:
    """Raises StoreError that says what to do if mail could not be stored in this database; a server sees to its own."""
    if not isinstance(path, Path):
        return
    try:
        if cut_off(path):
            raise sqlite3.DatabaseError(CUT_OFF)
        wrong = faults(conn)
    except sqlite3.Error as error:
        raise StoreError(f"database {path} is damaged: {error}; {RESTORE}") from error
    if not wrong:
        return
    names = ", ".join(str(fault) for fault in wrong[:SHOWN]) + (" …" if len(wrong) > SHOWN else "")
    todo = MEND if all(fault.mendable for fault in wrong) else RESTORE
    raise StoreError(f"database {path} is damaged: {names}; {todo}")


RESTORE = "keep a copy of it, see what `relay check` says, and restore a backup"
MEND = "no row is lost: `relay migrate --mend` makes it anew from its table"


def mend(conn: sqlite3.Connection) -> list[str]:
    """Make indexes and triggers anew that are missing or can't be read; what was made. Raises StoreError for others."""
    found = faults(conn)
    for fault in found:
        if not fault.mendable:
            raise StoreError(f"{fault}: that can't be made anew; {RESTORE}")
    _forget(conn, [fault.name for fault in found if fault.kind == "index" and fault.why != "is missing"])
    for fault in found:
        conn.execute(expected()[fault.name][1])
    return [f"{fault.kind} {fault.name}" for fault in found]


def _forget(conn: sqlite3.Connection, indexes: list[str]) -> None:
    """Drop indexes whose pages can't be read, so that neither DROP nor REINDEX does; VACUUM leaves them behind."""
    if not indexes:
        return
    conn.execute("PRAGMA writable_schema = ON")
    try:
        with transaction(conn):
            conn.executemany("DELETE FROM sqlite_master WHERE type = 'index' AND name = ?", [(i,) for i in indexes])
    finally:
        conn.execute("PRAGMA writable_schema = RESET")
    conn.execute("VACUUM")


def _objects(conn: Tx) -> list[tuple[str, str, str, str | None]]:
    return conn.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master"
        " WHERE type IN ('table', 'index', 'trigger') AND name NOT LIKE 'sqlite_stat%' AND name <> 'sqlite_sequence'"
    ).fetchall()


def _errors(conn: Tx, kind: str, name: str, table: str, sql: str | None) -> Iterator[str]:
    for look in _looks(kind, name, table, sql):
        try:
            conn.execute(look).fetchone()
        except sqlite3.DatabaseError as error:
            yield str(error)
            return


def _looks(kind: str, name: str, table: str, sql: str | None) -> Iterator[str]:
    """Queries that read the first and the last row of it, and nothing else."""
    if kind == "table":
        if "WITHOUT ROWID" in (sql or "").upper():
            yield f'SELECT 1 FROM "{name}" INDEXED BY "sqlite_autoindex_{name}_1" LIMIT 1'
        else:
            yield f'SELECT 1 FROM "{name}" NOT INDEXED LIMIT 1'
            yield f'SELECT 1 FROM "{name}" NOT INDEXED ORDER BY rowid DESC LIMIT 1'
    elif kind == "index":
        part = _WHERE.search(sql or "")
        where = f" WHERE {part[1]}" if part else ""
        yield f'SELECT 1 FROM "{table}" INDEXED BY "{name}"{where} LIMIT 1'
