"""How long copies took from their acceptance to their delivery: a histogram of a bounded part of them."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

import msgspec
from prometheus_client.core import HistogramMetricFamily

from relay.events.write import DELIVERED, TOLD, ToldCopy
from relay.store.contract import Tx

EDGES_S: Final = (0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0, 21_600.0, 86_400.0)
MOST: Final = 500
"""Rows of events, and messages, that are looked at between two scrapes; of more these are a fair part."""
_NEWEST: Final = "SELECT coalesce(max(id), 0) FROM event"
_STEP: Final = (
    f"SELECT at, detail FROM event WHERE id > ? AND kind = '{DELIVERED}' AND number = {TOLD} AND tenant_id > 0"
    " ORDER BY id DESC LIMIT ?"
)
_COPIES: Final = msgspec.json.Decoder(list[ToldCopy])


class DeliveryTimes:
    """Follows what is delivered from now on."""

    def __init__(self) -> None:
        self._seen: int | None = None
        self._counts = [0] * (len(EDGES_S) + 1)
        self._sum_s = 0.0

    def follow(self, conn: Tx) -> None:
        """See what was delivered since the last look."""
        newest = int(conn.execute(_NEWEST).fetchone()[0])
        seen, self._seen = self._seen, newest
        if seen is None or newest <= seen:
            return
        looked_at = 0
        for at, detail in conn.execute(_STEP, (seen, MOST)).fetchall():
            for _, _, submission_id, _ in _COPIES.decode(detail):
                if looked_at == MOST:
                    return
                looked_at += 1
                row = conn.execute("SELECT accepted_at FROM submission WHERE id = ?", (submission_id,)).fetchone()
                if row is not None:
                    self._took(max(0.0, at - row[0]))

    def _took(self, seconds: float) -> None:
        self._counts[bisect_left(EDGES_S, seconds)] += 1
        self._sum_s += seconds

    def family(self) -> HistogramMetricFamily:
        """Buckets as Prometheus wants them: each with all below it."""
        total, buckets = 0, []
        for edge, count in zip((*map(str, EDGES_S), "+Inf"), self._counts, strict=True):
            total += count
            buckets.append((edge, float(total)))
        text = f"From acceptance to delivery; of at most {MOST} copies between two scrapes."
        return HistogramMetricFamily("relay_delivery_seconds", text, buckets=buckets, sum_value=self._sum_s)
