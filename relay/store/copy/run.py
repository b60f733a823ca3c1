"""Copying a store while nobody writes to it; or what has to be copied while nobody does (``ahead.py``)."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from relay.store.copy.ahead import AHEAD, WHOLE, caught_up
from relay.store.copy.places import empty_so_far, reader, server_ends, taker
from relay.store.copy.rows import RowCopy, Step, StoreCopied
from relay.store.engines import StoreAddress, shown


def copy_store(source: StoreAddress, target: StoreAddress, step: Step = lambda what, done, all_: None) -> StoreCopied:
    """Copy, compare, finish. The caller holds the relay's lock; nobody else can write to ``source`` meanwhile.

    Where most was copied ahead, that is what came since then. Raises StoreError, or CopyRefused: nothing is lost then,
    and the same call goes on where it was.
    """
    if not empty_so_far(target):
        with closing(taker(target)) as catching:
            if catching.record().get(AHEAD) == WHOLE:
                return caught_up(source, target, catching, step)
    with closing(reader(source)) as read, closing(taker(target)) as taking:
        found = RowCopy(read, taking, shown(source), shown(target), step).run()
        if read.noting:
            read.end_notes()
        return found


def copy_beside(source: str, target: Path, step: Step = lambda what, done, all_: None) -> StoreCopied:
    """A server's database as it is at one moment, into a new file, while a relay goes on writing to it.

    Raises StoreError, CopyRefused.
    """
    server = server_ends(source)
    assert server is not None
    with closing(server.snapshot(source)) as read, closing(taker(target)) as taking:
        return RowCopy(read, taking, shown(source), shown(target), step).run()
