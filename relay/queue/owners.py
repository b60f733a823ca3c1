"""Who holds leases: a mail process's name in them, and whether it is still there.

The end of a lease is no question of the clock on the wall, which may be set
while a copy is on its way. Each mail process keeps one octet of a file locked
for as long as it lives, and the kernel lets go of it however it ends. So what
a process leased comes back as soon as that process is gone, and not before,
also while an old relay still waits for its last replies beside a new one.
What a living process has forgotten comes back by that process's own time.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from relay.observe.steady import uptime
from relay.queue.lease import owners, take_back
from relay.store.database import connect, transaction
from relay.store.files import open_small

_BITS: Final = 48
"""Of the number by which a process is told from all that were and will be."""
_OVER: Final = 2
"""Periods after which a lease of a period has ended, whenever in it it was made."""


def _file(database: Path) -> Path:
    return database.with_name(database.name + "-owners")


class Owners:
    """Looks at who is there; ``enter`` makes this process one of them.

    One in a process and for as long as it lives: a process that closes the file anywhere loses its lock (fcntl(2)).
    """

    def __init__(self, database: Path, even: Callable[[], float] = uptime) -> None:
        self._fd = open_small(_file(database))
        self._even = even
        self._number = 0
        self._name = ""
        self._period_s = 1.0

    def enter(self, node: str, index: int, lease_s: float) -> None:
        """Be there from now on; ``lease_s`` is the longest that a lease of this process lasts."""
        self._number = secrets.randbits(_BITS) or 1
        fcntl.lockf(self._fd, fcntl.LOCK_EX, 1, self._number)
        self._name = f"{node}/{index}/{os.getpid()}/{self._number}"
        self._period_s = lease_s

    def name(self) -> str:
        """What stands in leases that are made now: the process, and the period in which they are made."""
        return f"{self._name}/{self._period()}"

    def gone(self, names: Iterable[str]) -> list[str]:
        """Those whose leases have ended."""
        return [name for name in names if self._gone(name)]

    def close(self) -> None:
        os.close(self._fd)

    def _period(self) -> int:
        return int(self._even() / self._period_s)

    def _gone(self, name: str) -> bool:
        try:
            number, period = (int(word) for word in name.split("/")[-2:])
        except ValueError:
            return True  # of a release whose processes hold no lock; two releases don't run beside each other
        if not 0 < number < 1 << _BITS:
            return True
        if number == self._number:
            return period <= self._period() - _OVER
        return self._free(number)

    def _free(self, number: int) -> bool:
        try:
            fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except OSError:
            return False
        fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, number)
        return True


def process_of(name: str) -> str:
    """The process id in an owner's name."""
    words = name.split("/")
    return words[-3] if len(words) >= 5 else "unknown"


def end_leases(database: Path, now: float) -> tuple[int, list[str]]:
    """At a start: take back what processes hold that are gone; how many copies, and who else is there.

    Raises StoreError or Failure.
    """
    look = Owners(database)
    conn = connect(database)
    try:
        there = owners(conn)
        gone = look.gone(there)
        count = 0
        if gone:
            with transaction(conn):
                count = take_back(conn, gone, now)
        return count, [name for name in there if name not in gone]
    finally:
        conn.close()
        look.close()
