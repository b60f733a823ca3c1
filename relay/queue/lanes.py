"""Lanes: what one tenant has waiting for one domain, in the order it is due.

The earliest of each lane is found by one step in an index, however long the
lane is, so one tenant's ten million copies hide nobody else's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from relay.store.contract import Tx


class Lane(NamedTuple):
    """A tenant's copies for one domain."""

    tenant_id: int
    domain: str


BEFORE_ALL: Final = Lane(-1, "")


class Waiting(NamedTuple):
    """A lane and when its earliest copy is due (seconds UTC); a leased copy counts with the end of its lease."""

    lane: Lane
    due_at: float


_COLUMNS: Final = "SELECT tenant_id, domain, due_at FROM recipient WHERE state = 0 AND"
_ORDER: Final = "ORDER BY tenant_id, domain, due_at LIMIT 1"
# Not `(tenant_id, domain) > (?, ?)`: for that SQLite steps through all of the lane before.
SAME_TENANT: Final = f"{_COLUMNS} tenant_id = ? AND domain > ? {_ORDER}"
NEXT_TENANT: Final = f"{_COLUMNS} tenant_id > ? {_ORDER}"


def waiting(conn: Tx, after: Lane = BEFORE_ALL) -> Iterator[Waiting]:
    """All lanes behind ``after`` that have READY copies, in order; each costs a step or two in the index."""
    while True:
        row = conn.execute(SAME_TENANT, after).fetchone()
        if row is None:
            row = conn.execute(NEXT_TENANT, after[:1]).fetchone()
        if row is None:
            return
        after = Lane(row[0], row[1])
        yield Waiting(after, float(row[2]))
