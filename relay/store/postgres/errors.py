"""PostgreSQL's failures, raised as the store's own (``relay.store.contract``), with what to do about them."""

from __future__ import annotations

import sqlite3
from typing import Final

import psycopg

from relay.store.database import StoreError

_ROOM: Final = "the database server's disk is full: make room where its data and its log (pg_wal) are"
_AWAY: Final = "is it running, and reachable from here? The relay goes on by itself once it is"
_BY_STATE: Final = {
    "53100": (sqlite3.SQLITE_FULL, _ROOM),
    "53200": (sqlite3.SQLITE_NOMEM, "the database server has no memory left"),
    "53300": (sqlite3.SQLITE_BUSY, "the database server takes no more connections: raise max_connections"),
    "55P03": (sqlite3.SQLITE_BUSY, "another program holds what is to be written (pg_stat_activity names it)"),
    "57014": (sqlite3.SQLITE_INTERRUPT, "the statement took too long (statement_timeout), or somebody ended it"),
    "25P02": (sqlite3.SQLITE_ABORT, ""),
    "25006": (sqlite3.SQLITE_READONLY, "this server can't be written: it is a standby, or set to read only"),
    "42501": (sqlite3.SQLITE_PERM, "the relay's role may not: it has to own its database's tables"),
    "58030": (sqlite3.SQLITE_IOERR, "the database server's disk has errors: look at its log"),
    "XX001": (sqlite3.SQLITE_CORRUPT, "the database is damaged: look at the server's log, restore a backup"),
    "XX002": (sqlite3.SQLITE_CORRUPT, "an index is damaged: look at the server's log; REINDEX makes it anew"),
}
RUN_AGAIN: Final = frozenset(("40001", "40P01"))
"""Serialization failure and deadlock: the same work, begun anew, may well succeed."""


class ServerFailure(sqlite3.OperationalError):
    """Of a statement; ``sqlite_errorcode`` is the one that SQLite has for the same, ``todo`` what people can do."""

    def __init__(self, text: str, state: str, code: int, todo: str) -> None:
        super().__init__(text)
        self.state = state
        self.sqlite_errorcode = code
        self.todo = todo

    @property
    def run_again(self) -> bool:
        return self.state in RUN_AGAIN


class ServerAway(ServerFailure):
    """The connection is lost, or there is none."""

    away = True

    def __init__(self, text: str) -> None:
        super().__init__(text, "", sqlite3.SQLITE_CANTOPEN, _AWAY)


class CommitUnsure(ServerAway):
    """The connection was lost in the commit, and nobody could be asked what became of it."""


class ServerConflict(sqlite3.IntegrityError):
    """A row would contradict another."""


def told(error: psycopg.Error, *, lost: bool) -> sqlite3.Error:
    """The failure as the house knows it; ``lost``: the connection is no more."""
    text = one_line(error)
    state = error.sqlstate or ""
    if state.startswith("23"):
        return ServerConflict(text)
    if state in _BY_STATE:
        code, todo = _BY_STATE[state]
        return ServerFailure(text, state, code, todo)
    if lost or state.startswith(("08", "57P")):
        return ServerAway(text)
    if state in RUN_AGAIN:
        return ServerFailure(text, state, sqlite3.SQLITE_BUSY, "others wrote the same; try again")
    if isinstance(error, psycopg.DataError):
        return sqlite3.DataError(text)
    if isinstance(error, psycopg.ProgrammingError):
        return sqlite3.ProgrammingError(text)
    return ServerFailure(text, state, sqlite3.SQLITE_ERROR, "")


_AT_CONNECTING: Final = (
    ("password authentication failed", "the password or the user is wrong: correct [store] url"),
    ("no password supplied", "the server wants a password: put it into [store] url, or into a file that its"
     " `passfile` names"),
    ("no pg_hba.conf entry", "the server doesn't let this user in from here: add a line to its pg_hba.conf"),
    ("Peer authentication failed", "the server takes this system user for another one: correct [store] url, or its"
     " pg_hba.conf"),
    ('role "', "there is no such user on the server: `createuser NAME`, or correct [store] url"),
    ('database "', "there is no such database: `createdb --owner=USER NAME`, or correct [store] url"),
    ("starting up", "the server is starting: try again in a moment"),
    ("shutting down", "the server is being stopped"),
    ("too many clients", "the server takes no more connections: raise max_connections"),
    ("remaining connection slots", "the server takes no more connections: raise max_connections"),
    ("could not translate host name", "the host's name is not known: correct [store] url"),
    ("certificate", "TLS with the server doesn't come about: correct its certificate or sslmode in [store] url"),
)  # fmt: skip


def at_connecting(error: psycopg.Error, where: str) -> StoreError:
    """Why there is no connection; the server gives no code there, only words."""
    text = one_line(error)
    todo = next((todo for words, todo in _AT_CONNECTING if words in text), "is it running, and reachable from here?")
    return StoreError(f"database {where} can't be reached: {text}; {todo}")


def one_line(error: psycopg.Error) -> str:
    primary = error.diag.message_primary
    text = primary or str(error) or type(error).__name__
    return " ".join(text.removeprefix("connection failed: ").split())
