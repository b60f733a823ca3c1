"""``relay availability``: how much of each month the relay could be used (R35), and what was answered in time (R36)."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from relay.availability import months
from relay.availability.book import MINUTE_S, AvailabilityKind, Outage
from relay.availability.months import MonthFigures
from relay.cli.common import json_option, open_store, output, print_json, say
from relay.cli.moments import brief, iso

COLUMNS = ("month", "service", "support", "minutes_down", "announced", "answers_due", "in_time")
OUTAGE_COLUMNS = ("what", "from", "until", "minutes", "announced")
MOST_SHOWN = 50


@click.command()
@click.option(
    "--months", "count", type=click.IntRange(1, months.MOST_MONTHS), default=12, show_default=True,
    help="So many, the running one with them.",
)  # fmt: skip
@json_option
@click.pass_context
def command(ctx: click.Context, count: int, as_json: bool) -> None:
    """How much of each month the relay could be used, and when it could not.

    Measured by the HTTP process, to the minute, in UTC's months: service is mail and pages together, support is that
    requests can be written on the pages. A minute in which nothing ran counts as one in which it could not be used,
    and so does announced planned work, which is shown beside. What is due are answers to support requests.
    """
    store, now = open_store(ctx), time.time()
    rows, outages = months.figures(store.conn, now, count)
    if as_json:
        print_json({"months": [_fields(one) for one in rows], "outages": [_outage(one, iso) for one in outages]})
        return
    if not rows:
        say("nothing was measured as yet: the HTTP process (listen.http) does it while it runs")
        return
    output(ctx, [_shown(one) for one in rows], COLUMNS, False)
    if outages:
        say("")
        output(ctx, [_outage(one, brief) for one in outages[:MOST_SHOWN]], OUTAGE_COLUMNS, False)
        if len(outages) > MOST_SHOWN:
            say(f"and {len(outages) - MOST_SHOWN} before; --json has all")


def _fields(row: MonthFigures) -> dict[str, object]:
    shares = {
        str(kind): None
        if one is None
        else {"percent": one.percent, "kept": one.kept, "minutes": one.measured, "down": one.down,
              "announced": one.announced}
        for kind, one in ((kind, row.shares.get(kind)) for kind in AvailabilityKind)
    }  # fmt: skip
    return {"month": row.month, **shares, "answers_due": row.due, "in_time": row.in_time}


def _shown(row: MonthFigures) -> dict[str, object]:
    service = row.shares.get(AvailabilityKind.SERVICE)
    percents = {str(kind): f"{one.percent:.3f} %" for kind, one in row.shares.items()}
    down = {} if service is None else {"minutes_down": service.down, "announced": service.announced}
    return {"month": row.month, **percents, **down, "answers_due": row.due, "in_time": row.in_time}


def _outage(one: Outage, moment: Callable[[float], str]) -> dict[str, object]:
    until = moment(one.until_minute * MINUTE_S) if one.over else None
    return {"what": str(one.kind), "from": moment(one.from_minute * MINUTE_S), "until": until, "minutes": one.minutes,
            "announced": one.announced}  # fmt: skip
