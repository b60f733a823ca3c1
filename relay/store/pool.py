"""The database as the HTTP side uses it, whatever the engine: short reads, short writes, one error.

Handlers run in the thread pool; each takes a connection for its time and gives
it back. A store that is locked for too long, full, gone or made by another
release raises Unavailable, which becomes a 503 with Retry-After.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from relay.store.contract import Tx

CONNECTIONS = 8
"""Connections and worker threads: SQLite has one writer, and pages are short."""


class Unavailable(Exception):
    """The database can't be used now; the text is for the log, not for the client."""


class Storage(Protocol):
    """A bounded number of connections to one store. Use from any thread."""

    def read(self) -> AbstractContextManager[Tx]:
        """A connection for reading; a statement's time is bounded. Raises Unavailable."""

    def write(self) -> AbstractContextManager[Tx]:
        """A connection inside one durable transaction. Raises Unavailable, with nothing changed."""

    def own(self) -> AbstractContextManager[Tx]:
        """A new connection, outside of any transaction, for what has several of its own. Raises Unavailable."""

    def close(self) -> None: ...
