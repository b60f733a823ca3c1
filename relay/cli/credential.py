"""``relay credential``: who may submit mail (R28)."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from relay.brake import brakes
from relay.brake.values import BrakeRow
from relay.cli.common import CIDR, actor, done, json_option, note, open_store, output, say
from relay.conduct import account
from relay.queue.operator import Operator
from relay.store.database import transaction
from relay.tenants import credentials, streams, tenants

BRAKES = ("number", "name", "tenant", "at", "held", "decided", "decided_by")
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
        owner = account.alive(conn, tenants.find(conn, tenant))
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
        now = time.time()
        row = credentials.revoke(conn, credentials.find(conn, name), actor=actor(), now=now)
        brakes.credential_changed(conn, f"password:{row.id}", now)
    done(ctx, f"{row.name} of {row.tenant} revoked", _row(row), as_json)


@command.command()
@click.argument("username")
@json_option
@click.pass_context
def reset(ctx: click.Context, username: str, as_json: bool) -> None:
    """Make a new password, shown this once; the old one ends at once."""
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        row, password = credentials.reset(conn, store.secrets, credentials.find(conn, username), actor=actor(), now=now)
        brakes.credential_changed(conn, f"password:{row.id}", now)
    _told(ctx, row, password, as_json)


@command.command()
@click.argument("tenant", required=False)
@click.option("--undecided", is_flag=True, help="Only those whose held mail waits for a decision.")
@json_option
@click.pass_context
def braked(ctx: click.Context, tenant: str | None, undecided: bool, as_json: bool) -> None:
    """List log-ins whose mail was held because another seems to use them, the newest first.

    `relay statement show NUMBER` has the reasons. What is held waits: `relay credential release` decides.
    """
    conn = open_store(ctx).conn
    tenant_id = None if tenant is None else tenants.find(conn, tenant).id
    output(ctx, [_brake(one) for one in brakes.listing(conn, tenant_id, undecided=undecided)], BRAKES, as_json)


@command.command()
@click.argument("name", metavar="USERNAME|CIDR")
@click.option("--drop", is_flag=True, help="It was somebody else: what is held is dropped and given back to the plan.")
@click.option("--reason", default="", help="How you know; the tenant reads it.")
@json_option
@click.pass_context
def release(ctx: click.Context, name: str, drop: bool, reason: str, as_json: bool) -> None:
    """Let go the mail of a braked log-in: it was the tenant, and the networks it came from are known from now on.

    An API token is named `token NAME`. After --drop mail from the same networks is held until the password is
    reset.
    """
    store, now = open_store(ctx), time.time()
    decision = brakes.DROPPED if drop else brakes.RELEASED
    with transaction(store.conn) as conn:
        found = brakes.of_name(conn, name)
        brakes.decide(conn, Operator.of(store.settings), found, decision, reason=reason, actor=actor(), now=now)
    brakes.work_off(store.conn, now)
    left = brakes.by_id(store.conn, found.id)
    done(ctx, f"{found.held} copies of {name} {decision}", _brake(left) | {"changed": found.held}, as_json)


def _brake(one: BrakeRow) -> dict[str, object]:
    return {"number": one.id} | asdict(one)


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
