"""A look into the database that waits for nobody and changes nothing: for what must answer at once, or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from relay.store.contract import Tx

TIMEOUT_S: Final = 0.1
STEPS: Final = 1_000_000
"""Of SQLite's machine for one statement: some tens of milliseconds."""


class NothingSeen(Exception):
    """There is no database, it is of another kind or release, or busy."""


@contextmanager
def glance(path: Path) -> Iterator[Tx]:
    """A connection that only reads; raises NothingSeen whatever goes wrong, in it too."""
    try:
        conn = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=TIMEOUT_S)
        try:
            conn.set_progress_handler(lambda: 1, STEPS)
            yield conn
        finally:
            conn.close()
    except sqlite3.Error as error:
        raise NothingSeen(str(error)) from error


def first_column(conn: Tx, sql: str, values: Sequence[object] = ()) -> list[str]:
    return [str(row[0]) for row in conn.execute(sql, values)]
