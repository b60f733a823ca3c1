"""``relay queue``: what waits, and the operator's hand on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

import click

from config.settings import Settings
from relay.cli.common import actor, done, fail, hold_row, json_option, open_store, stage_terms
from relay.cli.watching import watch_option, watch_output, watch_show
from relay.mail.address import AddressError, parse_domain
from relay.queue import admin, held, told, view
from relay.queue.admin import QueueAction, Selection
from relay.queue.held import StageTerms
from relay.queue.nodes import own_id
from relay.queue.owners import end_leases
from relay.queue.trace import trace
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.values.ids import decode_id, encode_id

COLUMNS = ("id", "number", "tenant", "address", "state", "due_at", "attempts", "reason")


class _QueueId(click.ParamType[int]):
    """The id of the ``250`` reply → submission id."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return decode_id(str(value))
        except ValueError as error:
            self.fail(f"{value!r} is no queue id ({error}); the 250 reply to DATA carries it", param, ctx)


class _Domain(click.ParamType[str]):
    """A domain as a person types it → lower-case A-labels."""

    name = "domain"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return parse_domain(str(value))
        except AddressError as error:
            self.fail(str(error), param, ctx)


QUEUE_ID: Final = _QueueId()
DOMAIN: Final = _Domain()


@click.group()
def command() -> None:
    """The queue: list, show, hold, release, retry, cancel, stats."""


@command.command("list")
@click.option("--state", type=click.Choice([*view.NAMES, view.LEASED]), help="Without it all that wait or are held.")
@click.option("--tenant", help="Copies of this tenant only.")
@click.option("--domain", type=DOMAIN, help="Copies to this domain only.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="At most so many copies.")
@watch_option
@json_option
@click.pass_context
def list_(
    ctx: click.Context,
    state: str | None,
    tenant: str | None,
    domain: str | None,
    limit: int,
    every: float | None,
    as_json: bool,
) -> None:
    """List copies in the order they were accepted."""
    conn = open_store(ctx).conn
    owner = None if tenant is None else tenants.find(conn, tenant).id

    def rows() -> list[dict[str, object]]:
        found = view.list_(conn, Selection(None, owner, domain), state=state, limit=limit)
        return [_row(row) for row in found]

    watch_output(ctx, rows, COLUMNS, as_json, every)


@command.command("show")
@click.argument("id_", metavar="ID", type=QUEUE_ID)
@watch_option
@json_option
@click.pass_context
def show_(ctx: click.Context, id_: int, every: float | None, as_json: bool) -> None:
    """Show one message and all its copies."""
    store = open_store(ctx)
    watch_show(ctx, lambda: _message(store.conn, id_, stage_terms(store)), as_json, every)


def _message(conn: Tx, id_: int, terms: StageTerms) -> dict[str, object]:
    copies = view.copies(conn, id_)
    if not copies:
        fail(f"there is no message {encode_id(id_)}; it may be older than the retention")
    story = trace(conn, id_)
    head = {
        "id": story.queue_id,
        "message_id": story.message_id,
        "tenant": story.tenant,
        "stream": story.stream,
        "topic": story.topic,
        "campaign": story.campaign,
        "reverse_path": story.reverse_path,
        "subject": story.subject,
        "size_octets": story.size_octets,
        "accepted_at": copies[0].accepted_at,
    }
    shown = ("number", "address", "state", "due_at", "attempts", "reason", "remote", "changed_at")
    recipients = [{key: _row(row)[key] for key in shown} for row in copies]
    by_number = held.of_message(conn, id_, terms)
    holds = [{"number": number} | hold_row(one) for number, found in by_number.items() for one in found]
    return head | {"recipients": recipients, "holds": holds}


def _end_leases(settings: Settings) -> None:
    end_leases(settings.database, time.time(), own_id(settings.database, settings.stored), store=settings.stored)


def _action(action: QueueAction, what: str) -> None:
    """One command for each action: by id, or all of a tenant's or a domain's copies."""

    def run(
        ctx: click.Context, id_: int | None, tenant: str | None, domain: str | None, reason: str, as_json: bool
    ) -> None:
        if id_ is None and tenant is None and domain is None:
            raise click.UsageError("name a queue id, --tenant or --domain")
        store = open_store(ctx)
        conn = store.conn
        owner = None if tenant is None else tenants.find(conn, tenant).id
        _end_leases(store.settings)  # of a relay that was killed, and runs no more
        result = admin.act(conn, action, Selection(id_, owner, domain), actor=actor(), why=reason, now=time.time())
        if result.nothing:
            fail(told.unchanged(action, result))
        text = told.changed(action, result)
        done(ctx, text, asdict(result), as_json)

    run.__doc__ = what
    decorated: Callable[..., Any] = click.pass_context(run)
    for wrap in reversed(
        (
            click.argument("id_", metavar="[ID]", type=QUEUE_ID, required=False),
            click.option("--tenant", help="All copies of this tenant."),
            click.option("--domain", type=DOMAIN, help="All copies to this domain."),
            click.option("--reason", default="", help="Why; it goes to the audit log."),
            json_option,
        )
    ):
        decorated = wrap(decorated)
    command.command(action.value)(decorated)


_action(QueueAction.HOLD, "Hold waiting copies until they are released.")
_action(QueueAction.RELEASE, "Let held copies go; staged ones go with their campaign.")
_action(QueueAction.RETRY, "Try waiting copies now.")
_action(QueueAction.CANCEL, "Drop copies for good; the quota gets them back.")


@command.command()
@click.option("--waiting", is_flag=True, help="Leave out what is finished: quick, however many copies are kept.")
@watch_option
@json_option
@click.pass_context
def stats(ctx: click.Context, waiting: bool, every: float | None, as_json: bool) -> None:
    """Add up the queue."""
    conn = open_store(ctx).conn
    watch_show(ctx, lambda: _stats(conn, not waiting), as_json, every)


def _stats(conn: Tx, finished: bool) -> dict[str, object]:
    found = view.stats(conn, finished=finished)
    domains = [{"domain": domain, "waiting": waiting} for domain, waiting in found.domains]
    fields = asdict(found) | {"held": sum(found.held.values()), "held_by_reason": found.held, "domains": domains}
    del fields["tenants"]
    if not finished:
        del fields["finished"]
    return fields


def _row(row: view.CopyRow) -> dict[str, object]:
    fields = asdict(row)
    del fields["submission_id"]
    waits = row.state in ("ready", view.LEASED)
    return {"id": encode_id(row.submission_id)} | fields | {"due_at": row.due_at if waits else None}
