"""Reading what SQLite alone keeps, or alone would refuse to read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from relay.store.contract import ServerTx, Tx


@contextmanager
def as_it_is(conn: Tx) -> Iterator[None]:
    """Texts are read even where they are no UTF-8: a forged row is to be read too."""
    if isinstance(conn, ServerTx):  # which takes in no texts but UTF-8
        yield
        return
    driver = cast(sqlite3.Connection, conn)
    factory = driver.text_factory
    driver.text_factory = lambda octets: octets.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = factory


def reserve(conn: Tx, table: str, count: int) -> int:
    """The id after which ``count`` are free, for rows that the caller's transaction is going to write.

    The largest that the table ever gave out (AUTOINCREMENT remembers); 0 for none, or where a forger was at work.
    """
    if isinstance(conn, ServerTx):
        return conn.reserve(table, count)
    row = conn.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return row[0] if row is not None and isinstance(row[0], int) else 0
