"""``/account/``: where a tenant stands, on one page."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.campaigns import campaigns
from relay.conduct import judge, rates
from relay.ledger import quota
from relay.queue import held
from relay.statistics import breakdown
from relay.statistics.breakdown import StatisticsWanted
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.web.account import todo
from relay.web.inside import graphs
from relay.web.inside.gate import PageRequest, show

DAY_S: Final = 86_400
LATEST: Final = 5


def start(asked: PageRequest) -> Response:
    """Plan and use, standing, today's mail, the latest campaigns, what needs doing."""
    settings = asked.context.settings
    with asked.context.storage.read() as conn:
        tenant = tenants.by_id(conn, asked.tenant_id)
        latest = campaigns.page(conn, tenant.id, None, LATEST)
        chores = todo.of(
            conn,
            tenant,
            latest,
            asked.language,
            second_factor=asked.visitor.second_factor,
            window_s=held.terms_of(settings).window_s,
        )
        points = judge.standpoints(conn, tenant.id, settings.rates, asked.now, rates.pending(conn))
        values = {
            "tenant": tenant,
            "use": quota.report(conn, tenant, settings.plans, asked.now),
            "today": today(conn, tenant.id, asked.now),
            "points": [one for one in points if one.of and one.telling],
            "level": max(one.level for one in points).word,
            "fortnight": graphs.of_tenant(conn, tenant.id, asked.now),
            "latest": latest,
            "chores": [] if asked.closed else chores,
        }
    return asked.page("account/start.html", values)


def today(conn: Tx, tenant_id: int, now: float) -> dict[str, Any]:
    """Figures of the day that runs (UTC)."""
    found = breakdown.of(conn, StatisticsWanted(tenant_id, "day", int(now // DAY_S), 1))
    return dict(found[0]) if found else dict.fromkeys(breakdown.NAMES, 0)


ROUTES = [show("/account/", start, Deed.SEE)]
