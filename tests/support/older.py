"""A database as an earlier release would have left it, made of one of today's."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from relay.store.database import migrations


def older_release(path: Path, today: Path, newest: int) -> sqlite3.Connection:
    """Schema ``newest`` at ``path``, with what ``today`` has in the tables and columns that there were."""
    conn = sqlite3.connect(path, isolation_level=None)
    for number, sql in migrations():
        if number <= newest:
            conn.executescript(f"{sql}\nPRAGMA user_version = {number};")
    conn.execute("ATTACH ? AS new", (str(today),))
    conn.execute("PRAGMA foreign_keys = OFF")
    old = [name for (name,) in conn.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")]
    marks = [name for (name,) in conn.execute("SELECT name FROM main.meta")]
    for table in old:
        names = ", ".join(f'"{info[1]}"' for info in conn.execute(f"PRAGMA main.table_info({table})"))
        conn.execute(f"DELETE FROM main.{table}")  # what a migration put there
        conn.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM new.{table}")
    known = ", ".join("?" * len(marks))
    conn.execute(f"DELETE FROM main.meta WHERE name NOT IN ({known})", marks)  # what a later migration put there
    conn.execute("DETACH new")
    return conn
