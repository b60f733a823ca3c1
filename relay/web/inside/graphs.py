"""Figures over time and by their parts, for the account's pages: the same sums as commands and API have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from relay.campaigns.campaigns import Campaign
from relay.statistics import breakdown
from relay.statistics.breakdown import StatisticsRow, StatisticsWanted
from relay.store.contract import Tx
from relay.web.inside.chart import Chart, chart

DAY_S: Final = breakdown.DAY_S
HOUR_S: Final = breakdown.HOUR_S
DAYS: Final = 14
"""Of the start page."""
MOST_HOURS: Final = 72
"""A campaign that has sent for longer is shown by day."""
MOST_BARS: Final = 60
ROWS: Final = 10
"""Of tables by site and class: the largest."""
PARTS: Final = ("delivered", "bounced")
OPENED: Final = ("opened_human", "clicked_human")


@dataclass(frozen=True, slots=True)
class CampaignGraphs:
    """``over_time`` None: nothing has happened. ``tracked``: openings and clicks are known of this one."""

    over_time: Chart | None
    sites: Sequence[StatisticsRow]
    classes: Sequence[StatisticsRow]
    links: Sequence[StatisticsRow]
    tracked: bool


def of_tenant(conn: Tx, tenant_id: int, now: float) -> Chart:
    """The last two weeks, today with them."""
    today = int(now // DAY_S)
    rows = breakdown.of(conn, StatisticsWanted(tenant_id, "day", today - DAYS + 1, DAYS))
    return chart(PARTS, _by_number(rows, DAY_S), today - DAYS + 1, today, DAY_S)


def of_campaign(conn: Tx, row: Campaign) -> CampaignGraphs:
    first = int(row.created_at // DAY_S)  # the sums of earlier days hold nothing of it

    def by(what: str, limit: int) -> list[StatisticsRow]:
        return breakdown.of(conn, StatisticsWanted(row.tenant_id, what, first, limit, campaign_id=row.id))

    sites, links = by("site", ROWS), by("link", ROWS)
    tracked = any(one["opened"] or one["clicked"] for one in sites)
    return CampaignGraphs(_over_time(by("hour", 24 * MOST_BARS)), sites, by("class", ROWS), links, tracked)


def _over_time(hours: Sequence[StatisticsRow]) -> Chart | None:
    counts = _by_number([one for one in hours if one["delivered"] or one["bounced"]], HOUR_S)
    if not counts:
        return None
    first, last = min(counts), max(counts)
    if last - first < MOST_HOURS:
        return chart(PARTS, counts, first, last, HOUR_S)
    days: dict[int, dict[str, int]] = {}
    for hour, found in counts.items():
        of_day = days.setdefault(hour * HOUR_S // DAY_S, dict.fromkeys(PARTS, 0))
        for name in PARTS:
            of_day[name] += found[name]
    end = max(days)
    return chart(PARTS, days, max(min(days), end - MOST_BARS + 1), end, DAY_S)


def _by_number(rows: Sequence[StatisticsRow], step_s: int) -> dict[int, Mapping[str, int]]:
    """Rows by the number of their day or hour, which their key spells."""
    return {int(_moment(one.key) // step_s): one for one in rows}


def _moment(key: str) -> float:
    """``2026-11-30`` or ``2026-11-30T04:00Z``, both UTC."""
    return datetime.fromisoformat(key.removesuffix("Z") + ("+00:00" if "T" in key else "T00:00+00:00")).timestamp()
