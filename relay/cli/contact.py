"""``relay contact``: the address that a tenant is reached at, confirmed by who reads it or by who knows (R14)."""

from __future__ import annotations

import time

import click

from relay.cli.common import actor, done, json_option, open_store
from relay.cli.tenant_view import details
from relay.conduct import contact
from relay.queue.operator import Operator
from relay.store.database import transaction
from relay.tenants import tenants


@click.group()
def command() -> None:
    """Tenants' contact addresses: confirm."""


@command.command()
@click.argument("tenant")
@click.option("--vouch", metavar="REASON", help="You know that the address is the tenant's, and how.")
@json_option
@click.pass_context
def confirm(ctx: click.Context, tenant: str, vouch: str | None, as_json: bool) -> None:
    """Write to a tenant's contact with a link to confirm it, or vouch for it."""
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        row = tenants.find(conn, tenant)
        if vouch is not None:
            contact.vouch(conn, row, vouch, actor=actor(), now=now)
            text = f"{row.contact} is taken as confirmed"
        else:
            operator, base_url = Operator.of(store.settings), store.settings.links.base_url
            contact.ask(conn, store.secrets, operator, base_url, row, actor=actor(), now=now)
            text = f"a letter with a link is on its way to {row.contact}"
    done(ctx, text, details(store, tenant, now), as_json)
