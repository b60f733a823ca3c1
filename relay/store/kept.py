"""A connection that is kept from one use to the next, because opening one reads the whole schema anew.

Between its uses it is in no transaction and has no statement open, so nobody's checkpoint waits for it. A file
that was deleted or replaced meanwhile is never written: what would be kept there is gone with this process. One to a
server that went away meanwhile makes itself anew with what is asked of it next.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relay.store.contract import Connection
from relay.store.database import StoreError, connect
from relay.store.engines import StoreAddress
from relay.store.place import Place


def opened(path: Path, *, readonly: bool = False) -> tuple[sqlite3.Connection, Place]:
    """A connection to a file, and where that was. Raises StoreError."""
    try:
        place = Place(path)
    except OSError as error:
        connect(path).close()  # says what is wrong, and what to do
        raise StoreError(f"database {path}: {error.strerror}") from error
    return connect(path, readonly=readonly), place


class KeptConnection:
    """Of a chore that looks every few seconds; for one thread at a time. ``readonly``: nothing can be written by it."""

    def __init__(self, where: StoreAddress, *, readonly: bool = False) -> None:
        self.where = where
        self._readonly = readonly
        self._kept: tuple[Connection, Place | None] | None = None

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """The connection, in autocommit mode; after an exception the next use has a new one. Raises StoreError."""
        if self._kept is not None and self._kept[1] is not None and self._kept[1].lost(thorough=True):
            self.close()
        if self._kept is None:
            self._kept = self._opened()
        try:
            yield self._kept[0]
        except BaseException:
            self.close()
            raise

    def _opened(self) -> tuple[Connection, Place | None]:
        if isinstance(self.where, Path):
            return opened(self.where, readonly=self._readonly)
        return connect(self.where, readonly=self._readonly), None

    def close(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept[0].close()
