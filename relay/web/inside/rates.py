"""A campaign's rates with the shares between which the true ones lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relay.campaigns.campaigns import Campaign
from relay.values.binomial import interval

RATES: Final = ("bounced", "unsubscribed", "complained", "contested")


@dataclass(frozen=True, slots=True)
class ShownRate:
    """Percentages; ``of`` 0: nothing can be said."""

    name: str
    count: int
    of: int
    percent: float
    low: float
    high: float


def of_campaign(row: Campaign) -> list[ShownRate]:
    """By Clopper and Pearson, as the verdict's words have it."""
    found = []
    for name in RATES:
        count = int(getattr(row, name))
        of = max(count, row.delivered + row.bounced if name == "bounced" else row.delivered)
        low, high = interval(of, count) if of else (0.0, 1.0)
        percent = 100 * count / of if of else 0.0
        found.append(ShownRate(name, count, of, round(percent, 2), round(100 * low, 2), round(100 * high, 2)))
    return found
