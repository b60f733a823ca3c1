"""What the operator does where rules are broken: ``relay tenant warn``, ``freeze``, ``terminate``, and back (R24)."""

from __future__ import annotations

import time

import click

from relay.cli.common import actor, done, json_option, open_store
from relay.cli.tenant_view import details
from relay.conduct import enforcement, termination
from relay.queue.admin import QueueAction, Selection, act
from relay.queue.operator import Operator
from relay.queue.thaw import thaw
from relay.store.database import transaction
from relay.tenants import tenants
from relay.values.errors import RegistryError

REASON = "Why; the tenant reads it in a letter, and its clients in their replies."


@click.command()
@click.argument("name")
@click.option("--reason", required=True, help=REASON)
@click.option("--all-streams", is_flag=True, help="Stop transactional mail too.")
@json_option
@click.pass_context
def freeze(ctx: click.Context, name: str, reason: str, all_streams: bool, as_json: bool) -> None:
    """Stop a tenant's bulk mail at once, also what is queued."""
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        tenant, operator = tenants.find(conn, name), Operator.of(store.settings)
        enforcement.freeze(conn, operator, tenant, everything=all_streams, reason=reason, actor=actor(), now=now)
    streams_text = "all streams" if all_streams else "bulk streams"
    done(ctx, f"{streams_text} of {name} frozen", details(store, name, now), as_json)


@click.command()
@click.argument("name")
@click.option("--reason", default="", help="Why; the tenant reads it in a letter.")
@json_option
@click.pass_context
def unfreeze(ctx: click.Context, name: str, reason: str, as_json: bool) -> None:
    """Let a frozen tenant send again; what was queued goes out, and its rates begin anew."""
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        tenant, operator = tenants.find(conn, name), Operator.of(store.settings)
        enforcement.unfreeze(conn, operator, tenant, reason=reason, actor=actor(), now=now)
    freed = thaw(store.conn, now, tenant.id)
    more = f", {freed} held copies are due" if freed else ""
    done(ctx, f"{name} may send again{more}", details(store, name, now), as_json)


@click.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; the tenant reads it in a letter and among its events.")
@json_option
@click.pass_context
def warn(ctx: click.Context, name: str, reason: str, as_json: bool) -> None:
    """Warn a tenant by mail; its mail goes on."""
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        operator = Operator.of(store.settings)
        enforcement.warn(conn, operator, tenants.find(conn, name), reason=reason, actor=actor(), now=now)
    done(ctx, f"{name} warned", details(store, name, now), as_json)


@click.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; the tenant reads it in a letter.")
@click.option("--yes", is_flag=True, help="Don't ask: its log-ins, tokens and forms are gone for good.")
@json_option
@click.pass_context
def terminate(ctx: click.Context, name: str, reason: str, yes: bool, as_json: bool) -> None:
    """End an account: log-ins, tokens and forms are dead at once, what waits is cancelled, and nobody gets a new one.

    Links of people to unsubscribe go on to work; what is held of them goes as retention says.
    """
    store, now = open_store(ctx), time.time()
    tenants.find(store.conn, name)
    if not yes and not as_json:
        click.confirm(f"End the account of {name}, with its log-ins, tokens and forms?", abort=True, err=True)
    with transaction(store.conn) as conn:
        tenant, operator = tenants.find(conn, name), Operator.of(store.settings)
        termination.terminate(conn, operator, tenant, reason=reason, actor=actor(), now=now)
    try:
        selected = Selection(tenant_id=tenant.id)
        cancelled = act(store.conn, QueueAction.CANCEL, selected, actor=actor(), why=reason, now=now).changed
    except RegistryError:  # nothing waits
        cancelled = 0
    more = f", {cancelled} copies that waited are cancelled" if cancelled else ""
    done(ctx, f"the account of {name} is ended{more}", details(store, name, now), as_json)


@click.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; the tenant reads it in a letter.")
@json_option
@click.pass_context
def reinstate(ctx: click.Context, name: str, reason: str, as_json: bool) -> None:
    """Undo a termination; the tenant needs new credentials, tokens and forms."""
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        tenant, operator = tenants.find(conn, name), Operator.of(store.settings)
        termination.reinstate(conn, operator, tenant, reason=reason, actor=actor(), now=now)
    done(ctx, f"{name} may send again, with new credentials", details(store, name, now), as_json)
