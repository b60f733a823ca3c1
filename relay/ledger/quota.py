"""What a tenant has used of its plan, for reading; counting is the intake's (R19)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from relay.ledger import plans
from relay.store.contract import Tx
from relay.values.facts import Allowance, Usage
from relay.values.tenant import TenantRow


def messages_counter(period: str) -> str:
    """Counter of the messages accepted in a period."""
    return f"messages/{period}"


def subscribers_counter(period: str) -> str:
    """Counter, and name of the set, of the different subscribers of a period."""
    return f"subscribers/{period}"


def usage(conn: Tx, tenant_id: int, period: str) -> Usage:
    """What was used in the period."""
    messages, subscribers = messages_counter(period), subscribers_counter(period)
    rows = conn.execute(
        "SELECT name, value FROM counter WHERE tenant_id = ? AND name IN (?, ?)", (tenant_id, messages, subscribers)
    )
    found = dict(rows.fetchall())
    return Usage(found.get(messages, 0), found.get(subscribers, 0))


def counter(conn: Tx, tenant_id: int, name: str) -> int:
    """Value of one of the tenant's counters, 0 if it was never counted."""
    row = conn.execute("SELECT value FROM counter WHERE tenant_id = ? AND name = ?", (tenant_id, name)).fetchone()
    return int(row[0]) if row else 0


def counters(conn: Tx, tenant_id: int, prefix: str) -> dict[str, int]:
    """The tenant's counters whose names begin so."""
    rows = conn.execute(
        "SELECT name, value FROM counter WHERE tenant_id = ? AND name >= ? AND name < ?",
        (tenant_id, prefix, prefix + "\U0010ffff"),
    )
    return dict(rows.fetchall())


class UsedPeriod(NamedTuple):
    """What was used in one period of a plan."""

    plan: str
    begins: float
    """Seconds UTC."""
    monthly: bool
    """It is a calendar month of the free plan."""
    messages: int
    subscribers: int


def periods(conn: Tx, tenant_id: int) -> list[UsedPeriod]:
    """Every period of which something is known, the latest first."""
    messages, subscribers = (counters(conn, tenant_id, prefix) for prefix in ("messages/", "subscribers/"))
    found = []
    for name, used in messages.items():
        period = name.removeprefix("messages/")
        plan, begins, monthly = plans.read_period(period)
        found.append(UsedPeriod(plan, begins, monthly, used, subscribers.get(f"subscribers/{period}", 0)))
    return sorted(found, key=lambda one: one.begins, reverse=True)


def allowance(conn: Tx, tenant: TenantRow, terms: Mapping[str, plans.PlanTerms], now: float) -> Allowance:
    """What the tenant may do at ``now``, with what was carried over."""
    bonus = plans.read_bonus(conn, tenant.id, tenant.plan, tenant.plan_started_at)
    return plans.allowance(tenant.plan, tenant.plan_started_at, tenant.plan_ends_at, terms, now, bonus)


def report(conn: Tx, tenant: TenantRow, terms: Mapping[str, plans.PlanTerms], now: float) -> dict[str, object]:
    """Figures of the running period; a limit of None is none, ``renews_at`` in seconds UTC."""
    allowed = allowance(conn, tenant, terms, now)
    used = usage(conn, tenant.id, allowed.period)
    return {
        "tenant": tenant.name,
        "plan": allowed.plan,
        "period": allowed.period,
        "messages_used": used.messages,
        "messages_limit": allowed.messages,
        "subscribers_used": used.subscribers,
        "subscribers_limit": allowed.subscribers,
        "renews_at": allowed.renews_at,
    }
