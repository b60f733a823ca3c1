"""Which engine a store is of: a file is SQLite's; a URL names a server, whose driver is loaded then and not before."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias, cast
from urllib.parse import urlsplit

from relay.store.contract import Connection
from relay.store.pool import Storage
from relay.store.units import GroupCommit, StoreRoom
from relay.store.whole import CatchingTaker, NotedReader, NotedSnapshot, StoreReader, TableShape

StoreAddress: TypeAlias = Path | str
"""SQLite's file, or the URL of a database on a server; say ``shown`` of it to people, for it may hold a password."""

_SERVERS: Final = {"postgresql": "relay.store.postgres", "postgres": "relay.store.postgres"}


class EngineMissing(Exception):
    """The URL is of no engine there is, or its driver isn't installed; the text says what to do."""


class StoreEngine(Protocol):
    """What a server's engine offers; all raise StoreError."""

    def connect(self, url: str, *, create: bool = False, readonly: bool = False) -> Connection: ...
    def schema_of(self, url: str) -> int: ...
    def schema_version(self, conn: Any) -> int: ...
    def migrate(self, url: str, steps: Mapping[int, Callable[[Any], None]]) -> tuple[int, int]: ...
    def room(self) -> StoreRoom: ...
    def committer(self, url: str) -> GroupCommit: ...
    def pool(self, url: str, *, size: int) -> Storage: ...


class StoreEnds(Protocol):
    """What a server's engine offers for copying a whole store; all raise StoreError and CopyRefused."""

    def reader(self, url: str) -> NotedReader: ...
    def snapshot(self, url: str) -> StoreReader: ...
    def noted(self, url: str, tables: Sequence[TableShape], *, anew: bool) -> NotedSnapshot: ...
    def keep(self, url: str) -> bool:
        """Note no changes any more; whether any were noted."""

    def taker(self, url: str) -> CatchingTaker: ...


def engine(where: StoreAddress) -> StoreEngine | None:
    """None for a file. Raises EngineMissing."""
    return None if isinstance(where, Path) else cast(StoreEngine, _part(where, "engine"))


def ends(where: StoreAddress) -> StoreEnds | None:
    """None for a file. Raises EngineMissing."""
    return None if isinstance(where, Path) else cast(StoreEnds, _part(where, "ends"))


def _part(url: str, name: str) -> object:
    scheme = url.partition(":")[0]
    if scheme not in _SERVERS:
        raise EngineMissing(f"no store is known by {scheme}: a URL begins with postgresql://")
    try:
        return importlib.import_module(f"{_SERVERS[scheme]}.{name}")
    except ModuleNotFoundError as error:
        if error.name != "psycopg":
            raise
        raise EngineMissing(
            "psycopg, PostgreSQL's driver, isn't installed: `pip install 'relay-smtp[postgres]'`"
        ) from error


def shown(where: StoreAddress) -> str:
    """For people: without the password."""
    if isinstance(where, Path):
        return str(where)
    parts = urlsplit(where)
    if parts.password is None:
        return where.partition("?")[0] if "password=" in parts.query else where
    return where.replace(f":{parts.password}@", ":…@", 1).partition("?password=")[0]
