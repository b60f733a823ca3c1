"""What a plan allows, and until when (R19 to R21).

The free plan runs by calendar months (UTC), without end. A paid plan runs for
its ``days`` from its start; once that is over the tenant is on the free plan,
without a write (R22).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from relay.ledger import counters
from relay.store.contract import Tx
from relay.values.errors import RegistryError
from relay.values.facts import Allowance

FREE: Final = "free"
DAY_S: Final = 86_400.0
_MONTH: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")


class PlanTerms(Protocol):
    """``[plans.NAME]`` of the settings; 0 messages or subscribers: unlimited."""

    @property
    def messages(self) -> int: ...
    @property
    def subscribers(self) -> int: ...
    @property
    def days(self) -> int: ...


@dataclass(frozen=True, slots=True)
class HeldPlan:
    """The plan a tenant has: name, and start and end in seconds UTC (None: no end)."""

    plan: str
    started_at: float
    ends_at: float | None


def allowance(
    plan: str,
    started_at: float,
    ends_at: float | None,
    plans: Mapping[str, PlanTerms],
    now: float,
    bonus: int = 0,
) -> Allowance:
    """What the tenant may do at ``now``.

    ``bonus`` are messages carried over into the running period of a paid plan
    (R21). A plan that is over, or that the settings don't know any more, counts
    as the free one.
    """
    terms = plans.get(plan)
    if plan == FREE or terms is None or ends_at is None or now >= ends_at:
        return _allowance(FREE, plans[FREE], _month(now), _next_month(now), 0)
    return _allowance(plan, terms, paid_period(plan, started_at), ends_at, bonus)


def paid_period(plan: str, started_at: float) -> str:
    """Key of a paid period, e.g. ``small-1790000000``: part of its counters' names."""
    return f"{plan}-{int(started_at)}"


def read_period(period: str) -> tuple[str, float, bool]:
    """(plan, its beginning in seconds UTC, whether it is a month of the free plan) of a period's key."""
    if _MONTH.fullmatch(period):
        return FREE, datetime(int(period[:4]), int(period[5:]), 1, tzinfo=UTC).timestamp(), True
    plan, _, began = period.rpartition("-")
    return plan, float(began) if began.isdigit() else 0.0, False


def bonus_counter(period: str) -> str:
    """Counter that holds the messages carried over into ``period``."""
    return f"bonus/{period}"


def read_bonus(conn: Tx, tenant_id: int, plan: str, started_at: float) -> int:
    """Messages carried over into the paid period that began at ``started_at``."""
    name = bonus_counter(paid_period(plan, started_at))
    row = conn.execute("SELECT value FROM counter WHERE tenant_id = ? AND name = ?", (tenant_id, name)).fetchone()
    return int(row[0]) if row else 0


def following(plan: str, plans: Mapping[str, PlanTerms], now: float) -> HeldPlan:
    """What a tenant holds that is put on ``plan`` now; raises RegistryError for a plan that there isn't."""
    if plan not in plans:
        raise RegistryError(f"there is no plan {plan!r}; there are: {', '.join(plans)}")
    return HeldPlan(plan, now, None if plan == FREE else now + plans[plan].days * DAY_S)


def carry_over(
    conn: Tx, tenant_id: int, held: HeldPlan, after: HeldPlan, plans: Mapping[str, PlanTerms], now: float
) -> None:
    """At an upgrade from a paid plan that still runs, add its unsent rest to the next one's messages (R21)."""
    rest = _unsent_rest(conn, tenant_id, held, after, plans, now)
    if rest:
        counters.set_(conn, tenant_id, bonus_counter(paid_period(after.plan, after.started_at)), rest)


def _unsent_rest(
    conn: Tx, tenant_id: int, held: HeldPlan, after: HeldPlan, plans: Mapping[str, PlanTerms], now: float
) -> int:
    if after.ends_at is None or not _is_upgrade(held.plan, after.plan, plans):
        return 0
    bonus = read_bonus(conn, tenant_id, held.plan, held.started_at)
    old = allowance(held.plan, held.started_at, held.ends_at, plans, now, bonus)
    if old.plan == FREE or old.messages is None:
        return 0
    row = conn.execute(
        "SELECT value FROM counter WHERE tenant_id = ? AND name = ?", (tenant_id, f"messages/{old.period}")
    ).fetchone()
    return max(0, old.messages - (int(row[0]) if row else 0))


def _is_upgrade(old: str, new: str, plans: Mapping[str, PlanTerms]) -> bool:
    return old in plans and 0 < plans[old].messages < plans[new].messages


def _allowance(plan: str, terms: PlanTerms, period: str, renews_at: float, bonus: int) -> Allowance:
    messages = terms.messages + bonus if terms.messages else None
    return Allowance(plan, period, messages, terms.subscribers or None, renews_at)


def _month(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m")


def _next_month(now: float) -> float:
    moment = datetime.fromtimestamp(now, UTC)
    year, month = (moment.year + 1, 1) if moment.month == 12 else (moment.year, moment.month + 1)
    return datetime(year, month, 1, tzinfo=UTC).timestamp()
