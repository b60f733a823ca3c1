"""A database as an earlier release would have left it, made of one of today's."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from relay.store.database import migrations

MARKED = ("meta", "follower")


def older_release(path: Path, today: Path, newest: int) -> sqlite3.Connection:
    """Schema ``newest`` at ``path``, with what ``today`` has in the tables and columns that there were."""
    conn = sqlite3.connect(path, isolation_level=None)
    for number, sql in migrations():
        if number <= newest:
            conn.executescript(f"{sql}\nPRAGMA user_version = {number};")
    conn.execute("ATTACH ? AS new", (str(today),))
    conn.execute("PRAGMA foreign_keys = OFF")
    old = [name for (name,) in conn.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")]
    # What a migration puts into these by itself; a later one's is not there yet.
    marks = {
        table: [name for (name,) in conn.execute(f"SELECT name FROM main.{table}")] for table in MARKED if table in old
    }
    for table in old:
        columns = ", ".join(f'"{info[1]}"' for info in conn.execute(f"PRAGMA main.table_info({table})"))
        conn.execute(f"DELETE FROM main.{table}")  # what a migration put there
        conn.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}")
    for table, names in marks.items():
        conn.execute(f"DELETE FROM main.{table} WHERE name NOT IN ({', '.join('?' * len(names))})", names)
    conn.execute("DETACH new")
    return conn
