"""A connection to the server: the house's ``Tx``, opened anew when it was lost, and asked what became of a commit.

Use from any thread; one statement at a time. A transaction never goes on over a
lost connection: what follows in it fails until it is rolled back. Outside of one
a look-up that met a lost connection is done once more on a new one.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

import psycopg

from relay.store.contract import Rows, ServerTx, Values
from relay.store.postgres.dialect import translate
from relay.store.postgres.driver import EARLIER, LOCK_S, Driver, OutOfTime, millis, opened
from relay.store.postgres.errors import CommitUnsure, ServerAway, ServerFailure, told
from relay.store.postgres.reach import ServerReach, reach

ASK_S: Final = 0.7
"""So long after its unit's end a commit is asked for that lost its connection."""
LONG_ASK_S: Final = 10.0
"""The same for who is in no hurry: from the moment at which it was lost."""
UNIT_S: Final = 3.6
"""What work takes at most for which a client waits."""
_PAUSE_S: Final = 0.05
STREAMED: Final = 2_000
"""Rows at a time of what is streamed."""


class _Nothing:
    """What a statement gives that had nothing to do."""

    rowcount = 0

    def fetchone(self) -> None:
        return None

    def fetchall(self) -> list[Any]:
        return []

    def __iter__(self) -> Any:
        return iter(())

    def __next__(self) -> Any:
        raise StopIteration


class ServerConnection(ServerTx):
    """``relay.store.contract.Connection`` on PostgreSQL."""

    def __init__(self, url: str, *, answer_s: float = 0.0, lock_s: float = LOCK_S, readonly: bool = False) -> None:
        """Raises StoreError."""
        self._url = url
        self._answer_s = answer_s
        self._lock_s = lock_s
        self._readonly = readonly
        self._until = math.inf
        self._guard = threading.RLock()
        self._begun = False
        self._streams = 0
        self._number = ""
        """Of the transaction that writes, at the server."""
        self._ends_at = 0.0
        """When the transaction should be over."""
        self._reach: ServerReach = reach(url)
        self._since = self._reach.since
        self._driver = self._fitted(self._opened())
        self._reach.heard()

    def _opened(self) -> Driver:
        return opened(self._url, answer_s=self._answer_s, lock_s=self._lock_s, readonly=self._readonly)

    def _fitted(self, driver: Driver) -> Driver:
        driver.until = self._until
        if self._answer_s:
            driver.given_up = lambda: self._reach.silent
        return driver

    @property
    def in_transaction(self) -> bool:
        return self._begun

    @property
    def driver(self) -> Driver:
        return self._driver

    def execute(self, sql: str, values: Values = (), /) -> Rows:
        with self._guard:
            if sql.startswith(("BEGIN", "COMMIT", "ROLLBACK")) and " TO " not in sql:
                return self._turn(sql)
            return self._run(sql, values)

    def executemany(self, sql: str, rows: Iterable[Values], /) -> Rows:
        statement = translate(sql)
        with self._guard:
            driver = self._live()
            cursor = driver.cursor()
            try:
                cursor.executemany(statement.text, [statement.arranged(values) or () for values in rows])
            except psycopg.Error as error:
                raise self._failure(driver, error) from error
            return cursor

    def close(self) -> None:
        with self._guard:
            self._driver.close()

    def waits(self, seconds: float) -> None:
        """How long a statement waits for others' locks."""
        self._lock_s = seconds
        self._set("lock_timeout", seconds)

    def answers_within(self, seconds: float) -> None:
        """From now on, for each statement."""
        self._answer_s = self._driver.answer_s = seconds
        self._fitted(self._driver)
        self._set("statement_timeout", seconds * EARLIER)

    def ends_at(self, moment: float) -> None:
        """What is asked from now on is one unit of work, over by then on the monotonic clock; ``inf``: it was."""
        self._until = self._driver.until = moment

    def _set(self, name: str, seconds: float) -> None:
        with self._guard:
            self._live().execute(f"SET {name} = {millis(seconds)}")

    def reserve(self, table: str, count: int) -> int:
        """Nobody else gets these; gaps are none that anybody minds."""
        sequence = f"pg_get_serial_sequence('{table}', 'id')"
        with self._guard:
            last = self._run(f"SELECT nextval({sequence})", ()).fetchone()[0]
            self._run(f"SELECT setval({sequence}, ?)", (last + count,))
        return int(last)

    # -- statements ----------------------------------------------------------------

    def _run(self, sql: str, values: Values) -> Rows:
        statement = translate(sql)
        arranged = statement.arranged(values)
        driver = self._live()
        try:
            return driver.execute(statement.text, arranged)
        except psycopg.Error as error:
            failure = self._failure(driver, error)
            if isinstance(failure, ServerAway) and not self._begun and sql.lstrip().startswith("SELECT"):
                return self._once(statement.text, arranged)
            raise failure from error

    def _once(self, text: bytes, arranged: Any = None) -> Rows:
        with self._guard:
            driver = self._live()
            try:
                return driver.execute(text, arranged)
            except psycopg.Error as error:
                raise self._failure(driver, error) from error

    def _failure(self, driver: Driver, error: psycopg.Error) -> Exception:
        if isinstance(error, OutOfTime) and error.silent:
            self._reach.fell_silent(str(error))
        return told(error, lost=driver.closed or driver.broken)

    def _live(self) -> Driver:
        """The driver's connection, a new one if it was lost. Raises ServerAway."""
        if self._answer_s and not self._begun and not self._driver.closed and self._since != self._reach.since:
            self._driver.close()  # made before the server went silent: who knows what became of it
        if self._answer_s:
            self._reach.check()
        if not self._driver.closed:
            return self._driver
        if self._begun:
            raise ServerAway("the connection was lost, and with it the transaction")
        self._since = self._reach.since
        self._driver = self._fitted(self._reach.connection(self._opened, self._until - time.monotonic()))
        return self._driver

    def streamed(self, sql: str, values: Values = (), /) -> Iterator[Any]:
        """By a cursor at the server; else all rows would be here before the first is looked at."""
        statement = translate(sql)
        self._streams += 1
        name = f"relay_{self._streams}"
        self._once(f"DECLARE {name} NO SCROLL CURSOR FOR ".encode() + statement.text, statement.arranged(values))
        fetch = f"FETCH {STREAMED} FROM {name}".encode()
        while rows := self._once(fetch).fetchall():
            yield from rows
        self._once(f"CLOSE {name}".encode())

    # -- transactions --------------------------------------------------------------

    def _turn(self, sql: str) -> Rows:
        if sql.startswith("BEGIN"):
            self._begin(sql)
        elif sql == "COMMIT":
            self._commit()
        else:
            self._roll_back()
        return _Nothing()

    def _begin(self, sql: str) -> None:
        if self._begun:
            raise ServerFailure("a transaction is begun already", "", 1, "")
        for last in (False, True):
            driver = self._live()
            try:
                cursor = driver.execute(translate(sql).text)
                break
            except psycopg.Error as error:
                failure = self._failure(driver, error)
                if not driver.closed:
                    self._begun = True
                    self._roll_back()
                if last or not isinstance(failure, ServerAway):
                    raise failure from error
        self._begun, self._number = True, ""
        self._ends_at = time.monotonic() + UNIT_S
        if cursor.nextset():
            row = cursor.fetchone()
            self._number = str(row[1]) if row else ""

    def _commit(self) -> None:
        number = self._number
        if not self._begun:
            raise ServerFailure("no transaction is begun", "", 1, "")
        try:
            driver = self._live()
        except ServerAway:
            self._roll_back()
            raise
        try:
            ended = driver.execute(b"COMMIT").statusmessage
        except psycopg.Error as error:
            failure = self._failure(driver, error)
            self._begun = not driver.closed
            if isinstance(failure, ServerAway) and number:
                self._begun = False
                self._ask(number, failure)
                return
            self._roll_back()
            raise failure from error
        self._begun = False
        if ended != "COMMIT":  # a statement in it had failed, and its failure was passed over
            raise ServerFailure("the transaction was rolled back", "", 4, "")

    def _ask(self, number: str, failure: Exception) -> None:
        """Whether a commit, in which the connection was lost, came about. Raises ``failure`` if not."""
        kept, end = self._until, self._asked_until()
        self.ends_at(end)
        try:
            while time.monotonic() < end:
                try:
                    row = self._live().execute("SELECT pg_xact_status(%s::text::xid8)", (number,)).fetchone()
                except (ServerAway, psycopg.Error):
                    row = None
                if row and row[0] == "committed":
                    return
                if row and row[0] == "aborted":
                    raise failure
                time.sleep(_PAUSE_S)  # it can't be reached as yet, or is still at it
        finally:
            self.ends_at(kept)
        raise CommitUnsure("the connection was lost in a commit, and nobody can be asked what became of it")

    def _asked_until(self) -> float:
        """Who is waited for has to say soon; a command can wait for its server to come back."""
        if self._until < math.inf:
            return self._until + ASK_S
        now = time.monotonic()
        return max(self._ends_at, now) + ASK_S if self._answer_s else now + LONG_ASK_S

    def _roll_back(self) -> None:
        self._begun, self._number = False, ""
        if self._driver.closed:
            return
        if self._answer_s and self._reach.silent:
            self._driver.close()
            return
        try:
            self._driver.execute(b"ROLLBACK")
        except psycopg.Error:
            self._driver.close()
