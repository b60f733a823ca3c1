"""A connection to the server: the house's ``Tx``, opened anew when it was lost, and asked what became of a commit.

Use from any thread; one statement at a time. A transaction never goes on over a
lost connection: what follows in it fails until it is rolled back. Outside of one
a look-up that met a lost connection is done once more on a new one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterable
from typing import Any, Final

import psycopg
from psycopg import waiting
from psycopg.adapt import Loader
from psycopg.types.numeric import FloatDumper, Int8Dumper
from psycopg.types.string import StrDumper

from relay.store.contract import Rows, ServerTx, Values
from relay.store.database import StoreError
from relay.store.engines import shown
from relay.store.postgres.dialect import translate
from relay.store.postgres.errors import CommitUnsure, ServerAway, ServerFailure, at_connecting, told

CONNECT_S: Final = 2
LOCK_S: Final = 10.0
AGAIN_S: Final = 0.25
"""Between attempts to reach a server that could not be reached: meanwhile the answer is the same, at once."""
SILENT_S: Final = 2.0
"""The same after one that was waited for in vain: else each who asks would wait, one after the other."""
ASK_S: Final = 4.5
"""So long after the beginning of a transaction it is asked what became of its commit: then its clients have to know."""
_OPTIONS: Final = {
    "lock_timeout": f"{LOCK_S:.0f}s",
    "idle_in_transaction_session_timeout": "60s",
    "default_transaction_isolation": "read\\ committed",
    "timezone": "UTC",
    "client_min_messages": "warning",
    "jit": "off",  # statements are short
    "lc_messages": "C",
}
_PREPARED: Final = 500


class _Bool(Int8Dumper):
    """The schema has numbers, as SQLite has them."""

    def dump(self, obj: Any) -> bytes:
        return b"1" if obj else b"0"


class _YesNo(Loader):
    def load(self, data: Any) -> int:
        return int(bytes(data) == b"t")


class _Number(Loader):
    """Sums of BIGINT are NUMERIC: whole numbers, for whoever adds up whole numbers."""

    def load(self, data: Any) -> float:
        text = bytes(data)
        return int(text) if text.lstrip(b"-").isdigit() else float(text)


class Driver(psycopg.Connection[Any]):
    """psycopg's own, with an end to its patience."""

    answer_s: float = 0.0
    """0: it waits for as long as a statement takes."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        if not self.answer_s:
            return super().wait(gen, interval)
        return waiting.wait(_bounded(gen, time.monotonic() + self.answer_s), self.pgconn.socket, interval)


def _bounded(gen: Any, end: float) -> Generator[Any, Any, Any]:
    try:
        state = next(gen)
        while True:
            ready = yield state
            if not ready and time.monotonic() > end:
                gen.close()
                raise psycopg.OperationalError("the server doesn't answer")
            state = gen.send(ready)
    except StopIteration as ended:
        return ended.value


def opened(url: str, *, answer_s: float = 0.0, readonly: bool = False) -> Driver:
    """A connection in autocommit mode. Raises StoreError."""
    settings = {**_OPTIONS, **({"default_transaction_read_only": "on"} if readonly else {})}
    options = " ".join(f"-c {name}={value}" for name, value in settings.items() if name != "lc_messages")
    try:
        conn = Driver.connect(
            url,
            autocommit=True,
            connect_timeout=CONNECT_S,
            options=options,
            application_name="relay",
            client_encoding="UTF8",
            tcp_user_timeout=5000,
            keepalives_idle=30,
        )
    except psycopg.Error as error:
        raise at_connecting(error, shown(url)) from error
    conn.prepared_max = _PREPARED
    conn.adapters.register_dumper(bool, _Bool)
    conn.adapters.register_dumper(int, Int8Dumper)
    conn.adapters.register_dumper(float, FloatDumper)
    conn.adapters.register_dumper(str, StrDumper)
    conn.adapters.register_loader("bool", _YesNo)
    conn.adapters.register_loader("numeric", _Number)
    conn.answer_s = answer_s
    if conn.info.parameter_status("synchronous_commit") in (None, "off", "local"):
        conn.execute(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )
    return conn


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

    def __init__(self, url: str, *, answer_s: float = 0.0, readonly: bool = False) -> None:
        """Raises StoreError."""
        self._url = url
        self.answer_s = answer_s
        self._readonly = readonly
        self._guard = threading.RLock()
        self._begun = False
        self._number = ""
        """Of the transaction that writes, at the server."""
        self._began_at = 0.0
        self._not_before = 0.0
        """On the monotonic clock; until then the server counts as away."""
        self._why = ""
        self._lock_s = LOCK_S
        self._driver = opened(url, answer_s=answer_s, readonly=readonly)

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
        with self._guard:
            self._driver.execute(f"SET lock_timeout = {max(1, round(seconds * 1000))}")

    def answers_within(self, seconds: float) -> None:
        """From now on."""
        self.answer_s = self._driver.answer_s = seconds

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
                return self._once_more(statement.text, arranged)
            raise failure from error

    def _once_more(self, text: bytes, arranged: Any) -> Rows:
        driver = self._live()
        try:
            return driver.execute(text, arranged)
        except psycopg.Error as error:
            raise self._failure(driver, error) from error

    def _failure(self, driver: Driver, error: psycopg.Error) -> Exception:
        if "doesn't answer" in str(error):
            driver.close()
            self._why, self._not_before = str(error), time.monotonic() + SILENT_S
        return told(error, lost=driver.closed or driver.broken)

    def _live(self) -> Driver:
        """The driver's connection, a new one if it was lost. Raises ServerAway."""
        if not self._driver.closed:
            return self._driver
        if self._begun:
            raise ServerAway("the connection was lost, and with it the transaction")
        begun = time.monotonic()
        if begun < self._not_before:
            raise ServerAway(self._why)
        try:
            self._driver = opened(self._url, answer_s=self.answer_s, readonly=self._readonly)
            if self._lock_s != LOCK_S:
                self.waits(self._lock_s)
        except StoreError as error:
            now = time.monotonic()
            self._why, self._not_before = str(error), now + (AGAIN_S if now - begun < CONNECT_S / 2 else SILENT_S)
            raise ServerAway(self._why) from error
        return self._driver

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
        self._begun, self._number, self._began_at = True, "", time.monotonic()
        if cursor.nextset():
            row = cursor.fetchone()
            self._number = str(row[1]) if row else ""

    def _commit(self) -> None:
        driver, number = self._live(), self._number
        if not self._begun:
            raise ServerFailure("no transaction is begun", "", 1, "")
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
        end = self._began_at + ASK_S
        while time.monotonic() < end:
            try:
                row = self._live().execute("SELECT pg_xact_status(%s::text::xid8)", (number,)).fetchone()
            except (ServerAway, psycopg.Error):
                time.sleep(AGAIN_S / 5)
                continue
            if row and row[0] == "committed":
                return
            if row and row[0] == "aborted":
                raise failure
            time.sleep(AGAIN_S / 5)  # still at it
        raise CommitUnsure("the connection was lost in a commit, and nobody can be asked what became of it")

    def _roll_back(self) -> None:
        self._begun, self._number = False, ""
        if self._driver.closed:
            return
        try:
            self._driver.execute(b"ROLLBACK")
        except psycopg.Error:
            self._driver.close()
