"""Tables of one connection for one long command, and a commit that may wait for the last one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from relay.store.contract import ServerTx, Tx

CACHE_KIB: Final = 65_536
"""Of the database's pages, while such a command runs."""


@contextmanager
def scratch(conn: Tx, tables: Mapping[str, str]) -> Iterator[None]:
    """Temporary tables by name and columns, which are gone afterwards; call it outside a transaction.

    Their rows may be many, so they are in a file. A name must not be that of a table of the relay's.
    """
    if isinstance(conn, ServerTx):
        with _on_server(conn, tables):
            yield
        return
    cache = conn.execute("PRAGMA main.cache_size").fetchone()[0]
    store = conn.execute("PRAGMA temp_store").fetchone()[0]
    conn.execute("PRAGMA temp_store = FILE")
    conn.execute(f"PRAGMA main.cache_size = -{CACHE_KIB}")
    try:
        for name, columns in tables.items():
            conn.execute(f"CREATE TEMP TABLE {name} ({columns})")
        yield
    finally:
        conn.execute(f"PRAGMA main.cache_size = {cache}")
        conn.execute(f"PRAGMA temp_store = {store}")  # drops all temporary tables


@contextmanager
def _on_server(conn: Tx, tables: Mapping[str, str]) -> Iterator[None]:
    try:
        for name, columns in tables.items():
            conn.execute(f"CREATE TEMP TABLE {name} ({columns})")
        yield
    finally:
        for name in tables:
            conn.execute(f"DROP TABLE IF EXISTS {name}")


@contextmanager
def durable_at_last(conn: Tx) -> Iterator[None]:
    """Commits inside are durable with the first one after it, or after ``durable``; before that nothing is promised."""
    if isinstance(conn, ServerTx):  # its commits are durable each
        yield
        return
    conn.execute("PRAGMA synchronous = NORMAL")
    try:
        yield
    finally:
        durable(conn)


def durable(conn: Tx) -> None:
    """The next commit is durable when it returns, with all before it."""
    if not isinstance(conn, ServerTx):
        conn.execute("PRAGMA synchronous = FULL")
