"""``/account/plan``: what the plan allows, what was used of it, period by period, and which plans there are."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.ledger import quota
from relay.tenants import tenants
from relay.web.inside.gate import PageRequest, show

MOST: Final = 36
"""Periods that are listed."""


def plan(asked: PageRequest) -> Response:
    settings = asked.context.settings
    with asked.context.storage.read() as conn:
        tenant = tenants.by_id(conn, asked.tenant_id)
        use = quota.report(conn, tenant, settings.plans, asked.now)
        periods = quota.periods(conn, tenant.id)[:MOST]
    values = {"use": use, "periods": periods, "plans": settings.plans, "since": tenant.plan_started_at}
    return asked.page("account/plan.html", values)


ROUTES = [show("/account/plan", plan, Deed.SEE)]
