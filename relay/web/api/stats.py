"""``/v1/stats``: what became of the mail, by day, campaign, tag or recipients' domain."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request

from relay.campaigns import breakdown
from relay.web.api.models_account import StatsOut, StatsRow
from relay.web.api.once import tenant
from relay.web.api.openapi import ALWAYS, errors
from relay.web.api.parts import KNOWN_QUERY
from relay.web.context import Context
from relay.web.problems import Problem

router = APIRouter(tags=["stats"], responses=errors(*ALWAYS), dependencies=KNOWN_QUERY)

DAY_S: Final = 86_400
USUAL_DAYS: Final = {"day": 30, "campaign": 30, "tag": 7, "site": 7}
MOST_DAYS: Final = {"day": 3_660, "campaign": 3_660, "tag": 31, "site": 31}


@router.get("/stats")
def get_stats(
    request: Request,
    by: Annotated[Literal["day", "campaign", "tag", "site"], Query(description="What a row is of.")] = "day",
    since: Annotated[date | None, Query(description="Day (UTC); default: 30 days ago, by tag and site 7.")] = None,
    stream: Annotated[str | None, Query(max_length=63, description="Only of this stream (by day).")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="Most rows, those with most copies.")] = 100,
) -> StatsOut:
    """What became of the copies accepted since a day. Days are of UTC, and last when the mail is long deleted."""
    context, tenant_id = Context.of(request), tenant(request)
    today = int(context.clock() // DAY_S)
    first = today - USUAL_DAYS[by] + 1 if since is None else (since - date(1970, 1, 1)).days
    if today - first >= MOST_DAYS[by]:
        raise Problem("invalid", f"since: by {by} at most {MOST_DAYS[by]} days back")
    with context.storage.read() as conn:
        stream_id = None
        if stream is not None:
            row = conn.execute("SELECT id FROM stream WHERE tenant_id = ? AND name = ?", (tenant_id, stream)).fetchone()
            if row is None:
                raise Problem("invalid", f"stream: the tenant has none named {stream!r}")
            stream_id = int(row[0])
            if by != "day":
                raise Problem("invalid", "stream: goes with by=day")
        found = breakdown.of(conn, tenant_id, by, first, stream_id, limit)
    rows = [StatsRow(key=key, **figures) for key, figures in found]
    return StatsOut(by=by, since=datetime.fromtimestamp(first * DAY_S, UTC).date(), rows=rows)
