"""Which plan a tenant is on (R19 to R21); what a plan allows is ``relay.ledger``'s to say."""

from __future__ import annotations

from collections.abc import Mapping

from relay.ledger import plans
from relay.ledger.plans import HeldPlan, PlanTerms
from relay.store.contract import Tx


def change(conn: Tx, tenant_id: int, held: HeldPlan, plan: str, terms: Mapping[str, PlanTerms], now: float) -> HeldPlan:
    """Put the tenant on ``plan`` now, in the caller's transaction; returns what it holds after.

    A paid plan begins a new period of ``days``. If it is an upgrade from a paid plan that still runs, the unsent rest
    of that one is added (R21). Raises RegistryError for a plan that there isn't.
    """
    after = plans.following(plan, terms, now)
    plans.carry_over(conn, tenant_id, held, after, terms, now)
    conn.execute(
        "UPDATE tenant SET plan = ?, plan_started_at = ?, plan_ends_at = ? WHERE id = ?",
        (after.plan, after.started_at, after.ends_at, tenant_id),
    )
    return after
