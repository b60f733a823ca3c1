"""``relay plan``: what plans allow, and which one a tenant has (R19 to R21)."""

from __future__ import annotations

import time

import click

from relay.audit import actions
from relay.cli.common import actor, done, json_option, open_store, output, shown
from relay.ledger import plans, quota
from relay.store.database import transaction
from relay.tenants import tenants
from relay.tenants.plan import change

COLUMNS = ("name", "messages", "subscribers", "period", "price")


@click.group()
def command() -> None:
    """Plans: what they allow, and which one a tenant has."""


@command.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List the plans of the settings."""
    rows: list[dict[str, object]] = [
        {
            "name": name,
            "messages": terms.messages or None,
            "subscribers": terms.subscribers or None,
            "period": "calendar month" if name == plans.FREE else f"{terms.days} days",
            "days": None if name == plans.FREE else terms.days,
            "price": terms.price,
        }
        for name, terms in open_store(ctx).settings.plans.items()
    ]
    if not as_json:
        rows = [row | {key: row[key] or "unlimited" for key in ("messages", "subscribers")} for row in rows]
    output(ctx, rows, COLUMNS, as_json)


@command.command("set")
@click.argument("tenant")
@click.argument("plan")
@json_option
@click.pass_context
def set_(ctx: click.Context, tenant: str, plan: str, as_json: bool) -> None:
    """Put a tenant on a plan, now.

    A paid plan begins a new period of its days, at the end of which the tenant is on the free plan again. On an
    upgrade from a paid plan that still runs, the messages not yet sent of that one are added. A downgrade, too, acts
    at once and carries nothing over: to let the running period end first, do nothing until it has.
    """
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        row = tenants.find(conn, tenant)
        held = plans.HeldPlan(row.plan, row.plan_started_at, row.plan_ends_at)
        after = change(conn, row.id, held, plan, store.settings.plans, now)
        detail = {"from": held.plan, "to": plan, "ends_at": after.ends_at}
        actions.record(conn, actor(), "plan-set", row.id, detail, now)
    figures = quota.report(store.conn, tenants.find(store.conn, tenant), store.settings.plans, now)
    until = f"until {shown(after.ends_at)}" if after.ends_at is not None else "by calendar months"
    limit = "unlimited" if figures["messages_limit"] is None else figures["messages_limit"]
    done(ctx, f"{tenant} is on the plan {plan} {until}: {limit} messages", figures, as_json)
