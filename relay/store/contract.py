"""What the rest of the house knows of a store: transactions of ours, and how they fail.

Nobody outside ``relay.store`` names a driver. ``Tx`` is what SQLite's own
connection offers, so that it costs nothing there; another engine wraps its own.
The failures are SQLite's classes under the names that mean something here: its
driver raises them itself, and another engine raises them in the place of its own.

SQL outside ``relay.store`` is what SQLite and PostgreSQL both speak, in SQLite's
spelling where they spell the same apart (``relay.store.postgres.dialect`` has the
list); what only one of them does stands behind a named function.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

Values: TypeAlias = Sequence[Any] | Mapping[str, Any]

Failure: TypeAlias = sqlite3.Error
"""Any failure of the store; nothing of the statement was kept."""
Conflict: TypeAlias = sqlite3.IntegrityError
"""A row would contradict another: it is there already, or what it names is not."""


class Rows(Protocol):
    """What a statement found or did."""

    @property
    def rowcount(self) -> int:
        """Rows that were changed."""

    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __next__(self) -> Any: ...


class Tx(Protocol):
    """Statements in the caller's transaction, or single ones where none is begun."""

    def execute(self, sql: str, values: Values = ..., /) -> Rows: ...
    def executemany(self, sql: str, rows: Iterable[Values], /) -> Rows: ...

    @property
    def in_transaction(self) -> bool: ...


class Connection(Tx, Protocol):
    """A connection of one's own."""

    def close(self) -> None: ...


class ServerTx(ABC):
    """Base of connections to a database server: what is done there in another way is asked of the connection."""

    @abstractmethod
    def execute(self, sql: str, values: Values = (), /) -> Rows: ...
    @abstractmethod
    def executemany(self, sql: str, rows: Iterable[Values], /) -> Rows: ...

    @property
    @abstractmethod
    def in_transaction(self) -> bool: ...

    @abstractmethod
    def waits(self, seconds: float) -> None:
        """How long a statement waits for others' locks."""

    @abstractmethod
    def answers_within(self, seconds: float) -> None:
        """A statement that the server answers later than that has failed, and so has the connection."""

    @abstractmethod
    def reserve(self, table: str, count: int) -> int:
        """Take ``count`` ids of a table, those after the returned one, for rows that are going to be written."""

    @abstractmethod
    def streamed(self, sql: str, values: Values = (), /) -> Iterator[Any]:
        """What a SELECT finds, some rows at a time, in the transaction that is begun."""

    @abstractmethod
    def close(self) -> None: ...
