"""``--by`` of ``relay stats`` and ``relay campaign show``: figures by hour, day, site …, with a small chart."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click

from relay.cli.common import fail, output
from relay.statistics import breakdown
from relay.statistics.breakdown import StatisticsRow, StatisticsWanted
from relay.store.contract import Tx
from relay.store.database import reading

F = TypeVar("F", bound=Callable[..., Any])

WIDE: Final = 24
"""Cells of a row's bar, where rows are no times."""
_SHOWN: Final[dict[str, tuple[str, ...]]] = {
    "link": ("key", "clicked", "clicked_human", "chart"),
    "class": ("key", "bounced", "refused", "chart"),
}
_COLUMNS: Final = (
    "key", "accepted", "delivered", "bounced", "refused", "unsubscribed", "complained", "contested", "opened",
    "opened_human", "clicked", "clicked_human", "chart",
)  # fmt: skip
_MEASURE: Final = {"link": "clicked", "class": "bounced"}


def by_option(command: F) -> F:
    """``--by``, ``--days`` and ``--limit``, as parameters ``by``, ``days`` and ``limit``."""
    for option in (
        click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="With --by: rows."),
        click.option("--days", type=click.IntRange(1, 3660), help="With --by: so many days back, today with them."),
        click.option("--by", type=click.Choice(breakdown.BY), help="A row for each of these, with a small chart."),
    ):
        command = option(command)
    return command


def show_by(
    ctx: click.Context,
    conn: Tx,
    tenant_id: int,
    by: str,
    *,
    campaign_id: int | None,
    days: int | None,
    limit: int,
    as_json: bool,
) -> None:
    """Print the rows; fails for what doesn't go together."""
    if campaign_id is not None and by in ("tag", "campaign"):
        fail(f"--by {by} is of a tenant's campaigns together: leave the campaign out")
    most = breakdown.MOST_DAYS[by]
    if days is not None and days > most:
        fail(f"by {by} figures go {most} days back at most")
    usual = most if campaign_id is not None and by != "hour" else breakdown.USUAL_DAYS[by]
    first = int(time.time() // breakdown.DAY_S) - (days or usual) + 1
    with reading(conn):
        found = breakdown.of(conn, StatisticsWanted(tenant_id, by, first, limit, campaign_id=campaign_id))
    if as_json:
        output(ctx, [one.fields() for one in found], (), True)
        return
    bars = _bars([_measure(one, by) for one in found])
    rows = [one.fields() | {"chart": bar} for one, bar in zip(found, bars, strict=True)]
    output(ctx, rows, _shown(by, found), False)


def _measure(row: StatisticsRow, by: str) -> int:
    return row["bounced"] + row["refused"] if by == "class" else row[_MEASURE.get(by, "accepted")]


def _shown(by: str, found: Sequence[StatisticsRow]) -> Sequence[str]:
    """Columns that say something."""
    if by in _SHOWN:
        return _SHOWN[by]
    always = ("key", "accepted", "delivered", "bounced", "chart")
    return [name for name in _COLUMNS if name in always or any(row[name] for row in found)]


def _bars(values: Sequence[int]) -> list[str]:
    """A bar for each, the longest for the largest."""
    most = max(values, default=0)
    return [_bar(value, most) for value in values]


def _bar(value: int, most: int) -> str:
    if value <= 0 or most <= 0:
        return ""
    eighths = max(1, round(WIDE * 8 * value / most))
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]
