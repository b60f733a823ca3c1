"""``relay invite``: invitations to register at ``/register``, each for one account (R32)."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from relay.cli.common import EMAIL, actor, done, fail, json_option, note, open_store, output, say
from relay.mail.address import Address
from relay.queue.operator import Operator
from relay.registration import invites
from relay.registration.invites import Invite
from relay.store.database import transaction
from relay.texts.language import LANGUAGES, choose

COLUMNS = ("number", "at", "email", "note", "state", "expires_at", "made_by")


@click.group()
def command() -> None:
    """Invitations to register: add, list, revoke."""


@command.command()
@click.option("--email", type=EMAIL, help="For this address alone; without it, for whoever has the link.")
@click.option("--note", default="", help="For whom it is; only you read it.")
@click.option("--days", type=click.IntRange(1, 366), default=14, show_default=True, help="So long it works.")
@click.option("--mail", is_flag=True, help="Send the link to --email.")
@click.option("--language", type=click.Choice(list(LANGUAGES)), default="en", show_default=True, help="Of that letter.")
@json_option
@click.pass_context
def add(
    ctx: click.Context, email: Address | None, note: str, days: int, mail: bool, language: str, as_json: bool
) -> None:
    """Make an invitation; its link is shown this once, and works once."""
    if mail and email is None:
        fail("--mail needs --email, the address that the letter goes to")
    store, now = open_store(ctx), time.time()
    if store.settings.accounts.registration == "closed":
        fail('registration is closed: set [accounts] registration = "invite" first, and `relay reload`')
    with transaction(store.conn) as conn:
        made, code = invites.add(conn, email, note=note, lasts_s=days * 86_400.0, actor=actor(), now=now)
        url = invites.link(store.settings.links.base_url, code)
        if mail:
            invites.write(
                conn, Operator.of(store.settings), store.settings.links.base_url, made, code, choose(language)
            )
    if as_json:
        done(ctx, "", _fields(made, now) | {"url": url}, True)
        return
    say(url)
    _hint(made, mail)


def _hint(made: Invite, mail: bool) -> None:
    told = f"it was mailed to {made.email}" if mail else "hand it on yourself"
    note(f"this link to register works once; {told}, it can't be shown again")


@command.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List invitations, the newest first, used and revoked ones too."""
    now = time.time()
    output(ctx, [_fields(one, now) for one in invites.listing(open_store(ctx).conn)], COLUMNS, as_json)


@command.command()
@click.argument("number", type=int)
@json_option
@click.pass_context
def revoke(ctx: click.Context, number: int, as_json: bool) -> None:
    """End an invitation that nobody used."""
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        row = invites.revoke(conn, number, actor=actor(), now=now)
    done(ctx, f"invitation {number} works no more", _fields(row, now), as_json)


def _fields(row: Invite, now: float) -> dict[str, object]:
    fields = asdict(row)
    return {"number": fields.pop("id"), **fields, "state": row.state(now)}
