"""``relay stats``: what became of a tenant's or a campaign's mail."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from relay.campaigns import campaigns, figures
from relay.cli.common import fail, json_option, open_store
from relay.cli.stats_by import by_option, show_by
from relay.cli.watching import watch_option, watch_show
from relay.store.contract import Tx
from relay.tenants import tenants, watch
from relay.tracking import figures as tracking
from relay.values.suggest import did_you_mean
from relay.values.tenant import TenantRow


@click.command()
@click.argument("tenant", required=False)
@click.option("--campaign", metavar="ID|NAME", help="Only this campaign; of a name the newest.")
@by_option
@watch_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    tenant: str | None,
    campaign: str | None,
    by: str | None,
    days: int | None,
    limit: int,
    every: float | None,
    as_json: bool,
) -> None:
    """Figures of a tenant or a campaign; without a tenant, of all."""
    if tenant is None and (campaign is not None or by is not None):
        raise click.UsageError("name the tenant too whose figures they are")
    conn = open_store(ctx).conn
    if tenant is not None and by is not None:
        owner = tenants.find(conn, tenant)
        campaign_id = None if campaign is None else _campaign(conn, owner, campaign).id
        show_by(ctx, conn, owner.id, by, campaign_id=campaign_id, days=days, limit=limit, as_json=as_json)
        return
    watch_show(ctx, lambda: _found(conn, tenant, campaign, as_json), as_json, every)


def _found(conn: Tx, tenant: str | None, campaign: str | None, as_json: bool) -> dict[str, object]:
    if tenant is None:
        return _of_all(conn, as_json)
    owner = tenants.find(conn, tenant)
    if campaign is None:
        seen = tracking.of_tenant(conn, owner.id).fields()
        return {"tenant": tenant} | asdict(figures.of_tenant(conn, owner.id)) | seen | _watch(conn, owner, as_json)
    row = _campaign(conn, owner, campaign)
    head = {"tenant": tenant, "campaign": row.id, "name": row.name, "state": row.state}
    return head | asdict(figures.of_campaign(conn, row)) | tracking.of_campaign(conn, row.id).fields()


def _watch(conn: Tx, owner: TenantRow, as_json: bool) -> dict[str, object]:
    """Of a tenant that is or was watched: whom the rules would have refused."""
    found = watch.report(conn, owner, time.time())
    return {} if found is None else {"watch": asdict(found) if as_json else found.sentence}


def _of_all(conn: Tx, as_json: bool) -> dict[str, object]:
    """Everything added up, then each tenant; to programs ``tenant`` is null there."""
    found, names = figures.by_tenant(conn), {row.id: row.name for row in tenants.all_tenants(conn)}
    head: dict[str, object] = {"tenant": None} if as_json else {}
    seen = {id_: tracking.of_tenant(conn, id_) for id_ in found}
    rows = [{"tenant": names.get(id_, str(id_))} | asdict(one) | seen[id_].fields() for id_, one in found.items()]
    rows.sort(key=lambda row: str(row["tenant"]))
    return head | asdict(figures.total(found.values())) | tracking.total(seen.values()).fields() | {"tenants": rows}


def _campaign(conn: Tx, owner: TenantRow, wanted: str) -> campaigns.Campaign:
    row = conn.execute(
        "SELECT id FROM campaign WHERE tenant_id = ?1 AND (CAST(id AS TEXT) = ?2 OR name = ?2)"
        " ORDER BY CAST(id AS TEXT) = ?2 DESC, id DESC LIMIT 1",
        (owner.id, wanted),
    ).fetchone()
    if row is None:
        names = [one.name for one in campaigns.list_(conn, owner.id)]
        hint = did_you_mean(wanted, names) or ";"
        fail(f"{owner.name} has no campaign {wanted!r}{hint} `relay campaign list {owner.name}` shows all")
    return campaigns.by_id(conn, row[0])
