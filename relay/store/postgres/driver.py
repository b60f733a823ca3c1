"""psycopg's connection as the house wants it: its settings, plain numbers, and an end to its patience.

Whoever waited in vain drops the connection at once: psycopg tidies up behind a statement by asking the server once
more (pipelines do), and would wait as long again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from typing import Any, Final

import psycopg
from psycopg import waiting
from psycopg.adapt import Loader
from psycopg.types.numeric import FloatDumper, Int8Dumper
from psycopg.types.string import StrDumper

from relay.store.engines import shown
from relay.store.postgres.errors import at_connecting

CONNECT_S: Final = 2
LOCK_S: Final = 10.0
SILENT_S: Final = 1.0
"""A wait at least as long says that the server is silent; a shorter one that there was no time left."""
_KEPT_ALIVE: Final[dict[str, Any]] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}
"""A server that went without a word is noticed after half a minute even by whoever waits without a limit."""
_OPTIONS: Final = {
    "idle_in_transaction_session_timeout": "60s",
    # What the server does where the relay went without a word: its locks are free again soon.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "2",
    "default_transaction_isolation": "read\\ committed",
    "timezone": "UTC",
    "client_min_messages": "warning",
    "jit": "off",  # statements are short
}
_PREPARED: Final = 500
_IDLE: Final = "10s"
"""In a transaction, where others wait for answers: a relay that is gone doesn't keep the next one waiting."""
EARLIER: Final = 0.8
"""Of a statement's time, until the server ends it."""


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


class OutOfTime(psycopg.OperationalError):
    """No answer in time; the connection is closed."""

    silent = False
    """It was waited for so long that the server counts as away."""


def _never() -> bool:
    return False


class Driver(psycopg.Connection[Any]):
    """psycopg's own, with an end to its patience."""

    answer_s: float = 0.0
    """For an answer; 0: for as long as a statement takes."""
    until: float = math.inf
    """On the monotonic clock: the end of the unit of work that it is used for."""
    given_up: Callable[[], bool] = staticmethod(_never)
    """Whether others have found the server silent meanwhile."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        begun = time.monotonic()
        end = min(begun + self.answer_s if self.answer_s else math.inf, self.until)
        if end == math.inf:
            return super().wait(gen, interval)
        try:
            return waiting.wait(_bounded(gen, end, self.given_up), self.pgconn.socket, interval)
        except OutOfTime as error:
            error.silent = time.monotonic() - begun >= SILENT_S
            self.close()
            raise


def _bounded(gen: Any, end: float, given_up: Callable[[], bool]) -> Generator[Any, Any, Any]:
    try:
        state = next(gen)
        while True:
            ready = yield state
            if not ready and (time.monotonic() > end or given_up()):
                gen.close()
                raise OutOfTime("the server doesn't answer")
            state = gen.send(ready)
    except StopIteration as ended:
        return ended.value


def opened(
    url: str, *, answer_s: float = 0.0, lock_s: float = LOCK_S, until: float = math.inf, readonly: bool = False
) -> Driver:
    """A connection in autocommit mode. Raises StoreError.

    ``answer_s``: for an answer; the server itself ends a statement a little earlier, so that one that is slow is told
    from a server that is silent. ``lock_s``: for others' locks.
    """
    conn = _connected(url, _options(answer_s, lock_s, readonly))
    conn.prepared_max = _PREPARED
    conn.adapters.register_dumper(bool, _Bool)
    conn.adapters.register_dumper(int, Int8Dumper)
    conn.adapters.register_dumper(float, FloatDumper)
    conn.adapters.register_dumper(str, StrDumper)
    conn.adapters.register_loader("bool", _YesNo)
    conn.adapters.register_loader("numeric", _Number)
    conn.answer_s, conn.until = answer_s, until
    try:
        if conn.info.parameter_status("synchronous_commit") in (None, "off", "local"):
            conn.execute(
                "SELECT set_config('synchronous_commit', 'on', false)"
                " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
            )
    except psycopg.Error as error:
        conn.close()
        raise at_connecting(error, shown(url)) from error
    return conn


def _options(answer_s: float, lock_s: float, readonly: bool) -> str:
    settings = {**_OPTIONS, "lock_timeout": millis(lock_s)}
    if answer_s:
        settings["statement_timeout"] = millis(answer_s * EARLIER)
        settings["idle_in_transaction_session_timeout"] = _IDLE
    if readonly:
        settings["default_transaction_read_only"] = "on"
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def _connected(url: str, options: str) -> Driver:
    try:
        return Driver.connect(
            url,
            autocommit=True,
            connect_timeout=CONNECT_S,
            options=options,
            application_name="relay",
            client_encoding="UTF8",
            **_KEPT_ALIVE,
        )
    except psycopg.Error as error:
        raise at_connecting(error, shown(url)) from error


def millis(seconds: float) -> str:
    """As the server's settings want a time; 0 would be no limit."""
    return str(max(1, round(seconds * 1000)))
