"""Settings of plans, and those that are built in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.kinds import Table, key


class Plan(Table):
    """What a tenant may send."""

    messages: int = key(0, "Messages in a period, each recipient's copy is one; 0: unlimited.", ge=0, le=10**15)
    subscribers: int = key(0, "Different subscribers in a period; 0: unlimited.", ge=0, le=10**15)
    days: int = key(30, "Length of a period in days; `free` always runs by calendar months (UTC).", ge=1, le=3660)
    price: float = key(0.0, "Price of a period.", ge=0)


PLANS: Mapping[str, Mapping[str, int]] = {
    "free": {"messages": 3000, "subscribers": 300},
    "small": {"messages": 10_000},
    "medium": {"messages": 100_000},
    "large": {"messages": 1_000_000},
    "unlimited": {},
}
"""Built-in plans; a table `[plans.NAME]` changes single keys or adds a plan."""


def with_built_in_plans(plans: Any) -> Any:
    """What the file says of plans, on top of those."""
    if not isinstance(plans, dict):
        return plans
    changed = {name: {**base, **plans[name]} for name, base in PLANS.items() if isinstance(plans.get(name), dict)}
    return {**PLANS, **plans, **changed}
