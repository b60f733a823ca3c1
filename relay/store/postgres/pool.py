"""Connections of the HTTP side to the server: few of them, and short waits (``relay.store.pool``)."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from relay.store.database import StoreError, connect
from relay.store.engines import shown
from relay.store.pool import CONNECTIONS, Unavailable
from relay.store.postgres.connection import ServerConnection
from relay.store.postgres.errors import ServerFailure
from relay.store.postgres.reach import reach

OWN_S: Final = 30.0
"""The same for work that takes several transactions."""
LOCK_WAIT_S: Final = 2.8
ANSWER_S: Final = 3.6
"""For one statement; the server ends it a little earlier."""
_AWAY: Final = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
    )
)


class ServerPool:
    """A bounded stack of connections to one database."""

    def __init__(self, url: str, *, size: int = CONNECTIONS) -> None:
        self._url = url
        self._slots = threading.BoundedSemaphore(size)
        self._idle: list[ServerConnection] = []
        self._guard = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[ServerConnection]:
        """A connection for reading; one statement may take ANSWER_S. Raises Unavailable."""
        with self._borrow() as conn:
            yield conn

    @contextmanager
    def write(self) -> Iterator[ServerConnection]:
        """A connection inside one durable transaction. Raises Unavailable, with nothing changed."""
        with self._borrow() as conn:
            conn.execute("BEGIN IMMEDIATE")
            try:
                yield conn
                conn.execute("COMMIT")
            except BaseException:
                conn.execute("ROLLBACK")
                raise

    @contextmanager
    def own(self) -> Iterator[ServerConnection]:
        """A new connection, outside of any transaction. Raises Unavailable."""
        try:
            with closing(self._opened(OWN_S)) as conn:
                yield conn
        except StoreError as error:
            raise Unavailable(str(error)) from error
        except ServerFailure as error:
            if error.sqlite_errorcode not in _AWAY:
                raise
            raise self._unavailable(error) from error

    def close(self) -> None:
        with self._guard:
            while self._idle:
                self._idle.pop().close()

    @contextmanager
    def _borrow(self) -> Iterator[ServerConnection]:
        if not self._slots.acquire(timeout=LOCK_WAIT_S):
            raise Unavailable("all database connections are busy")
        conn: ServerConnection | None = None
        try:
            conn = self._take()
            yield conn
        except StoreError as error:
            raise Unavailable(str(error)) from error
        except ServerFailure as error:
            if conn is not None:
                conn.close()
                conn = None
            if error.sqlite_errorcode not in _AWAY:
                raise
            raise self._unavailable(error) from error
        finally:
            if conn is not None:
                with self._guard:
                    self._idle.append(conn)
            self._slots.release()

    def _take(self) -> ServerConnection:
        with self._guard:
            if self._idle:
                return self._idle.pop()
        return self._opened()

    def _unavailable(self, error: ServerFailure) -> Unavailable:
        return Unavailable(f"database {shown(self._url)}: {error}")

    def _opened(self, answer_s: float = ANSWER_S) -> ServerConnection:
        reach(self._url).check(new=True)
        conn = connect(self._url)
        assert isinstance(conn, ServerConnection)
        conn.waits(LOCK_WAIT_S)
        conn.answers_within(answer_s)
        return conn
