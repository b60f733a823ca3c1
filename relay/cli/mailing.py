"""``relay mailing``: what people wrote in the account to be sent, and how far each has come."""

from __future__ import annotations

import time

import click

from relay.cli.common import actor, done, json_option, open_store, output
from relay.cli.common import show as print_fields
from relay.mailings import mailings
from relay.mailings.mailings import Mailing
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.tenants import tenants
from relay.values.errors import RegistryError

COLUMNS = ("id", "name", "topic", "state", "people", "accepted", "refused", "started_at", "why")
LENGTH = 100


@click.group()
def command() -> None:
    """Mailings written in the account: list, show, stop, resume."""


@command.command("list")
@click.argument("tenant")
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str, as_json: bool) -> None:
    """List a tenant's mailings, newest first."""
    conn = open_store(ctx).conn
    rows = mailings.page(conn, tenants.find(conn, tenant).id, None, LENGTH)
    output(ctx, [_told(row) for row in rows], COLUMNS, as_json)


@command.command()
@click.argument("id", type=int)
@json_option
@click.pass_context
def show(ctx: click.Context, id: int, as_json: bool) -> None:
    """Show one: whom it is for, how far it has come, who was refused and why."""
    conn = open_store(ctx).conn
    row = _find(conn, id)
    told = _told(row) | {
        "tenant": tenants.by_id(conn, row.tenant_id).name,
        "subject": row.content.subject,
        "from": row.content.author,
        "groups": list(row.content.groups),
        "made_by": row.made_by,
        "start_at": row.start_at,
        "ended_at": row.ended_at,
        "asked_again": mailings.waiting(conn, row.id),
        "refusals": mailings.refusals(conn, row.id),
        "campaign": row.campaign_id,
    }
    print_fields(ctx, told, as_json)


@command.command()
@click.argument("id", type=int)
@json_option
@click.pass_context
def stop(ctx: click.Context, id: int, as_json: bool) -> None:
    """Hand in nobody more; what was taken already is seen to with `relay campaign` and `relay queue`."""
    _change(ctx, id, "stopped", as_json)


@command.command()
@click.argument("id", type=int)
@json_option
@click.pass_context
def resume(ctx: click.Context, id: int, as_json: bool) -> None:
    """Go on with one that was stopped."""
    _change(ctx, id, "resumed", as_json)


def _change(ctx: click.Context, id_: int, word: str, as_json: bool) -> None:
    with transaction(open_store(ctx).conn) as conn:
        row = _find(conn, id_)
        act = mailings.stop if word == "stopped" else mailings.go_on
        act(conn, row, actor=actor(), now=time.time())
        row = _find(conn, id_)
    done(ctx, f"mailing {id_} ({row.name}) is {word}", _told(row), as_json)


def _find(conn: Tx, id_: int) -> Mailing:
    row = mailings.by_id(conn, id_)
    if row is None:
        raise RegistryError(f"there is no mailing {id_}; `relay mailing list TENANT` shows a tenant's")
    return row


def _told(row: Mailing) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "topic": row.content.topic,
        "state": str(row.state),
        "people": row.people,
        "accepted": row.accepted,
        "refused": row.refused,
        "started_at": row.started_at,
        "why": row.why,
    }
