"""What became of the mail, added up by tenant, day, stream and kind: what ``relay stats`` reads.

Sums last when events and copies are long deleted. What happened since the
follower's last turn is added as it is read, so that figures are of this moment.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from relay.events.write import DELIVERED, RETURNED, TOLD, ToldCopy
from relay.store.contract import Tx

NAME: Final = "daily"
DAY_S: Final = 86_400
Sums = Counter[tuple[int, int, int, str]]
"""By (tenant_id, day since the epoch in UTC, stream_id or 0, kind)."""

# Notices to senders (stream 0) are the relay's own mail, not the tenant's.
_EVENTS: Final = f"""
SELECT e.tenant_id, CAST(e.at AS BIGINT) / {DAY_S}, coalesce(s.stream_id, 0), e.kind, sum(e.amount)
  FROM event e LEFT JOIN submission s ON s.id = e.submission_id
 WHERE e.id > ? AND e.id <= ? AND e.tenant_id > 0 AND coalesce(e.number, 0) <> {TOLD}
   AND (s.stream_id IS NULL OR s.stream_id <> 0)
 GROUP BY 1, 2, 3, 4
"""
_TOLD: Final = f"""
SELECT CAST(at AS BIGINT) / {DAY_S}, kind, detail FROM event WHERE id > ? AND id <= ? AND number = {TOLD}
"""
_COPIES: Final = msgspec.json.Decoder(list[ToldCopy])


def read(conn: Tx, after: int, until: int) -> Sums:
    """What the events of (after, until] add up to."""
    sums: Sums = Counter()
    for tenant_id, day, stream_id, kind, amount in conn.execute(_EVENTS, (after, until)):
        if amount:
            sums[tenant_id, day, stream_id, kind] += amount
    for day, kind, detail in conn.execute(_TOLD, (after, until)):
        for tenant_id, stream_id, _, _ in _COPIES.decode(detail):
            if stream_id and tenant_id > 0:
                sums[tenant_id, day, stream_id, kind] += 1
    return sums


def write(conn: Tx, sums: Sums) -> None:
    """Add them to what there is, in the caller's transaction."""
    conn.executemany(
        "INSERT INTO daily (tenant_id, day, stream_id, kind, value) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (tenant_id, day, stream_id, kind) DO UPDATE SET value = daily.value + excluded.value",
        [(*key, value) for key, value in sorted(sums.items())],
    )


def of_tenant(conn: Tx, tenant_id: int) -> Counter[str]:
    """Everything of a tenant by kind, up to this moment; call it in a transaction, or it may count a batch twice.

    ``delivered`` is less what came back afterwards, which is in ``bounced``.
    """
    found: Counter[str] = Counter(
        dict(conn.execute("SELECT kind, sum(value) FROM daily WHERE tenant_id = ? GROUP BY kind", (tenant_id,)))
    )
    after, until = conn.execute(
        "SELECT coalesce((SELECT position FROM follower WHERE name = ?), 0), (SELECT max(id) FROM event)", (NAME,)
    ).fetchone()
    for (whose, _, _, kind), value in read(conn, after, until or 0).items():
        if whose == tenant_id:
            found[kind] += value
    # A report may be here before the delivery is written down.
    found[DELIVERED] = max(0, found[DELIVERED] - found[RETURNED])
    found["bounced"] += found[RETURNED]
    return found


def by_day(conn: Tx, tenant_id: int, first: int, stream_id: int | None = None) -> list[tuple[int, str, int]]:
    """(day, kind, value) since a day, up to this moment; ``returned`` are copies of ``delivered`` that came back."""
    found: Counter[tuple[int, str]] = Counter()
    rows = conn.execute(
        "SELECT day, kind, stream_id, value FROM daily WHERE tenant_id = ? AND day >= ?", (tenant_id, first)
    ).fetchall()
    after, until = conn.execute(
        "SELECT coalesce((SELECT position FROM follower WHERE name = ?), 0), (SELECT max(id) FROM event)", (NAME,)
    ).fetchone()
    new = read(conn, after, until or 0).items()
    rows += [(day, kind, of, value) for (whose, day, of, kind), value in new if whose == tenant_id and day >= first]
    for day, kind, of, value in rows:
        if stream_id is None or of == stream_id:
            found[day, kind] += value
    return [(day, kind, value) for (day, kind), value in sorted(found.items())]
