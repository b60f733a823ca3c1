"""Connections of the HTTP side to SQLite's file: few of them, and short waits (``relay.store.pool``)."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from relay.store.database import StoreError, connect
from relay.store.kept import opened
from relay.store.place import Place
from relay.store.pool import CONNECTIONS, Unavailable

LOCK_WAIT_S = 3.0
READ_LIMIT_S = 5.0
CACHE_KIB = 1024

_log = logging.getLogger("relay.web")
_AWAY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }
)


def _is_away(error: sqlite3.Error) -> bool:
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in _AWAY


class Pool:
    """A bounded stack of connections to one database file."""

    def __init__(self, path: Path, *, size: int = CONNECTIONS, lock_wait_s: float = LOCK_WAIT_S) -> None:
        self._path = path
        self._lock_wait_s = lock_wait_s
        self._slots = threading.BoundedSemaphore(size)
        self._idle: list[tuple[sqlite3.Connection, Place]] = []
        """Each with where the database was when it was opened."""
        self._guard = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection for reading; one statement may take READ_LIMIT_S. Raises Unavailable."""
        with self._borrow() as (conn, _):
            deadline = time.monotonic() + READ_LIMIT_S
            conn.set_progress_handler(lambda: int(time.monotonic() > deadline), 20_000)
            try:
                yield conn
            finally:
                conn.set_progress_handler(None, 0)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A connection inside one durable transaction. Raises Unavailable, with nothing changed."""
        with self._borrow() as (conn, place):
            conn.execute("BEGIN IMMEDIATE")
            try:
                yield conn
                _still_there(place)  # or else what somebody asked for would be said to be done, and lost
                conn.execute("COMMIT")
            except BaseException:
                if conn.in_transaction:
                    conn.execute("ROLLBACK")
                raise

    @contextmanager
    def own(self) -> Iterator[sqlite3.Connection]:
        """A new connection, outside of any transaction. Raises Unavailable."""
        try:
            with closing(connect(self._path)) as conn:
                yield conn
        except StoreError as error:
            raise Unavailable(str(error)) from error
        except sqlite3.Error as error:
            if not _is_away(error):
                raise
            raise self._unavailable(error) from error

    def close(self) -> None:
        with self._guard:
            while self._idle:
                self._idle.pop()[0].close()

    @contextmanager
    def _borrow(self) -> Iterator[tuple[sqlite3.Connection, Place]]:
        if not self._slots.acquire(timeout=self._lock_wait_s):
            raise Unavailable("all database connections are busy")
        conn: sqlite3.Connection | None = None
        place: Place | None = None
        try:
            conn, place = self._take()
            yield conn, place
        except StoreError as error:
            raise Unavailable(str(error)) from error
        except sqlite3.Error as error:
            if conn is not None:
                conn.close()
                conn = None
            if not _is_away(error):
                raise
            raise self._unavailable(error) from error
        finally:
            if conn is not None and place is not None:
                self._give_back(conn, place)
            self._slots.release()

    def _unavailable(self, error: sqlite3.Error) -> Unavailable:
        return Unavailable(f"database {self._path}: {error}")

    def _take(self) -> tuple[sqlite3.Connection, Place]:
        with self._guard:
            while self._idle:
                conn, place = self._idle.pop()
                if not place.lost(thorough=True):
                    return conn, place
                conn.close()  # of a file that was deleted or replaced: what is written there is gone with this process
        conn, place = opened(self._path)
        conn.execute(f"PRAGMA busy_timeout = {int(self._lock_wait_s * 1000)}")
        conn.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        return conn, place

    def _give_back(self, conn: sqlite3.Connection, place: Place) -> None:
        with self._guard:
            self._idle.append((conn, place))


def _still_there(place: Place) -> None:
    lost = place.lost(thorough=True)
    if lost:
        raise Unavailable(lost)
