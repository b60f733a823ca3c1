"""``relay quota``: what a tenant has used of its plan (R19)."""

from __future__ import annotations

import time

import click

from relay.cli.common import json_option, open_store
from relay.cli.common import show as print_fields
from relay.ledger import quota
from relay.tenants import tenants


@click.group()
def command() -> None:
    """What a tenant has used of its plan."""


@command.command()
@click.argument("tenant")
@json_option
@click.pass_context
def show(ctx: click.Context, tenant: str, as_json: bool) -> None:
    """Show what was used in the running period, the limits and the day of renewal."""
    store = open_store(ctx)
    figures = quota.report(store.conn, tenants.find(store.conn, tenant), store.settings.plans, time.time())
    if not as_json:
        limits = ("messages_limit", "subscribers_limit")
        figures |= {key: "unlimited" for key in limits if figures[key] is None}
    print_fields(ctx, figures, as_json)
