"""``relay token``: bearer credentials of the HTTP API."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from relay.brake import brakes
from relay.cli.common import actor, done, json_option, note, open_store, output, say
from relay.conduct import account
from relay.store.database import transaction
from relay.tenants import api_tokens, tenants

COLUMNS = ("name", "scopes", "sandbox", "created_at", "revoked_at")


@click.group()
def command() -> None:
    """Bearer credentials of the HTTP API."""


@command.command()
@click.argument("tenant")
@click.option("--name", default="", help="What to call it; made up if left out.")
@click.option(
    "--scope",
    default=",".join(api_tokens.SCOPES),
    show_default=True,
    help="What it is for: send (messages), consents (consents, topics, forms), read, admin (all else).",
)
@click.option("--sandbox", is_flag=True, help="Nothing that is sent with it reaches anyone; it shows all.")
@json_option
@click.pass_context
def add(ctx: click.Context, tenant: str, name: str, scope: str, sandbox: bool, as_json: bool) -> None:
    """Make a token, shown this once."""
    scopes = [word.strip() for word in scope.split(",") if word.strip()]
    store = open_store(ctx)
    with transaction(store.conn) as conn:
        owner = account.alive(conn, tenants.find(conn, tenant))
        row, token = api_tokens.add(
            conn, store.secrets, owner, name, scopes=scopes, sandbox=sandbox, actor=actor(), now=time.time()
        )
    if as_json:
        done(ctx, "", asdict(row) | {"tenant": tenant, "token": token}, True)
        return
    say(token)
    note(f"this is the token {row.name!r}; it is not stored and can't be shown again")


@command.command("list")
@click.argument("tenant")
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str, as_json: bool) -> None:
    """List a tenant's tokens, revoked ones too."""
    conn = open_store(ctx).conn
    rows = [asdict(row) for row in api_tokens.of_tenant(conn, tenants.find(conn, tenant).id)]
    output(ctx, rows, COLUMNS, as_json)


@command.command()
@click.argument("tenant")
@click.argument("name")
@json_option
@click.pass_context
def revoke(ctx: click.Context, tenant: str, name: str, as_json: bool) -> None:
    """End a token; it stops working with the next request."""
    with transaction(open_store(ctx).conn) as conn:
        now = time.time()
        row = api_tokens.revoke(conn, tenants.find(conn, tenant), name, actor=actor(), now=now)
        brakes.credential_changed(conn, f"token:{row.id}", now)
    done(ctx, f"token {name} of {tenant} revoked", asdict(row), as_json)
