"""What every group commit has, whatever the engine: how those who wait are told, and what is known of its health."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, TypeVar

from relay.store.units import Done, StoreBusy, StoreFull, Work

T = TypeVar("T")

Ended: TypeAlias = tuple[Done, Any, BaseException | None]
"""Whom to tell of a unit, and what."""

FRESH_S = 10.0
"""So long a fault counts as lasting, though other writes have been taken since."""

_log = logging.getLogger("relay.store")


class WriteHealth:
    """The last fault of a writer as long as it is fresh, and since when a write has been waiting."""

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self.waits_since = 0.0
        """On the monotonic clock; 0: none waits."""
        self._fault_at = 0.0

    def faulted(self, error: BaseException) -> None:
        self.failure, self._fault_at = error, time.monotonic()

    def worked(self, began_at: float) -> None:
        """A write came about; one that was begun after the last fault shows that this is over."""
        if began_at > self._fault_at:
            self.failure = None

    def fault(self) -> str:
        """Why writes fail at the moment, or for how long one has been waiting; empty if all is well."""
        if self.failure is not None:
            if time.monotonic() - self._fault_at < FRESH_S:
                return str(self.failure) or type(self.failure).__name__
            self.failure = None
        waits = time.monotonic() - self.waits_since if self.waits_since else 0.0
        return f"a write has been waiting for {waits:.0f} s" if waits > FRESH_S else ""


def submitted(enqueue: Callable[[Work, Done], None], work: Callable[[Any], T]) -> asyncio.Future[T]:
    """A unit for those who wait: the result after the commit, the unit's exception, or StoreBusy."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def done(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def run(conn: Any) -> T | None:
        return None if future.cancelled() else work(conn)

    try:
        enqueue(run, done)
    except StoreBusy as error:
        future.set_exception(error)
    return future


def tell(ended: Iterable[Ended]) -> None:
    """All of them, whatever one of them does."""
    for done, result, error in ended:
        try:
            done(result, error)
        except BaseException:
            with contextlib.suppress(Exception):
                _log.exception("store: what comes after a commit failed")


def refusal(error: BaseException) -> StoreBusy:
    """What to tell those whose writes went with ``error``."""
    if isinstance(error, StoreBusy):
        return error
    full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    made = StoreFull(str(error)) if full else StoreBusy(f"{error}" or type(error).__name__)
    made.__cause__ = error
    return made
