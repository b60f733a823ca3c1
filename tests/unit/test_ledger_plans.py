"""Plans and quota: periods, running out, upgrades (R19 to R22)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relay.ledger import plans, quota
from relay.ledger.plans import HeldPlan
from relay.mail.address import parse_address
from relay.store.database import connect, migrate
from relay.tenants import tenants
from relay.tenants.plan import change
from relay.values import tenant
from relay.values.errors import RegistryError
from relay.values.facts import Allowance


@dataclass(frozen=True)
class Terms:
    messages: int
    subscribers: int = 0
    days: int = 30


PLANS = {
    "free": Terms(3000, 300),
    "small": Terms(10_000),
    "medium": Terms(100_000, 5000),
    "unlimited": Terms(0),
}
DAY = 86_400.0


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    migrate(tmp_path / "relay.db")
    connection = connect(tmp_path / "relay.db")
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("now", "period", "renews"),
    [
        ("2026-11-01T00:00:00", "2026-11", "2026-12-01"),
        ("2026-11-30T23:59:59.999", "2026-11", "2026-12-01"),
        ("2026-12-31T23:59:59", "2026-12", "2027-01-01"),
        ("2028-02-29T12:00:00", "2028-02", "2028-03-01"),
    ],
)
def test_the_free_plan_runs_by_calendar_months(now: str, period: str, renews: str) -> None:
    assert plans.allowance("free", 0.0, None, PLANS, at(now)) == Allowance("free", period, 3000, 300, at(renews))


def test_a_paid_plan_runs_from_its_start_to_its_end() -> None:
    start = at("2026-11-10T08:00:00")
    end = start + 30 * DAY
    expected = Allowance("small", f"small-{int(start)}", 10_000, None, end)
    assert plans.allowance("small", start, end, PLANS, start) == expected
    assert plans.allowance("small", start, end, PLANS, end - 1) == expected


def test_a_paid_plan_that_is_over_is_the_free_one() -> None:
    start = at("2026-11-10T08:00:00")
    end = start + 30 * DAY
    assert plans.allowance("small", start, end, PLANS, end) == Allowance("free", "2026-12", 3000, 300, at("2027-01-01"))


def test_a_plan_that_the_settings_lost_is_the_free_one() -> None:
    assert plans.allowance("gone", 0.0, 9e9, PLANS, at("2026-11-10")).plan == "free"


def test_nothing_of_a_bonus_goes_to_an_unlimited_or_free_plan() -> None:
    assert plans.allowance("unlimited", 0.0, 9e9, PLANS, 1.0, 5).messages is None
    assert plans.allowance("free", 0.0, None, PLANS, 1.0, 5).messages == 3000
    assert plans.allowance("small", 0.0, 9e9, PLANS, 1.0, 5).messages == 10_005


def _tenant(conn: sqlite3.Connection, now: float) -> tenant.TenantRow:
    return tenants.add(conn, "shop", parse_address("o@shop.example"), actor="anna", now=now)


def _change(conn: sqlite3.Connection, plan: str, now: float) -> Allowance:
    row = tenants.find(conn, "shop")
    change(conn, row.id, HeldPlan(row.plan, row.plan_started_at, row.plan_ends_at), plan, PLANS, now)
    return quota.allowance(conn, tenants.find(conn, "shop"), PLANS, now)


def _use(conn: sqlite3.Connection, tenant_id: int, period: str, messages: int) -> None:
    name = quota.messages_counter(period)
    conn.execute("INSERT INTO counter (tenant_id, name, value) VALUES (?, ?, ?)", (tenant_id, name, messages))


def test_an_upgrade_adds_the_unsent_rest_and_begins_anew(conn: sqlite3.Connection) -> None:
    now = at("2026-11-10")
    shop = _tenant(conn, now)
    small = _change(conn, "small", now)
    _use(conn, shop.id, small.period, 4000)
    medium = _change(conn, "medium", now + DAY)
    assert (medium.messages, medium.subscribers) == (106_000, 5000)
    assert medium.renews_at == now + 31 * DAY
    report = quota.report(conn, tenants.find(conn, "shop"), PLANS, now + DAY)
    assert (report["messages_used"], report["messages_limit"]) == (0, 106_000)


def test_the_rest_of_the_free_plan_is_not_carried_over(conn: sqlite3.Connection) -> None:
    now = at("2026-11-10")
    _tenant(conn, now)
    assert _change(conn, "small", now).messages == 10_000


def test_an_upgrade_after_the_end_adds_nothing(conn: sqlite3.Connection) -> None:
    now = at("2026-11-10")
    _tenant(conn, now)
    _change(conn, "small", now)
    assert _change(conn, "medium", now + 31 * DAY).messages == 100_000


def test_neither_downgrade_nor_renewal_carries_over(conn: sqlite3.Connection) -> None:
    now = at("2026-11-10")
    _tenant(conn, now)
    _change(conn, "medium", now)
    assert _change(conn, "small", now + DAY).messages == 10_000
    assert _change(conn, "small", now + 2 * DAY).messages == 10_000


def test_a_bonus_is_carried_over_again(conn: sqlite3.Connection) -> None:
    now = at("2026-11-10")
    _tenant(conn, now)
    larger = PLANS | {"large": Terms(1_000_000)}
    _change(conn, "small", now)
    _change(conn, "medium", now + DAY)
    row = tenants.find(conn, "shop")
    change(conn, row.id, HeldPlan(row.plan, row.plan_started_at, row.plan_ends_at), "large", larger, now + 2 * DAY)
    assert quota.allowance(conn, tenants.find(conn, "shop"), larger, now + 2 * DAY).messages == 1_110_000


def test_an_unknown_plan_is_refused_with_those_there_are(conn: sqlite3.Connection) -> None:
    _tenant(conn, 0.0)
    with pytest.raises(RegistryError, match="free, small, medium, unlimited"):
        _change(conn, "huge", 1.0)


def test_the_report_counts_the_running_month(conn: sqlite3.Connection) -> None:
    shop = _tenant(conn, 0.0)
    _use(conn, shop.id, "2026-11", 7)
    _use(conn, shop.id, "2026-10", 9)
    report = quota.report(conn, shop, PLANS, at("2026-11-10"))
    assert report == {
        "tenant": "shop",
        "plan": "free",
        "period": "2026-11",
        "messages_used": 7,
        "messages_limit": 3000,
        "subscribers_used": 0,
        "subscribers_limit": 300,
        "renews_at": at("2026-12-01"),
    }
