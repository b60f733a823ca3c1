"""Machines that lease from one store, and whether another one is still there.

Each counts its heartbeats in the store. Nobody compares clocks: a node is dead
once whoever looks has seen its count stand still for longer than any lease of
it may last, by a clock of their own that nobody can set. A look that has just
begun knows of nobody dead. So a lease is over before it comes back, also where
its node only lost the way to the store; and such a node leases nothing before
it has been heard of again. Times in the table are for people.

Which processes of its own machine live a node knows exactly (``relay.queue.owners``).
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from relay.store.contract import Tx
from relay.store.engines import StoreAddress
from relay.store.files import open_small

HERE: Final = "here"
"""The one machine that has the database as a file. Nodes that share a server have ids of their own."""
BEAT_S: Final = 60.0
"""Much less than the shortest lease, and no more writes than are of no account."""


@dataclass(frozen=True, slots=True)
class Node:
    """A row of ``node``; times in seconds UTC, by the node's own clock."""

    id: str
    name: str
    started_at: float
    seen_at: float
    beats: int
    lease_s: float

    @property
    def term_s(self) -> float:
        """A count that stood still for so long is a dead node's: the last lease before it is over."""
        return self.lease_s + 2 * BEAT_S


def own_id(database: Path, stored: StoreAddress) -> str:
    """This machine's: ``HERE`` with a file; with a server one that is made once and kept beside ``database``."""
    if isinstance(stored, Path):
        return HERE
    fd = open_small(database.with_name("node"))
    try:
        kept = os.pread(fd, 64, 0).decode("ascii", "replace").strip()
        if not re.fullmatch(r"[0-9a-f]{16}", kept):
            kept = secrets.token_hex(8)
            os.pwrite(fd, f"{kept}\n".encode(), 0)
            os.fsync(fd)
        return kept
    finally:
        os.close(fd)


def beat(conn: Tx, node: Node) -> None:
    """Count one more; ``beats`` of what is given is of no account."""
    conn.execute(
        "INSERT INTO node (id, name, started_at, seen_at, lease_s) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name, started_at = excluded.started_at,"
        " seen_at = excluded.seen_at, beats = node.beats + 1,"
        " lease_s = CASE WHEN excluded.lease_s > node.lease_s THEN excluded.lease_s ELSE node.lease_s END",
        (node.id, node.name, node.started_at, node.seen_at, node.lease_s),
    )


def nodes(conn: Tx) -> list[Node]:
    """All there are, in no order."""
    return [Node(*row) for row in conn.execute("SELECT id, name, started_at, seen_at, beats, lease_s FROM node")]


def forget(conn: Tx, node: Node) -> bool:
    """Take a dead node out; False if it has been heard of since it was looked at."""
    return conn.execute("DELETE FROM node WHERE id = ? AND beats = ?", (node.id, node.beats)).rowcount == 1


class NodeWatch:
    """Looks on as others' counts move; ``even`` gives seconds that never jump."""

    def __init__(self, even: Callable[[], float]) -> None:
        self._even = even
        self._seen: dict[str, tuple[int, float]] = {}
        """Count, and since when it stands."""

    def dead(self, others: Iterable[Node]) -> list[Node]:
        """Those whose count has stood still for their term while this one looked on."""
        now, seen, found = self._even(), {}, []
        for node in others:
            beats, since = self._seen.get(node.id, (node.beats, now))
            if beats != node.beats:
                since = now
            elif now - since > node.term_s:
                found.append(node)
            seen[node.id] = (node.beats, since)
        self._seen = seen
        return found
