"""The watch over tenants: follows events, judges those whose mail had an outcome, and ages the others' rates."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from config.settings import Settings
from relay.conduct import judge, sums
from relay.events import follow
from relay.events.follow import Follower
from relay.queue.operator import Operator
from relay.store.chores import turns
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.store.engines import StoreAddress
from relay.store.kept import KeptConnection

_log = logging.getLogger("relay.conduct")

EVERY_S: Final = 5.0
AGAIN_S: Final = 30.0
"""After a turn that failed."""
AGING_S: Final = 3600.0
"""So often levels are looked at of those who send nothing any more."""
KEPT_S: Final = 2 * 86_400.0
"""Sums are kept so much longer than the window."""


class TenantWatch:
    """Use its turns from one thread at a time; by one process of a relay."""

    def __init__(self, path: StoreAddress, settings: Settings, clock: Callable[[], float]) -> None:
        self._kept = KeptConnection(path)
        self._settings = settings
        self._operator = Operator.of(settings)
        self._clock = clock
        self._touched: set[int] = set()
        self._aged_at = 0.0
        self._follower = Follower(sums.NAME, sums.read, self._write)

    def _write(self, conn: Tx, batch: sums.RateBatch) -> None:
        sums.write(conn, batch)
        self._touched |= batch.tenants

    async def run(self) -> None:
        """Until cancelled; a turn that is begun is ended."""
        fault = "tenants' rates can't be judged, trying again"
        await turns(self._kept, self.turn, every_s=EVERY_S, again_s=AGAIN_S, log=_log, fault=fault)

    def turn(self) -> None:
        """Everything that has happened so far."""
        with self._kept.use() as conn:
            while follow.step(conn, self._follower):
                pass
            now = self._clock()
            if not 0 <= now - self._aged_at < AGING_S:
                self._age(conn, now)
            for tenant_id in sorted(self._touched):
                self._judge(conn, tenant_id, now)
                self._touched.discard(tenant_id)

    def _age(self, conn: Tx, now: float) -> None:
        """Also at start: a batch may have been stored by one who died before it judged."""
        self._touched |= {int(row[0]) for row in conn.execute("SELECT DISTINCT tenant_id FROM rate_sum")}
        self._touched |= {int(row[0]) for row in conn.execute("SELECT DISTINCT tenant_id FROM rate_level")}
        with transaction(conn):
            sums.forget(conn, now - self._settings.rates.window - KEPT_S)
        self._aged_at = now

    def _judge(self, conn: Tx, tenant_id: int, now: float) -> None:
        if conn.execute("SELECT 1 FROM tenant WHERE id = ?", (tenant_id,)).fetchone() is None:
            return
        with transaction(conn):
            rose = judge.judge(conn, self._operator, tenant_id, self._settings.rates, now)
        for one in rose:
            _log.warning(
                "tenant=%d %s: %s %d of %d is %s",
                tenant_id,
                one.counts.name,
                one.measure,
                one.count,
                one.of,
                one.level.word,
            )
