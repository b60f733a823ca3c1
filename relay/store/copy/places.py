"""The ends of a copy, by their addresses."""

from __future__ import annotations

from pathlib import Path

from relay.store.database import StoreError
from relay.store.engines import EngineMissing, StoreAddress, StoreEnds, ends
from relay.store.sqlite.whole import FileReader, FileTaker
from relay.store.whole import StoreReader, StoreTaker


def reader(where: StoreAddress) -> StoreReader:
    """Holds the store's write lock until it is closed."""
    server = server_ends(where)
    return FileReader(Path(where)) if server is None else server.reader(str(where))


def taker(where: StoreAddress) -> StoreTaker:
    server = server_ends(where)
    return FileTaker(Path(where)) if server is None else server.taker(str(where))


def server_ends(where: StoreAddress) -> StoreEnds | None:
    """None for a file. Raises StoreError."""
    try:
        return ends(where)
    except EngineMissing as error:
        raise StoreError(str(error)) from error
