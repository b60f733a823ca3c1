"""Is the database what the migrations make? For ``relay check``, off the hot path.

Compares tables, columns, views, indexes and triggers with a fresh schema, and lets
SQLite walk its pages, so that an edit by hand or a damaged page is noticed
before it is met by mail.
"""

from __future__ import annotations

import sqlite3
from typing import cast

import sqlite_utils

from relay.store.contract import Tx
from relay.store.database import migrations
from relay.store.sqlite.changes import NOTES

MOST_FAULTS = 5
_OF_COPIES = (NOTES, f"sqlite_autoindex_{NOTES}")
"""There while the store is copied beside the relay."""


def _described(conn: sqlite3.Connection) -> dict[str, str]:
    """Every table, view, index and trigger by name, in SQL without layout."""
    database = sqlite_utils.Database(conn)
    found = {f"table {table.name}": table.schema for table in database.tables}
    found |= {f"view {view.name}": view.schema for view in database.views}
    found |= {f"trigger {trigger.name}": trigger.sql for trigger in database.triggers}
    for table in database.tables:
        for index in table.indexes:
            found[f"index {index.name}"] = f"{table.name} {index.unique} {index.partial} {','.join(index.columns)}"
    return {name: " ".join(text.split()) for name, text in found.items()}


def differences(tx: Tx) -> list[str]:
    """What is missing, changed or foreign in the schema; empty if all is as the migrations make it."""
    conn = cast(sqlite3.Connection, tx)
    fresh = sqlite3.connect(":memory:")
    for _, sql in migrations():
        fresh.executescript(sql)
    want, have = _described(fresh), _described(conn)
    fresh.close()
    faults = [f"{name} is missing" for name in want.keys() - have.keys()]
    foreign = [name for name in have.keys() - want.keys() if not name.partition(" ")[2].startswith(_OF_COPIES)]
    faults += [f"{name} is not the relay's" for name in foreign]
    faults += [f"{name} was changed" for name in want.keys() & have.keys() if want[name] != have[name]]
    return sorted(faults)


def damage(conn: Tx) -> list[str]:
    """What SQLite's own check finds wrong with the pages; empty if nothing."""
    try:
        rows = conn.execute(f"PRAGMA quick_check({MOST_FAULTS})").fetchall()
    except sqlite3.DatabaseError as error:  # too damaged to be walked
        return [str(error)]
    return [] if rows == [("ok",)] else [str(row[0]) for row in rows]


def disagreements(conn: Tx) -> list[str]:
    """Where an index and its table, or a row and its column's rules, don't agree: every page and row is read."""
    try:
        rows = conn.execute(f"PRAGMA integrity_check({MOST_FAULTS})").fetchall()
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if rows == [("ok",)] else [str(row[0]) for row in rows]


def lost_references(conn: Tx) -> list[str]:
    """Rows that name another one that isn't there."""
    found: dict[tuple[str, str], int] = {}
    for table, _, parent, _ in conn.execute("PRAGMA foreign_key_check"):
        found[table, parent] = found.get((table, parent), 0) + 1
    return [f"{count} of {table} without their {parent}" for (table, parent), count in sorted(found.items())]
