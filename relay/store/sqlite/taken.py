"""A copy of the database as it is at one moment, while others go on writing; and whether a copy is whole."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from relay.store.contract import Tx
from relay.store.database import StoreError, connect, schema_version
from relay.store.sqlite.schema import damage
from relay.store.words import explained

_PAGES: Final = 2000
"""Copied between two looks at how far it is."""


def take(conn: Tx, to: Path, tell: Callable[[int, int], None] = lambda done, all_: None) -> None:
    """Copy into a new file; ``tell`` hears pages done and all. Raises StoreError.

    Within one reading transaction: nothing that is written meanwhile makes it begin anew, and nobody waits for it; the
    log only grows until it is done.
    """
    assert isinstance(conn, sqlite3.Connection)
    try:
        with contextlib.closing(sqlite3.connect(to, isolation_level=None)) as copy:
            conn.execute("BEGIN")
            try:
                schema_version(conn)
                conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
                conn.backup(copy, pages=_PAGES, progress=lambda _, left, all_: tell(all_ - left, all_))
            finally:
                conn.execute("ROLLBACK")
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
        to.chmod(0o600)
    except sqlite3.Error as error:
        raise StoreError(f"the database can't be copied: {explained(error, to)}") from error


def reading_any(path: Path) -> sqlite3.Connection:
    """A connection to the database of a relay, whichever release made it. Raises StoreError."""
    conn = connect(path, create=True) if path.exists() else connect(path)  # which says what to do
    return conn


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Tx]:
    """A copy, to be read; nothing lies beside it afterwards."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as conn:
        yield conn


def faults_of(path: Path) -> list[str]:
    """What is wrong with the pages of a file that nobody writes; empty if nothing."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as conn:
            return damage(conn)
    except sqlite3.Error as error:
        return [str(error)]
