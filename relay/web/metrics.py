"""``/metrics``: figures for Prometheus, cheap however large the store is.

Gauges come from partial indexes and stop counting at ``CAP``; counters of
events and consents follow new rows from the start of this process on, so they
begin at 0 after a restart, as Prometheus expects. The database is asked at
most once in ``KEPT_S`` seconds. Leased and finished copies have no index and
are not counted; the events say what became of them.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from relay.queue.lanes import Lane, waiting
from relay.store import marks
from relay.store.contract import Tx
from relay.store.pool import Storage, Unavailable
from relay.web import problems
from relay.web.delivery_times import DeliveryTimes
from relay.web.machine import MachineFigures
from relay.web.peer import Insiders

KEPT_S: Final = 5.0
CAP: Final = 100_000
MOST_LANES: Final = 10_000
ROWS_A_STEP: Final = 500_000
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_RUNNING: Final = ("staged", "watching", "undecided", "stopped")
disable_created_metrics()  # type: ignore[no-untyped-call]  # twice the lines, and nobody asks for them


class Metrics:
    """Counts requests; answers with them and with the store's figures, to insiders only."""

    def __init__(self, storage: Storage, insiders: Insiders, machine: MachineFigures | None = None) -> None:
        self._insiders = insiders
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "relay_http_requests", "HTTP requests answered.", ["route", "method", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "relay_http_request_seconds",
            "Time to answer.",
            ["route"],
            buckets=(0.005, 0.02, 0.1, 0.5, 2, 10),
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)
        self.registry.register(_StoreFigures(storage))
        if machine is not None:
            self.registry.register(machine)

    def observe(self, route: str, method: str, status: int, took_s: float) -> None:
        """One answered request; labels are bounded."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(took_s)

    def routes(self) -> list[Route]:
        return [Route("/metrics", self.metrics)]

    async def metrics(self, request: Request) -> Response:
        """The figures, for a scraper in one of the networks that the settings name."""
        if not self._insiders.has(request.scope):
            detail = "metrics are given to the networks of [http] metrics_from; let the scraper connect from there"
            return problems.response(problems.document(403, detail=detail))
        text = await run_in_threadpool(generate_latest, self.registry)
        return Response(text, media_type=CONTENT_TYPE)


class _NewRows:
    """Counts new rows of an append-only table by one column."""

    def __init__(self, table: str, column: str, counted: str = "count(*)", but: str = "") -> None:
        self._newest = f"SELECT coalesce(max(id), 0) FROM {table}"
        self._step = f"SELECT {column}, {counted} FROM {table} WHERE id > ? AND id <= ?{but} GROUP BY {column}"
        self._seen: int | None = None
        self.counts: Tally[str] = Tally()

    def follow(self, conn: Tx) -> None:
        newest = int(conn.execute(self._newest).fetchone()[0])
        if self._seen is None or newest < self._seen:  # start; or the table was emptied
            self._seen = newest
            return
        until = min(newest, self._seen + ROWS_A_STEP)
        for value, count in conn.execute(self._step, (self._seen, until)):
            self.counts[value] += count
        self._seen = until


class _StoreFigures:
    """A Prometheus collector over the store."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lock = threading.Lock()
        self._known_at = -KEPT_S
        self._known: list[Metric] = []
        self._events = _NewRows("event", "kind", "sum(amount)", " AND tenant_id >= 0")
        self._consents = _NewRows("consent_history", "action")
        self._latency = DeliveryTimes()

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if time.monotonic() - self._known_at >= KEPT_S:
                try:
                    with self._storage.read() as conn:
                        self._known = [_up(1), *self._read(conn)]
                except Unavailable:
                    self._known = [_up(0)]
                self._known_at = time.monotonic()
            yield from self._known

    def _read(self, conn: Tx) -> Iterator[Metric]:
        queue = GaugeMetricFamily(
            "relay_queue_recipients", f"Copies in the queue; counting stops at {CAP}.", labels=["state"]
        )
        queue.add_metric(["ready"], _capped(conn, "recipient WHERE state = 0"))
        queue.add_metric(["held"], _capped(conn, "recipient WHERE state = 1"))
        now = time.time()
        lanes = list(itertools.islice(waiting(conn), MOST_LANES))
        queue.add_metric(["due"], _due(conn, [one.lane for one in lanes if one.due_at <= now], now))
        yield queue
        oldest = min((one.due_at for one in lanes), default=None)
        late = GaugeMetricFamily("relay_queue_late_seconds", "How long the copy that waits longest has been due.")
        late.add_metric([], 0 if oldest is None else max(0.0, now - oldest))
        yield late
        yield _grouped(
            conn,
            GaugeMetricFamily("relay_tenants", "Tenants by what is frozen.", labels=["frozen"]),
            "SELECT freeze, count(*) FROM tenant GROUP BY freeze",
        )
        running = GaugeMetricFamily("relay_campaigns", "Campaigns that staged sending still holds.", labels=["state"])
        names = ", ".join(f"'{name}'" for name in _RUNNING)
        found = dict(conn.execute(f"SELECT state, count(*) FROM campaign WHERE state IN ({names}) GROUP BY state"))
        for state in _RUNNING:
            running.add_metric([state], found.get(state, 0))
        yield running
        yield from self._counters(conn)
        self._latency.follow(conn)
        yield self._latency.family()
        made_at = marks.read(conn, marks.BACKED_UP)
        text = "When the newest backup was made by `relay backup`; 0: never."
        yield GaugeMetricFamily("relay_backup_timestamp_seconds", text, value=made_at or 0)

    def _counters(self, conn: Tx) -> Iterator[Metric]:
        for follower, name, text, label in (
            (self._events, "relay_events", "Events since this process started.", "kind"),
            (
                self._consents,
                "relay_consents",
                "Consents given and withdrawn, suppressions added and lifted since this process started.",
                "action",
            ),
        ):
            follower.follow(conn)
            family = CounterMetricFamily(name, text, labels=[label])
            for value, count in sorted(follower.counts.items()):
                family.add_metric([value], count)
            yield family


def _up(value: int) -> Metric:
    return GaugeMetricFamily("relay_store_up", "1 if the database can be read.", value=value)


def _capped(conn: Tx, rows: str, *values: object) -> int:
    """Count rows of a partial index, at most CAP of them."""
    return int(
        conn.execute(f"SELECT count(*) FROM (SELECT 1 FROM {rows} LIMIT {CAP}) AS counted", values).fetchone()[0]
    )


def _due(conn: Tx, lanes: Iterable[Lane], now: float) -> int:
    """Copies in these lanes that are due, at most CAP."""
    found = 0
    for lane in lanes:
        found += _capped(conn, "recipient WHERE state = 0 AND tenant_id = ? AND domain = ? AND due_at <= ?", *lane, now)
        if found >= CAP:
            return CAP
    return found


def _grouped(conn: Tx, family: GaugeMetricFamily, sql: str) -> Metric:
    for value, count in conn.execute(sql):
        family.add_metric([value], count)
    return family
