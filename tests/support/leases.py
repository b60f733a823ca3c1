"""Leases without a worker: all lanes, as far as there is room."""

from __future__ import annotations

import sqlite3

from relay.queue.lanes import waiting
from relay.queue.lease import LEASE_S, lease_due
from relay.queue.values import Lease


def lease_all(conn: sqlite3.Connection, owner: str, now: float, most: int, lease_s: float = LEASE_S) -> list[Lease]:
    leases: list[Lease] = []
    for lane, _ in list(waiting(conn)):
        leases += lease_due(conn, owner, now, {lane: most - len(leases)}, lease_s)
    return leases
