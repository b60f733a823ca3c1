"""A server's database as an end of a copy, by its URL: ``relay.store.engines.StoreEnds``."""

from __future__ import annotations

from collections.abc import Sequence

from relay.store.postgres import changes
from relay.store.postgres.whole import ServerNotedSnapshot, ServerReader, ServerSnapshot, ServerTaker, writing
from relay.store.whole import TableShape


def reader(url: str) -> ServerReader:
    """``relay.store.engines.StoreEnds``."""
    return ServerReader(url)


def snapshot(url: str) -> ServerSnapshot:
    return ServerSnapshot(url)


def noted(url: str, tables: Sequence[TableShape], *, anew: bool) -> ServerNotedSnapshot:
    return ServerNotedSnapshot(url, tables, anew=anew)


def keep(url: str) -> bool:
    """Note no changes any more; whether any were noted. Raises StoreError."""
    with writing(url) as conn:
        there = changes.noting(conn.driver)
        changes.end(conn.driver)
        return there


def taker(url: str) -> ServerTaker:
    """The same."""
    return ServerTaker(url)
