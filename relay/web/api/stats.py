"""``/v1/stats``: what became of the mail, by hour, day, campaign, tag, recipients' domain, link or class."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from relay.statistics import breakdown
from relay.statistics.breakdown import StatisticsWanted
from relay.store.contract import Tx
from relay.store.database import reading
from relay.web.api.models_account import StatsOut, StatsRow
from relay.web.api.once import tenant
from relay.web.api.openapi import ALWAYS, errors
from relay.web.context import Context
from relay.web.problems import Problem

router = APIRouter(tags=["stats"], responses=errors(*ALWAYS))

DAY_S = breakdown.DAY_S
By = Literal["day", "hour", "campaign", "tag", "site", "link", "class"]


@router.get("/stats")
def get_stats(
    request: Request,
    by: Annotated[By, Query(description="What a row is of.")] = "day",
    since: Annotated[
        date | None, Query(description="Day (UTC); default: 30 days ago, by tag and site 7, by hour 2.")
    ] = None,
    stream: Annotated[str | None, Query(max_length=63, description="Only of this stream (by day).")] = None,
    campaign: Annotated[
        int | None, Query(ge=1, le=2**63 - 1, description="Only of this one, by its id (not by tag or campaign).")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="Most rows, those with most copies.")] = 100,
) -> StatsOut:
    """What became of the copies accepted since a day. Days are of UTC, and last when the mail is long deleted."""
    context, tenant_id = Context.of(request), tenant(request)
    today = int(context.clock() // DAY_S)
    first = today - breakdown.USUAL_DAYS[by] + 1 if since is None else (since - date(1970, 1, 1)).days
    if today - first >= breakdown.MOST_DAYS[by]:
        raise Problem("invalid", f"since: by {by} at most {breakdown.MOST_DAYS[by]} days back")
    if campaign is not None and by in ("tag", "campaign"):
        raise Problem("invalid", "campaign: goes with by=day, hour, site, link or class")
    with context.storage.read() as conn, reading(conn):
        stream_id = None if stream is None else _stream(conn, tenant_id, stream)
        if stream_id is not None and (by != "day" or campaign is not None):
            raise Problem("invalid", "stream: goes with by=day, and with no campaign")
        if campaign is not None:
            _campaign(conn, tenant_id, campaign)
        wanted = StatisticsWanted(tenant_id, by, min(first, today + 1), limit, stream_id, campaign)
        found = breakdown.of(conn, wanted)
    rows = [StatsRow.model_validate(one.fields()) for one in found]
    return StatsOut(by=by, since=datetime.fromtimestamp(first * DAY_S, UTC).date(), rows=rows)


def _stream(conn: Tx, tenant_id: int, name: str) -> int:
    row = conn.execute("SELECT id FROM stream WHERE tenant_id = ? AND name = ?", (tenant_id, name)).fetchone()
    if row is None:
        raise Problem("invalid", f"stream: the tenant has none named {name!r}")
    return int(row[0])


def _campaign(conn: Tx, tenant_id: int, campaign_id: int) -> None:
    sql = "SELECT 1 FROM campaign WHERE id = ? AND tenant_id = ?"
    if conn.execute(sql, (campaign_id, tenant_id)).fetchone() is None:
        raise Problem("invalid", f"campaign: the tenant has no campaign {campaign_id}")
