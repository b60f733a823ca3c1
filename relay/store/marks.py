"""Marks: numbers by name, for what concerns the whole database (table ``meta``).

Some are moved by triggers (``registry``, ``standing``): whoever keeps something
read knows by them that it is old. All functions work in the caller's
transaction, or alone where none is begun.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from relay.store.contract import Tx

BACKED_UP: Final = "backup/made-at"
"""When the newest backup was made, in seconds UTC."""
_SET: Final = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


def read(conn: Tx, name: str) -> int | None:
    """None: there is none of that name."""
    row = conn.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def below(conn: Tx, folder: str) -> list[tuple[str, int]]:
    """Names that begin with ``folder`` and a slash, with their numbers."""
    rows = conn.execute(
        "SELECT name, value FROM meta WHERE name >= ? AND name < ?", (f"{folder}/", f"{folder}{chr(ord('/') + 1)}")
    )
    return [(str(name), int(value)) for name, value in rows]


def write(conn: Tx, name: str, value: int) -> None:
    conn.execute(_SET, (name, value))


def keep(conn: Tx, marks: Iterable[tuple[str, int]]) -> None:
    """Set those that aren't there yet."""
    conn.executemany("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", list(marks))


def move(conn: Tx, name: str) -> None:
    """One more; from 0 on."""
    conn.execute(
        "INSERT INTO meta (name, value) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = meta.value + 1", (name,)
    )


def remove(conn: Tx, names: Iterable[str]) -> None:
    conn.executemany("DELETE FROM meta WHERE name = ?", [(name,) for name in names])
