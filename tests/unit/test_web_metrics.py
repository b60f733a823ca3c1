"""Figures of the store: bounded, cheap, and counters that follow new rows."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from relay.store.database import transaction
from relay.web import metrics
from relay.web.peer import Insiders
from tests.support.store import of_a_file, pool
from tests.support.web import Shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(metrics, "KEPT_S", 0.0)
    return Shop.create(tmp_path)


def figures(known: metrics.Metrics) -> dict[str, float]:
    lines = generate_latest(known.registry).decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def enqueue(shop: Shop, number: int, state: int, due_at: float) -> None:
    shop.conn.execute(
        "INSERT INTO recipient (submission_id, number, tenant_id, subscriber_id, address, domain, state, due_at,"
        " changed_at) VALUES (1, ?, 1, 1, 'a@example.com', 'example.com', ?, ?, 0)",
        (number, state, due_at),
    )


def test_counters_follow_new_rows_only(shop: Shop) -> None:
    shop.consent("before@example.com", "news")
    known = metrics.Metrics(pool(shop.settings.database), Insiders(()))
    assert 'relay_consents_total{action="given"}' not in figures(known)
    shop.consent("after@example.com", "news")
    shop.consent("after@example.com", "offers")
    assert figures(known)['relay_consents_total{action="given"}'] == 2
    with transaction(shop.conn):
        shop.conn.execute("DELETE FROM consent_history")
        shop.conn.execute("INSERT INTO event (tenant_id, at, kind) VALUES (1, 0, 'delivered')")
    assert figures(known)['relay_consents_total{action="given"}'] == 2
    assert figures(known)['relay_events_total{kind="delivered"}'] == 1


def test_counting_stops_at_the_cap(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "CAP", 3)
    with transaction(shop.conn):
        for number in range(5):
            enqueue(shop, number, 0, time.time() - 100)
        enqueue(shop, 5, 1, 0)
    found = figures(metrics.Metrics(pool(shop.settings.database), Insiders(())))
    assert found['relay_queue_recipients{state="ready"}'] == 3
    assert found['relay_queue_recipients{state="held"}'] == 1
    assert found["relay_queue_late_seconds"] >= 100


@of_a_file("plans of its queries")
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM recipient WHERE state = 0",
        "SELECT 1 FROM recipient WHERE state = 1",
        "SELECT 1 FROM recipient WHERE state = 0 AND tenant_id = 1 AND domain = 'x' AND due_at <= 1",
        "SELECT state, count(*) FROM campaign WHERE state IN ('staged', 'watching', 'undecided', 'stopped')"
        " GROUP BY state",
    ],
)
def test_figures_come_from_partial_indexes(shop: Shop, sql: str) -> None:
    plan = " ".join(row[3] for row in shop.conn.execute("EXPLAIN QUERY PLAN " + sql))
    assert "recipient_due" in plan or "recipient_held" in plan or "campaign_running" in plan
