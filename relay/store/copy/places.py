"""The ends of a copy, by their addresses."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from relay.store.database import StoreError
from relay.store.engines import EngineMissing, StoreAddress, StoreEnds, ends
from relay.store.sqlite.whole import FileReader, FileSnapshot, FileTaker, beside, tables
from relay.store.whole import CatchingTaker, NotedReader, NotedSnapshot


def reader(where: StoreAddress) -> NotedReader:
    """Holds the store's write lock until it is closed."""
    server = server_ends(where)
    return FileReader(Path(where)) if server is None else server.reader(str(where))


def taker(where: StoreAddress) -> CatchingTaker:
    server = server_ends(where)
    return FileTaker(Path(where)) if server is None else server.taker(str(where))


def noted(where: StoreAddress, *, anew: bool) -> NotedSnapshot:
    """Changes are noted from its first opening on; ``anew``: what was noted so far is of no account."""
    server = server_ends(where)
    return FileSnapshot(Path(where), anew=anew) if server is None else server.noted(str(where), tables(), anew=anew)


def notes_ended(where: StoreAddress) -> bool:
    """Note no changes any more, beside whoever runs; whether any were noted."""
    server = server_ends(where)
    if server is not None:
        return server.keep(str(where))
    with closing(FileReader(Path(where))) as read:
        there = read.noting
        read.end_notes()
        return there


def empty_so_far(where: StoreAddress) -> bool:
    """Whether no copy can have been begun there: a file that would be made by looking isn't looked into."""
    return isinstance(where, Path) and not beside(where).exists()


def server_ends(where: StoreAddress) -> StoreEnds | None:
    """None for a file. Raises StoreError."""
    try:
        return ends(where)
    except EngineMissing as error:
        raise StoreError(str(error)) from error
