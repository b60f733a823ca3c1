"""``relay stats``: what became of a tenant's or a campaign's mail."""

from __future__ import annotations

from dataclasses import asdict

import click

from relay.campaigns import campaigns, figures
from relay.cli.common import fail, json_option, open_store, show
from relay.store.contract import Tx
from relay.tenants import tenants


@click.command()
@click.argument("tenant")
@click.option("--campaign", metavar="ID|NAME", help="Only this campaign; of a name the newest.")
@json_option
@click.pass_context
def command(ctx: click.Context, tenant: str, campaign: str | None, as_json: bool) -> None:
    """Figures of a tenant or a campaign."""
    conn = open_store(ctx).conn
    owner = tenants.find(conn, tenant)
    if campaign is None:
        show(ctx, {"tenant": tenant} | asdict(figures.of_tenant(conn, owner.id)), as_json)
        return
    row = _campaign(conn, owner.id, campaign)
    if row is None:
        fail(f"{tenant} has no campaign {campaign!r}; `relay campaign list {tenant}` shows all")
    head = {"tenant": tenant, "campaign": row.id, "name": row.name, "state": row.state}
    show(ctx, head | asdict(figures.of_campaign(conn, row)), as_json)


def _campaign(conn: Tx, tenant_id: int, wanted: str) -> campaigns.Campaign | None:
    row = conn.execute(
        "SELECT id FROM campaign WHERE tenant_id = ?1 AND (CAST(id AS TEXT) = ?2 OR name = ?2)"
        " ORDER BY CAST(id AS TEXT) = ?2 DESC, id DESC LIMIT 1",
        (tenant_id, wanted),
    ).fetchone()
    return None if row is None else campaigns.by_id(conn, row[0])
