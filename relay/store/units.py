"""Units of work of a group commit, and why one could not be taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

Work = Callable[[Any], Any]
"""Gets a ``Tx`` in a transaction, which others share."""


Done = Callable[[Any, BaseException | None], None]
"""Called on the loop after the fsync with what the unit returned, or with why nothing of it is kept."""


class StoreBusy(Exception):
    """The store could not take the write now; nothing of it was kept."""


class StoreFull(StoreBusy):
    """The disk is full."""


class StoreGone(StoreBusy):
    """The database's file was deleted or replaced: what is written to it now would be lost."""


class GroupCommit(Protocol):
    """The one writer of a mail process: units of work in shared, durable transactions, whatever the engine.

    A unit must be fit to be run again, and on another thread than the loop's: it uses the connection it is given
    and what it was made with, and changes nothing else.
    """

    riders: list[Callable[[], None]]
    """Called when a batch is put together: what can wait, and goes along if others don't, is enqueued now."""
    commits: int
    units: int

    @property
    def failure(self) -> BaseException | None:
        """The last fault of the store, as long as it is fresh."""

    @property
    def pending(self) -> int: ...
    def enqueue(self, work: Work, done: Done) -> None:
        """Take a unit; call from the loop's thread only. ``done`` is called later, never from within this call.

        Raises StoreBusy if too many wait.
        """

    def submit(self, work: Callable[[Any], T]) -> asyncio.Future[T]:
        """The same for those who wait: the result after the fsync, the unit's exception, or StoreBusy."""

    def fault(self) -> str:
        """Why writes fail at the moment, or for how long one has been waiting; empty if all is well."""

    def lost(self) -> str:
        """What became of the database, if it isn't where it was opened; else empty."""

    async def close(self) -> None: ...


class StoreRoom(Protocol):
    """How much mail can still be stored, as far as that is known before it is."""

    @property
    def full(self) -> bool:
        """No room for a message of a usual size."""

    def look(self) -> None: ...
    def fits(self, octets: int) -> bool: ...
    def take(self, octets: int) -> bool:
        """Count what is about to be written; False if there is no room for it."""

    def give(self, octets: int) -> None:
        """It was written, or could not be."""
