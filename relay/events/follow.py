"""Followers: they read what happened behind a cursor of their own, in its order, in bounded batches.

A follower has a name, and a row in ``follower`` with the id of the last event
that it has read. What it makes of a batch and the cursor's move are one commit:
it is exact however it dies in between. What leaves the store (a request to
somebody's server, say) can't be undone; whoever sends such things has each
batch at least once.

Ids of events are no order of commits by themselves. SQLite has one writer,
which takes an id and commits before the next one may begin, so whatever can be
read stays below whatever is yet to come. Elsewhere ids are given out before
they are committed: there ``newest`` must stop below the first id that is still
under way. In PostgreSQL an event has its transaction (``pg_current_xact_id()``,
as the column's default), a batch is what lies below
``pg_snapshot_xmin(pg_current_snapshot())`` in the order of (transaction, id),
and that pair is the position.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from relay.events import daily
from relay.events.forget import forget_told
from relay.store.chores import turns
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.store.engines import StoreAddress
from relay.store.kept import KeptConnection

_log = logging.getLogger("relay.events")

BATCH: Final = 2_000
"""Events read at a time."""
EVERY_S: Final = 2.0
AGAIN_S: Final = 30.0
"""After a turn that failed."""


@dataclass(frozen=True, slots=True)
class Follower:
    """One who reads. ``read`` looks at the events of (after, until] and changes nothing; ``write`` keeps what it made
    of them, in the commit that moves the cursor. Reading holds no lock."""

    name: str
    read: Callable[[Tx, int, int], Any]
    write: Callable[[Tx, Any], None]


ALL: Final = (Follower(daily.NAME, daily.read, daily.write),)


def newest(conn: Tx) -> int:
    """The id below which nothing will appear any more; 0 where nothing ever happened."""
    return int(conn.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0])


def position(conn: Tx, name: str) -> int | None:
    """Id of the last event that it has read; None for a follower that has never begun."""
    row = conn.execute("SELECT position FROM follower WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def begin(conn: Tx, name: str) -> int:
    """A new follower reads what happens from now on; in the caller's transaction."""
    conn.execute("INSERT INTO follower (name, position) VALUES (?, ?) ON CONFLICT DO NOTHING", (name, newest(conn)))
    found = position(conn, name)
    assert found is not None
    return found


def step(conn: Tx, follower: Follower, most: int = BATCH) -> int:
    """Read one batch, in a transaction of its own; how many ids it went ahead, 0 where there is nothing new."""
    after = position(conn, follower.name)
    if after is None:
        with transaction(conn):
            begin(conn, follower.name)
        return 0
    until = min(newest(conn), after + most)
    if until <= after:
        return 0
    made = follower.read(conn, after, until)
    with transaction(conn):
        moved = conn.execute(
            "UPDATE follower SET position = ? WHERE name = ? AND position = ?", (until, follower.name, after)
        )
        if moved.rowcount != 1:
            return 0  # somebody else has read it meanwhile
        follower.write(conn, made)
    return until - after


def catch_up(conn: Tx, followers: Sequence[Follower] = ALL) -> int:
    """Let each read all that has happened, and delete what only they were to be told; ids read."""
    total = 0
    for follower in followers:
        while ahead := step(conn, follower):
            total += ahead
    while forget_told(conn):
        pass
    return total


async def run(path: StoreAddress, followers: Sequence[Follower] = ALL) -> None:
    """Follow until cancelled, in a thread that ends its turn first; by one process of a relay."""
    kept, fault = KeptConnection(path), "events can't be followed, trying again"
    await turns(kept, partial(_turn, kept, followers), every_s=EVERY_S, again_s=AGAIN_S, log=_log, fault=fault)


def _turn(kept: KeptConnection, followers: Sequence[Follower]) -> None:
    with kept.use() as conn:
        catch_up(conn, followers)
