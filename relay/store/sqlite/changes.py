"""Which rows of a file change while it is copied beside a relay at work: noted by key, by triggers.

A note is one row for each changed row, however often it changed; its id says when that was last. Whoever has carried
over what a snapshot shows lets go of the notes up to the snapshot's last one: what changed later has a higher id.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from relay.store.whole import RowKey, TableShape

NOTES: Final = "store_copy_change"
_PLACES: Final = "abcdefgh"
"""Columns of a note for the values of a key, without a type, so that each is kept as it is."""

_WHEN: Final = (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))


def noting(conn: sqlite3.Connection) -> bool:
    return conn.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (NOTES,)).fetchone() is not None


def begin(conn: sqlite3.Connection, tables: tuple[TableShape, ...]) -> None:
    """In the caller's transaction; what was noted before is forgotten."""
    end(conn)
    columns = ", ".join(f"{place} NOT NULL DEFAULT ''" for place in _PLACES)
    conn.execute(
        f"CREATE TABLE {NOTES} (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, {columns},"
        f" UNIQUE (name, {', '.join(_PLACES)}))"
    )
    for table in tables:
        for number, (what, row) in enumerate((*_WHEN, (f"UPDATE OF {table.order}", "OLD"))):
            conn.execute(
                f'CREATE TRIGGER {NOTES}_{table.name}_{number} AFTER {what} ON "{table.name}"'
                f" BEGIN {_noted(table, row)} END"
            )


def _noted(table: TableShape, row: str) -> str:
    """Two statements, since one that replaces would do as the statement says that fires it (``OR IGNORE``)."""
    places = _PLACES[: len(table.key)]
    same = " AND ".join(f'{place} = {row}."{column}"' for place, column in zip(places, table.key, strict=True))
    unused = "".join(f" AND {place} = ''" for place in _PLACES[len(table.key) :])
    values = ", ".join(f'{row}."{column}"' for column in table.key)
    return (
        f"DELETE FROM {NOTES} WHERE name = '{table.name}' AND {same}{unused};"
        f" INSERT INTO {NOTES} (name, {', '.join(places)}) VALUES ('{table.name}', {values});"
    )


def end(conn: sqlite3.Connection) -> None:
    """In the caller's transaction: nothing is noted any more."""
    found = conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE ?", (f"{NOTES}_%",))
    for (name,) in found.fetchall():
        conn.execute(f"DROP TRIGGER {name}")
    conn.execute(f"DROP TABLE IF EXISTS {NOTES}")


def last(conn: sqlite3.Connection) -> int:
    return int(conn.execute(f"SELECT coalesce(max(id), 0) FROM {NOTES}").fetchone()[0])


def let_go(conn: sqlite3.Connection, up_to: int) -> None:
    """Of what was carried over."""
    conn.execute(f"DELETE FROM {NOTES} WHERE id <= ?", (up_to,))


def number(conn: sqlite3.Connection) -> int:
    """Of rows that were noted and not carried over."""
    return int(conn.execute(f"SELECT count(*) FROM {NOTES}").fetchone()[0])


def changed(conn: sqlite3.Connection, table: TableShape) -> Iterator[tuple[Any, ...]]:
    """Rows as they are now."""
    listed = ", ".join(f't."{column}"' for column in table.columns)
    yield from conn.execute(
        f'SELECT {listed} FROM {NOTES} n CROSS JOIN "{table.name}" t ON {_same(table)} WHERE n.name = ?', (table.name,)
    )


def gone(conn: sqlite3.Connection, table: TableShape) -> Iterator[RowKey]:
    """Keys of rows that aren't there any more."""
    places = ", ".join(f"n.{place}" for place in _PLACES[: len(table.key)])
    yield from conn.execute(
        f'SELECT {places} FROM {NOTES} n WHERE n.name = ? AND NOT EXISTS (SELECT 1 FROM "{table.name}" t'
        f" WHERE {_same(table)})",
        (table.name,),
    )


def _same(table: TableShape) -> str:
    pairs = zip(table.key, _PLACES[: len(table.key)], strict=True)
    return " AND ".join(f't."{column}" = n.{place}' for column, place in pairs)
