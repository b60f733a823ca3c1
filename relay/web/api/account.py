"""``/v1/quota``: what the plan allows and what is used of it."""

from __future__ import annotations

from fastapi import APIRouter, Request

from relay.ledger import quota
from relay.tenants import tenants
from relay.web.api.consent_list import moment
from relay.web.api.models_account import QuotaOut
from relay.web.api.once import tenant
from relay.web.api.openapi import ALWAYS, errors
from relay.web.context import Context

router = APIRouter(tags=["quota"], responses=errors(*ALWAYS))


@router.get("/quota")
def get_quota(request: Request) -> QuotaOut:
    """What was used in the running period, the limits and the day of renewal."""
    context = Context.of(request)
    with context.storage.read() as conn:
        owner = tenants.by_id(conn, tenant(request))
        found = quota.report(conn, owner, context.settings.plans, context.clock())
    return QuotaOut.model_validate(found | {"renews_at": moment(float(str(found["renews_at"])))})
