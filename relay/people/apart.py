"""People who get no shared copies for a while, since a report about one named them and proved nothing (R25).

A copy that goes to them alone has a reverse-path and links of their own: what
comes back to these is about them and nobody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from relay.store.contract import Tx

APART_S: Final = 30 * 86_400.0
"""As long as the next message may well take."""
STEP: Final = 500


def keep(conn: Tx, tenant_id: int, subscriber_id: int, now: float) -> None:
    """From now on; a later report makes it longer. ``now`` in seconds UTC."""
    conn.execute(
        "INSERT INTO apart (subscriber_id, tenant_id, since_at, until_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (subscriber_id) DO UPDATE SET until_at = excluded.until_at",
        (subscriber_id, tenant_id, now, now + APART_S),
    )


def any_of(conn: Tx, subscriber_ids: Sequence[int], now: float) -> bool:
    """Whether one of them is kept apart."""
    marks = ",".join("?" * len(subscriber_ids))
    sql = f"SELECT 1 FROM apart WHERE subscriber_id IN ({marks}) AND until_at > ? LIMIT 1"
    return conn.execute(sql, (*subscriber_ids, now)).fetchone() is not None


def lately(conn: Tx, tenant_id: int, since: float) -> int:
    """How many of a tenant's people were set apart since then."""
    row = conn.execute("SELECT count(*) FROM apart WHERE tenant_id = ? AND since_at > ?", (tenant_id, since)).fetchone()
    return int(row[0])


def forget(conn: Tx, now: float) -> int:
    """Delete those whose time is over, a step at most; how many."""
    sql = "DELETE FROM apart WHERE subscriber_id IN (SELECT subscriber_id FROM apart WHERE until_at < ? LIMIT ?)"
    return conn.execute(sql, (now, STEP)).rowcount
