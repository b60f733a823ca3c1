"""``relay campaign``: staged sending and its verdicts (R10 to R12)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click

from relay.campaigns import campaigns, refusals
from relay.cli import campaign_content
from relay.cli.common import Store, actor, done, hold_row, json_option, open_store, output, stage_terms
from relay.cli.stats_by import by_option, show_by
from relay.cli.watching import watch_option, watch_output, watch_show
from relay.queue import campaign_copies, held, verdict_letters, verdicts
from relay.queue.admin import PAUSE_S
from relay.queue.operator import Operator
from relay.store.database import transaction
from relay.tenants import tenants
from relay.tracking import figures as tracking

COLUMNS = (
    "id",
    "tenant",
    "name",
    "state",
    "recipients",
    "held",
    "delivered",
    "bounced",
    "unsubscribed",
    "complained",
    "contested",
    "created_at",
)
RECIPIENT_COLUMNS = ("email", "state", "status", "reason", "attempts", "changed_at", "message")


@click.group()
def command() -> None:
    """Campaigns: list, show, recipients, release, decline."""


@command.command("list")
@click.argument("tenant", required=False)
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="The newest so many.")
@watch_option
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str | None, limit: int, every: float | None, as_json: bool) -> None:
    """List campaigns, newest first."""
    store = open_store(ctx)
    owner = None if tenant is None else tenants.find(store.conn, tenant).id

    def rows() -> list[dict[str, object]]:
        return [_details(store, row) for row in campaigns.list_(store.conn, owner, limit)]

    watch_output(ctx, rows, COLUMNS, as_json, every)


@command.command("show")
@click.argument("id_", metavar="ID", type=int)
@click.option("--content", is_flag=True, help="What it says: text, links and where they lead, attachments.")
@click.option(
    "--html", "html_file", type=click.Path(path_type=Path), help="Write a held copy into this new file, made harmless."
)
@by_option
@watch_option
@json_option
@click.pass_context
def show_(
    ctx: click.Context,
    id_: int,
    content: bool,
    html_file: Path | None,
    by: str | None,
    days: int | None,
    limit: int,
    every: float | None,
    as_json: bool,
) -> None:
    """Show a campaign with its figures, and what holds its copies; or what it says; or its figures by day, site …"""
    store = open_store(ctx)
    if by is not None:
        whose = campaigns.by_id(store.conn, id_).tenant_id
        show_by(ctx, store.conn, whose, by, campaign_id=id_, days=days, limit=limit, as_json=as_json)
        return
    if html_file is not None:
        campaign_content.write_page(store, id_, html_file)
    if content:
        campaign_content.show(store, id_, as_json)
    if content or html_file is not None:
        return

    def fields() -> dict[str, object]:
        found = held.of_campaign(store.conn, id_, stage_terms(store))
        holds = [hold_row(one) | {"copies": one.copies} for one in found]
        seen = tracking.of_campaign(store.conn, id_).fields() | {"links": tracking.links(store.conn, id_)}
        return _details(store, campaigns.by_id(store.conn, id_)) | seen | {"holds": holds}

    watch_show(ctx, fields, as_json, every)


@command.command("recipients")
@click.argument("id_", metavar="ID", type=int)
@click.option("--search", default="", help="An address, @domain, or a part of an address.")
@click.option("--state", type=click.Choice(campaign_copies.STATES), help="Only copies in this state.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="So many at most.")
@json_option
@click.pass_context
def recipients_(ctx: click.Context, id_: int, search: str, state: str | None, limit: int, as_json: bool) -> None:
    """List each recipient with what became of their copy, in the order they came."""
    conn = open_store(ctx).conn
    row, found, place = campaigns.by_id(conn, id_), list[dict[str, object]](), None
    while len(found) < limit:
        page, place = campaign_copies.page(conn, row, search, state or "", place, min(500, limit - len(found)))
        found += [asdict(one) for one in page]
        if place is None:
            break
    output(ctx, found, RECIPIENT_COLUMNS, as_json)


@command.command()
@click.argument("id_", metavar="ID", type=int)
@click.option("--reason", default="released by the administrator", help="Why.")
@json_option
@click.pass_context
def release(ctx: click.Context, id_: int, reason: str, as_json: bool) -> None:
    """Let a staged campaign's held copies go, and all that comes later."""
    store = open_store(ctx)
    kept = verdicts.held_else(store.conn, id_)
    freed = max(0, _decide(store, verdicts.release, id_, reason) - kept)
    text = f"campaign {id_} released, {freed} held copies go now"
    text += f"; {kept} are held for another reason too, `relay campaign show {id_}` says which" if kept else ""
    _done(ctx, id_, text, {"freed": freed, "held_else": kept}, as_json)


@command.command()
@click.argument("id_", metavar="ID", type=int)
@click.option("--reason", required=True, help="Why; the tenant is told.")
@json_option
@click.pass_context
def decline(ctx: click.Context, id_: int, reason: str, as_json: bool) -> None:
    """Drop a campaign's held copies and give them back to the quota; refuse what comes later."""
    store = open_store(ctx)
    dropped = _decide(store, verdicts.decline, id_, reason)
    with transaction(store.conn) as conn:
        why = campaigns.by_id(conn, id_).why
        verdict_letters.tell(conn, Operator.of(store.settings), id_, "declined", why, time.time())
    _done(ctx, id_, f"campaign {id_} declined, {dropped} held copies dropped", {"dropped": dropped}, as_json)


def _decide(store: Store, verdict: Callable[..., int], campaign_id: int, reason: str) -> int:
    """In short transactions, so that a large campaign doesn't hold up the mail."""
    now = time.time()
    with transaction(store.conn) as conn:
        total = done_now = verdict(conn, campaign_id, actor(), reason, now, most=verdicts.CHUNK)
    while done_now:
        time.sleep(PAUSE_S)
        with transaction(store.conn) as conn:
            done_now = verdicts.work_off(conn, campaign_id, now)
        total += done_now
    return total


def _done(ctx: click.Context, campaign_id: int, text: str, result: dict[str, object], as_json: bool) -> None:
    store = open_store(ctx)
    done(ctx, text, _details(store, campaigns.by_id(store.conn, campaign_id)) | result, as_json)


def _details(store: Store, row: campaigns.Campaign) -> dict[str, object]:
    names = store.conn.execute(
        "SELECT (SELECT name FROM tenant WHERE id = ?), (SELECT name FROM stream WHERE id = ?)",
        (row.tenant_id, row.stream_id),
    ).fetchone()
    fields = asdict(row) | {"tenant": names[0], "stream": names[1], "held": campaigns.held(store.conn, row.id)}
    fields["refused"] = refusals.of_campaign(store.conn, row.tenant_id, row.id)
    for name in ("tenant_id", "stream_id", "ahead", "draw", "share"):
        del fields[name]
    first = ("id", "tenant", "stream", "name", "state", "why", "reason", "recipients", "passed", "held")
    return {key: fields[key] for key in first} | fields
