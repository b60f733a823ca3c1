"""``relay credential``: who may submit mail (R28)."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from relay.cli.common import CIDR, actor, done, json_option, note, open_store, output, say
from relay.store.database import transaction
from relay.tenants import credentials, streams, tenants

COLUMNS = ("name", "tenant", "stream", "only_from", "created_at", "revoked_at")


@click.group()
def command() -> None:
    """Who may submit mail: passwords and addresses."""


@command.command()
@click.argument("tenant")
@click.option("--stream", required=True, help="The stream that mail with it goes through.")
@click.option("--only-from", type=CIDR, help="Take the password from this network only.")
@click.option("--ip", type=CIDR, help="No password: clients in this network are the tenant.")
@json_option
@click.pass_context
def add(ctx: click.Context, tenant: str, stream: str, only_from: str | None, ip: str | None, as_json: bool) -> None:
    """Make a user name and password, shown this once, or with --ip let a network in without one."""
    if ip and only_from:
        raise click.UsageError("--ip and --only-from exclude each other: --ip needs no password to restrict")
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        owner = tenants.find(conn, tenant)
        channel = streams.find(conn, owner, stream)
        if ip:
            row = credentials.add_network(conn, owner, channel, ip, actor=actor(), now=now)
            password = ""
        else:
            row, password = credentials.add_password(
                conn, store.secrets, owner, channel, only_from=only_from or "", actor=actor(), now=now
            )
    _told(ctx, row, password, as_json)


@command.command("list")
@click.argument("tenant", required=False)
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str | None, as_json: bool) -> None:
    """List the credentials of a tenant, or all."""
    conn = open_store(ctx).conn
    rows = credentials.listing(conn, tenants.find(conn, tenant).id if tenant else None)
    output(ctx, [_row(row) for row in rows], COLUMNS, as_json)


@command.command()
@click.argument("name", metavar="USERNAME|CIDR")
@json_option
@click.pass_context
def revoke(ctx: click.Context, name: str, as_json: bool) -> None:
    """End a credential for good."""
    with transaction(open_store(ctx).conn) as conn:
        row = credentials.revoke(conn, credentials.find(conn, name), actor=actor(), now=time.time())
    done(ctx, f"{row.name} of {row.tenant} revoked", _row(row), as_json)


@command.command()
@click.argument("username")
@json_option
@click.pass_context
def reset(ctx: click.Context, username: str, as_json: bool) -> None:
    """Make a new password, shown this once; the old one ends at once."""
    store = open_store(ctx)
    with transaction(store.conn) as conn:
        row, password = credentials.reset(
            conn, store.secrets, credentials.find(conn, username), actor=actor(), now=time.time()
        )
    _told(ctx, row, password, as_json)


def _told(ctx: click.Context, row: credentials.CredentialRow, password: str, as_json: bool) -> None:
    if not password:
        done(ctx, f"{row.ip} may submit to {row.tenant}, stream {row.stream}, without a password", _row(row), as_json)
        return
    if as_json:
        done(ctx, "", _row(row) | {"password": password}, True)
        return
    say(f"username  {row.username}\npassword  {password}")
    note("the password is not stored and can't be shown again; `relay credential reset` makes a new one")


def _row(row: credentials.CredentialRow) -> dict[str, object]:
    return {"name": row.name} | asdict(row)
