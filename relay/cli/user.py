"""``relay user``: people who log in to the pages (R28, R30, R32)."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from relay.accounts import activity, logins, passkeys, passwords, second, sessions
from relay.accounts.logins import LoginRow
from relay.accounts.roles import STAFF_ROLES, TENANT_ROLES, LoginRole
from relay.cli.common import EMAIL, Store, actor, done, json_option, note, open_store, output, say, show
from relay.mail.address import Address
from relay.store.database import transaction
from relay.tenants import tenants

COLUMNS = ("login", "tenant", "role", "second_factor_at", "disabled_at", "created_at")
MOST_ACTIONS = 50


@click.group()
def command() -> None:
    """People who log in to the pages: add, list, show, reset, disable, enable, remove."""


@command.command()
@click.argument("email", type=EMAIL)
@click.option("--tenant", help="Whose user; without it the operator's staff.")
@click.option(
    "--role",
    type=click.Choice([str(role) for role in (*TENANT_ROLES, *STAFF_ROLES)]),
    required=True,
    help="With --tenant owner, editor or viewer; else operator, reviewer or support.",
)
@json_option
@click.pass_context
def add(ctx: click.Context, email: Address, tenant: str | None, role: str, as_json: bool) -> None:
    """Add a log-in; its generated password is shown this once."""
    store, made = open_store(ctx), passwords.fresh()
    with transaction(store.conn) as conn:
        owner = None if tenant is None else tenants.find(conn, tenant)
        row = logins.add(conn, email, LoginRole(role), owner, made, actor=actor(), now=time.time())
    _password(ctx, store, row, made, as_json)


@command.command("list")
@click.option("--tenant", help="Only this tenant's.")
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str | None, as_json: bool) -> None:
    """List who logs in; staff first."""
    conn = open_store(ctx).conn
    found = logins.listing(conn, None if tenant is None else tenants.find(conn, tenant).id)
    output(ctx, [_fields(row) for row in found], COLUMNS, as_json)


@command.command("show")
@click.argument("email")
@json_option
@click.pass_context
def show_(ctx: click.Context, email: str, as_json: bool) -> None:
    """Show a log-in with its sessions and what was done with it lately."""
    store, now = open_store(ctx), time.time()
    row = logins.find(store.conn, email)
    lasting = sessions.Lasting(store.settings.accounts.idle, store.settings.accounts.session)
    fields = _fields(row) | {
        "passkeys": [
            {"name": one.name, "created_at": one.created_at, "used_at": one.used_at}
            for one in passkeys.of_login(store.conn, row.id)
        ],
        "recovery_codes_left": second.codes_left(store.conn, row.id),
        "sessions": [asdict(one) for one in sessions.of_login(store.conn, row.id, lasting, now)],
        "activity": [asdict(one) for one in activity.of_login(store.conn, row.id, None, MOST_ACTIONS)],
    }
    show(ctx, fields, as_json)


@command.command()
@click.argument("email")
@click.option(
    "--second-factor", is_flag=True, help="Also take away second factor and passkeys, of who lost device and codes."
)
@json_option
@click.pass_context
def reset(ctx: click.Context, email: str, second_factor: bool, as_json: bool) -> None:
    """Make a new password, shown this once; the old one and all sessions end. Be sure whom you give it to."""
    store, made, now = open_store(ctx), passwords.fresh(), time.time()
    with transaction(store.conn) as conn:
        row = logins.find(conn, email)
        logins.reset(conn, row, made, actor=actor(), now=now)
        if second_factor:
            passkeys.device_lost(conn, row, actor=actor(), now=now)
    _password(ctx, store, row, made, as_json)


@command.command()
@click.argument("email")
@json_option
@click.pass_context
def disable(ctx: click.Context, email: str, as_json: bool) -> None:
    """Let nobody in with it; its sessions end at once."""
    store = open_store(ctx)
    with transaction(store.conn) as conn:
        logins.disable(conn, logins.find(conn, email), actor=actor(), now=time.time())
    done(ctx, f"{email} is disabled, its sessions have ended", _fields(logins.find(store.conn, email)), as_json)


@command.command()
@click.argument("email")
@json_option
@click.pass_context
def enable(ctx: click.Context, email: str, as_json: bool) -> None:
    """Let it in again, with the password it had."""
    store = open_store(ctx)
    with transaction(store.conn) as conn:
        logins.enable(conn, logins.find(conn, email), actor=actor(), now=time.time())
    done(ctx, f"{email} may log in again", _fields(logins.find(store.conn, email)), as_json)


@command.command()
@click.argument("email")
@json_option
@click.pass_context
def remove(ctx: click.Context, email: str, as_json: bool) -> None:
    """Remove a log-in for good; what its owner did stays in the audit log."""
    store = open_store(ctx)
    with transaction(store.conn) as conn:
        row = logins.find(conn, email)
        logins.remove(conn, row, actor=actor(), now=time.time())
    done(ctx, f"{row.shown} is removed", _fields(row), as_json)


def _fields(row: LoginRow) -> dict[str, object]:
    return {
        "login": row.shown,
        "tenant": row.tenant or None,
        "role": str(row.role),
        "created_at": row.created_at,
        "password_at": row.password_at,
        "second_factor_at": row.second_factor_at,
        "passkeys": row.passkeys,
        "disabled_at": row.disabled_at,
    }


def _password(ctx: click.Context, store: Store, row: LoginRow, made: passwords.FreshPassword, as_json: bool) -> None:
    url = f"{store.settings.links.base_url}/login"
    if as_json:
        done(ctx, "", _fields(logins.find(store.conn, row.shown)) | {"password": made.shown, "url": url}, True)
        return
    say(made.shown)
    note(f"this is the password of {row.shown} for {url}; it is not stored and can't be shown again")
