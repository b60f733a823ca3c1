"""The store as one mail process has it: what it reads with, its writer, its room, and what looks after them.

The one place where a mail process's engine is chosen.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any

from config.settings import Settings
from relay.store import condition
from relay.store.condition import Call
from relay.store.contract import Connection, Tx
from relay.store.database import answers_within, connect, engine, waits
from relay.store.sqlite import checkpoint
from relay.store.sqlite.committer import Committer
from relay.store.sqlite.leaving import leave
from relay.store.sqlite.room import DiskRoom
from relay.store.units import GroupCommit, StoreRoom

READ_WAIT_S = 0.25
LOOK_S = 10.0
"""For a look that nobody outside waits for."""


class MailStore:
    """Opened with the process; raises StoreError."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._server = engine(settings.stored)
        self.conn: Connection = connect(settings.stored, readonly=True)
        # A reader has nobody to wait for here, and where locks can't be had the loop must not stand still for long.
        waits(self.conn, READ_WAIT_S)
        answers_within(self.conn)
        self.looking: Connection = connect(settings.stored, readonly=True)
        """Of its own, for looks that run in a thread."""
        answers_within(self.looking, LOOK_S)

    def writer(self) -> GroupCommit:
        """Begins with the loop. Raises StoreError (no database, no thread)."""
        if self._server is not None:
            return self._server.committer(str(self._settings.stored))
        return Committer(self._settings.database, turns=True)  # commands that write for long take turns too

    def room(self, share: int, tell: Callable[[int], None], others: Callable[[], int]) -> StoreRoom:
        """``tell`` is told the octets that are about to be written, ``others`` says those of other processes."""
        if self._server is not None:
            return self._server.room()
        least = self._settings.limits.free_disk_octets
        return DiskRoom(self._settings.database, self.conn, least, share=share, tell=tell, others=others)

    def care(
        self, writer: GroupCommit, room: StoreRoom, beat: Callable[[Any], None], call: Call
    ) -> Coroutine[Any, Any, None]:
        """Runs as long as the process: tells once a second whether mail can be stored."""
        return condition.run(writer, room, beat, functools.partial(_leave, writer, self._settings, self.looking), call)

    def chores(self) -> list[Coroutine[Any, Any, None]]:
        """Of the first mail process alone, as long as it runs."""
        if self._server is not None:
            return []
        return [checkpoint.run(self._settings.database, self._settings.limits.free_disk_octets)]

    def close(self) -> None:
        self.conn.close()
        self.looking.close()


async def _leave(writer: GroupCommit, settings: Settings, looking: Tx) -> None:
    if isinstance(writer, Committer):  # a server's database isn't moved away under those who use it
        await leave(writer, settings.database, looking)
