"""Who holds leases: a mail process's name in them, and whether it is still there.

The end of a lease is no question of the clock on the wall, which may be set
while a copy is on its way. Each mail process keeps one octet of a file locked
for as long as it lives, and the kernel lets go of it however it ends. So what
a process leased comes back as soon as that process is gone, and not before,
also while an old relay still waits for its last replies beside a new one.
What a living process has forgotten comes back by that process's own time.
The file speaks of this machine alone: what processes of another one hold comes
back when its heartbeat has stopped (``relay.queue.nodes``), never at a start.
"""

from __future__ import annotations

import fcntl
import math
import os
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from relay.observe.steady import uptime
from relay.queue.lease import owners, take_back
from relay.queue.nodes import BEAT_S, HERE, Node, NodeWatch, beat, forget, nodes
from relay.store.contract import Tx
from relay.store.database import connect, transaction
from relay.store.engines import StoreAddress
from relay.store.files import open_small

_BITS: Final = 48
"""Of the number by which a process is told from all that were and will be."""
_OVER: Final = 2
"""Periods after which a lease of a period has ended, whenever in it it was made."""


_Submit = Callable[[Callable[[Tx], None]], Awaitable[None]]
"""Runs a unit of work in a commit that others share."""


def _file(database: Path) -> Path:
    return database.with_name(database.name + "-owners")


@dataclass(frozen=True, slots=True)
class GoneOwners:
    """Whose leases have ended."""

    owners: list[str]
    nodes: list[Node]
    """Among them, or without leases."""

    def __bool__(self) -> bool:
        return bool(self.owners or self.nodes)


class Owners:
    """Looks at who is there; ``enter`` makes this process one of them.

    One in a process and for as long as it lives: a process that closes the file anywhere loses its lock (fcntl(2)).
    """

    def __init__(self, database: Path, even: Callable[[], float] = uptime, node: str = HERE) -> None:
        self._fd = open_small(_file(database))
        self._even = even
        self._node = node
        self._watch = NodeWatch(even)
        self._me: Node | None = None
        self._beat_at = self._unheard_at = -math.inf
        self._number = 0
        self._name = ""
        self._period_s = 1.0

    def enter(self, name: str, index: int, lease_s: float, now: float) -> None:
        """Be there from now on; ``name`` is the node's, ``lease_s`` the longest that a lease of this process lasts."""
        self._number = secrets.randbits(_BITS) or 1
        fcntl.lockf(self._fd, fcntl.LOCK_EX, 1, self._number)
        self._name = f"{self._node}/{index}/{os.getpid()}/{self._number}"
        self._period_s = lease_s
        self._me = Node(self._node, name, now, now, 0, lease_s)

    async def beat(self, submit: _Submit, now: float) -> None:
        """Tell the other nodes, if it is time, that this one is there; in the commit that comes next anyway."""
        me, at = self._me, self._even()
        if me is None or at < self._beat_at:
            return
        await submit(lambda conn: beat(conn, replace(me, seen_at=now)))
        self._beat_at, self._unheard_at = at + BEAT_S, at + self._period_s

    def name(self) -> str | None:
        """What stands in leases that are made now: the process, and the period in which they are made.

        None: no lease may be made, since other nodes have not heard of this one for as long as its leases last.
        """
        now = self._even()
        return f"{self._name}/{int(now / self._period_s)}" if now < self._unheard_at else None

    def look(self, conn: Tx) -> GoneOwners:
        """Whose leases have ended by now."""
        there = nodes(conn)
        dead = self._watch.dead([node for node in there if node.id != self._node])
        return GoneOwners(self.gone(owners(conn), there, dead), dead)

    def gone(self, names: Iterable[str], there: Iterable[Node] = (), dead: Iterable[Node] = ()) -> list[str]:
        """Those of ``names`` whose leases have ended, where these nodes are there, and these of them dead."""
        others = {node.id for node in there if node.id != self._node}
        lost = {node.id for node in dead}
        return [name for name in names if (node_of(name) in lost if node_of(name) in others else self._gone(name))]

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


def node_of(name: str) -> str:
    """The node's id in an owner's name; a node's name in those of releases before there were ids."""
    return name.split("/", 1)[0]


def process_of(name: str) -> str:
    """The process id in an owner's name."""
    words = name.split("/")
    return words[-3] if len(words) >= 5 else "unknown"


def bury(conn: Tx, gone: GoneOwners, now: float) -> int:
    """In the caller's transaction: the copies that they had leased are due again; how many they were."""
    spared = {node.id for node in gone.nodes if not forget(conn, node)}
    return take_back(conn, [name for name in gone.owners if node_of(name) not in spared], now)


@dataclass(frozen=True, slots=True)
class EndedLeases:
    """What a start found."""

    copies: int
    """That are due again."""
    others: list[str]
    """Owners on this machine who are there."""
    nodes: list[Node]
    """Other machines that hold leases, as far as anybody can tell."""


def end_leases(database: Path, now: float, node: str = HERE, *, store: StoreAddress | None = None) -> EndedLeases:
    """Take back what processes of this machine hold that are gone; nothing of another machine's.

    ``store``: where the rows are, if not in the file. Raises StoreError or Failure.
    """
    look = Owners(database, node=node)
    conn = connect(store or database)
    try:
        gone = look.look(conn)
        count = 0
        if gone:
            with transaction(conn):
                count = bury(conn, gone, now)
        left = owners(conn)
        holding = {node_of(name) for name in left}
        others = [other for other in nodes(conn) if other.id != node and other.id in holding]
        foreign = {other.id for other in others}
        return EndedLeases(count, [name for name in left if node_of(name) not in foreign], others)
    finally:
        conn.close()
        look.close()
