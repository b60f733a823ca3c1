"""What happened within the last minute or so, by tenant and kind, however many events there are."""

from __future__ import annotations

from collections import Counter
from typing import Final

from relay.store.contract import Tx

MOST: Final = 200_000
"""Events that are looked at; of more, the newest."""


def since(conn: Tx, at: float) -> Counter[tuple[int, str]]:
    """Copies (of what concerns no copy: times) by (tenant_id, kind) since then, in seconds UTC."""
    first = max(_first_after(conn, at), _newest(conn) - MOST + 1)
    rows = conn.execute(
        "SELECT tenant_id, kind, sum(amount) FROM event WHERE id >= ? AND at >= ? AND tenant_id > 0"
        " GROUP BY tenant_id, kind",
        (first, at),
    )
    return Counter({(int(tenant_id), str(kind)): int(amount) for tenant_id, kind, amount in rows if amount})


def _newest(conn: Tx) -> int:
    return int(conn.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0])


def _first_after(conn: Tx, at: float) -> int:
    """The first id from about then on: ids and times grow together, but for events that are written a little late."""
    low, high = 1, _newest(conn) + 1
    while low < high:
        middle = (low + high) // 2
        row = conn.execute("SELECT at FROM event WHERE id >= ? ORDER BY id LIMIT 1", (middle,)).fetchone()
        if row is None or row[0] >= at:
            high = middle
        else:
            low = middle + 1
    return low
