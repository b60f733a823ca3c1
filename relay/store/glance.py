"""A look into the database that waits for nobody and changes nothing: for what must answer at once, or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from relay.store.contract import Connection, Failure, Tx
from relay.store.database import StoreError, answers_within, connect
from relay.store.engines import StoreAddress

TIMEOUT_S: Final = 0.1
STEPS: Final = 1_000_000
"""Of SQLite's machine for one statement: some tens of milliseconds."""
ANSWER_S: Final = 0.5
"""What a server may take for a statement."""


class NothingSeen(Exception):
    """There is no database, it is of another kind or release, or busy."""


@contextmanager
def glance(where: StoreAddress) -> Iterator[Tx]:
    """A connection that only reads; raises NothingSeen whatever goes wrong, in it too."""
    try:
        with closing(_opened(where)) as conn:
            yield conn
    except (Failure, StoreError) as error:
        raise NothingSeen(str(error)) from error


def _opened(where: StoreAddress) -> Connection:
    if not isinstance(where, Path):
        server = connect(where, readonly=True)
        answers_within(server, ANSWER_S)
        return server
    conn = sqlite3.connect(f"file:{quote(str(where))}?mode=ro", uri=True, timeout=TIMEOUT_S)
    conn.set_progress_handler(lambda: 1, STEPS)
    return conn


def first_column(conn: Tx, sql: str, values: Sequence[object] = ()) -> list[str]:
    return [str(row[0]) for row in conn.execute(sql, values)]
