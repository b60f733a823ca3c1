"""Many writes of a command beside a running relay: each in its turn, and the log moved between them.

Whoever tries again after SQLite's growing pauses misses the moments between two
writes of a busy command, and may wait for a tenth of a second. So a command
that writes for long takes the mail processes' lock file too (``store.turn``),
which wakes the next one at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from relay.store.contract import ServerTx, Tx
from relay.store.database import transaction
from relay.store.sqlite.turn import Turn

TOGETHER: Final = 8
"""Transactions whose pages are moved from the log into the database together: a page that several wrote goes once."""


class InTurn:
    """One connection's writes; call ``close`` when they are done."""

    def __init__(self, conn: Tx) -> None:
        self._conn = conn
        self._turn: Turn | None = None
        self._written = 0
        self._server = isinstance(conn, ServerTx)
        """Its own lock wakes whoever waits, in their order."""
        if self._server:
            return
        file = conn.execute("PRAGMA database_list").fetchone()[2]
        lock = Path(f"{file}-turn")
        # A relay makes it; where none ever ran there is nobody to wait for, and its owner may be another user.
        self._turn = Turn(lock) if file and lock.exists() else None
        self._automatic = conn.execute("PRAGMA wal_autocheckpoint").fetchone()[0]
        conn.execute("PRAGMA wal_autocheckpoint = 0")  # a commit would do it while others wait

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """One durable, all-or-nothing write."""
        if self._turn is not None:
            self._turn.wait()
        try:
            with transaction(self._conn) as conn:
                yield conn
            self._written += 1
        finally:
            if self._turn is not None:
                self._turn.give()

    def tidy(self) -> None:
        """Move what was written into the database once it is some; nobody waits for it. Call between transactions."""
        if self._written >= TOGETHER and not self._server:
            self._written = 0
            self._conn.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        if self._server:
            return
        self._conn.execute(f"PRAGMA wal_autocheckpoint = {self._automatic}")
        if self._turn is not None:
            self._turn.close()
