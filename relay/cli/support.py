"""``relay support``: what tenants and the operator's staff write to each other (R32, R36)."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from relay.cli.common import Store, actor, done, json_option, open_store, output, show
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.support import threads
from relay.support.values import SupportThread, ThreadState
from relay.tenants import tenants

COLUMNS = ("number", "tenant", "subject", "kind", "state", "due_at", "overdue", "changed_at")
MOST_SHOWN = 1_000


@click.group()
def command() -> None:
    """What tenants and staff write to each other: list, show, open, answer, close."""


@command.command("list")
@click.option("--tenant", help="Only this tenant's.")
@click.option(
    "--state",
    type=click.Choice([*(str(one) for one in ThreadState), "all"]),
    default="staff",
    show_default=True,
    help="Whose turn it is, or closed.",
)
@click.option("--find", default="", metavar="TEXT", help="Part of the subject.")
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str | None, state: str, find: str, as_json: bool) -> None:
    """List threads: those that wait for you by their due date, the others with the newest first."""
    conn, now = open_store(ctx).conn, time.time()
    tenant_id = None if tenant is None else tenants.find(conn, tenant).id
    rows = threads.listing(conn, tenant_id, "" if state == "all" else state, find, limit=MOST_SHOWN)
    if state == ThreadState.STAFF:
        rows.sort(key=lambda one: (one.due_at or now, one.id))
    output(ctx, [_fields(one, now) for one in rows], COLUMNS, as_json)


@command.command("show")
@click.argument("number", type=int)
@json_option
@click.pass_context
def show_(ctx: click.Context, number: int, as_json: bool) -> None:
    """Show a thread with all that was written."""
    conn = open_store(ctx).conn
    row = threads.by_id(conn, number)
    texts = [asdict(one) for one in threads.posts(conn, number)]
    show(ctx, _fields(row, time.time()) | {"texts": texts}, as_json)


@command.command("open")
@click.argument("tenant")
@click.option("--subject", required=True, help="One line.")
@click.option("--text", required=True, help="What you write; the tenant's contact gets it by mail, too.")
@click.option("--about", default="", metavar="WHAT", help="campaign:NUMBER or statement:NUMBER of the tenant.")
@json_option
@click.pass_context
def open_(ctx: click.Context, tenant: str, subject: str, text: str, about: str, as_json: bool) -> None:
    """Begin a thread with a tenant."""
    store, now = open_store(ctx), time.time()
    operator, base_url = _from(store)
    with transaction(store.conn) as conn:
        owner = tenants.find(conn, tenant)
        row = threads.open_(
            conn, operator, base_url, owner.id, subject, text, about=about, staff=True, actor=actor(), now=now
        )
    done(ctx, f"thread {row.id} is open; a letter goes to {owner.contact}", _fields(row, now), as_json)


@command.command()
@click.argument("number", type=int)
@click.option("--text", required=True, help="What you write; the tenant's contact gets it by mail, too.")
@json_option
@click.pass_context
def answer(ctx: click.Context, number: int, text: str, as_json: bool) -> None:
    """Write in a thread; then it is the tenant's turn."""
    store, now = open_store(ctx), time.time()
    operator, base_url = _from(store)
    with transaction(store.conn) as conn:
        row = threads.by_id(conn, number)
        row = threads.write(conn, operator, base_url, row, text, staff=True, actor=actor(), now=now)
        contact = _contact(conn, row)
    done(ctx, f"written in thread {number}; a letter goes to {contact}", _fields(row, now), as_json)


@command.command()
@click.argument("number", type=int)
@json_option
@click.pass_context
def close(ctx: click.Context, number: int, as_json: bool) -> None:
    """Nothing more is due; who writes in it opens it again."""
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        row = threads.close(conn, threads.by_id(conn, number), actor=actor(), now=now)
    done(ctx, f"thread {number} is closed", _fields(row, now), as_json)


def _from(store: Store) -> tuple[Operator, str]:
    return Operator.of(store.settings), store.settings.links.base_url


def _contact(conn: Tx, row: SupportThread) -> str:
    return tenants.by_id(conn, row.tenant_id).contact


def _fields(row: SupportThread, now: float) -> dict[str, object]:
    fields = asdict(row)
    return {
        "number": row.id,
        **{key: value for key, value in fields.items() if key not in ("id", "tenant_id", "shown")},
        "kind": str(row.kind),
        "state": str(row.state),
        "overdue": row.overdue(now),
    }
