"""``relay webhook``: which applications are called of a tenant's events, and what they answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import click

from relay.cli.common import actor, done, fail, json_option, note, open_store, output, say, show
from relay.cli.moments import SINCE
from relay.conduct import account
from relay.events import stream
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.tenants import tenants
from relay.webhooks import book, dispatch, keys, tries
from relay.webhooks.book import WebhookRow
from relay.webhooks.tries import ReplayWish
from relay.webhooks.try_out import try_out

COLUMNS: Final = ("id", "tenant", "url", "events", "state", "waiting")
TRIES: Final = ("at", "event", "type", "try", "status", "took_ms", "says")


@click.group()
def command() -> None:
    """Webhooks: add, list, show, test, replay, rotate, remove."""


@command.command()
@click.argument("tenant")
@click.argument("url")
@click.option("--events", default="", metavar="E,…", help="Types of events; without it all.")
@json_option
@click.pass_context
def add(ctx: click.Context, tenant: str, url: str, events: str, as_json: bool) -> None:
    """Call a URL of what happens from now on; shows the secret that its signatures are checked with, this once."""
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        owner = account.alive(conn, tenants.find(conn, tenant))
        row, key = book.add(
            conn,
            store.secrets,
            owner.id,
            url,
            _types(events),
            allow_private=store.settings.webhooks.allow_private,
            actor=actor(),
            now=now,
        )
    fields = _fields(store.conn, row, now) | {"secret": keys.secret_text(key)}
    if as_json:
        show(ctx, fields, True)
        return
    _say_keys(fields)
    note(f"webhook {row.word} of {tenant}: the secret checks v1, the public key v1a; the secret can't be shown again")


@command.command("list")
@click.argument("tenant", required=False)
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str | None, as_json: bool) -> None:
    """List webhooks, of a tenant or of all."""
    conn, now = open_store(ctx).conn, time.time()
    owner = None if tenant is None else tenants.find(conn, tenant).id
    output(ctx, [_fields(conn, row, now) for row in book.of_tenant(conn, owner)], COLUMNS, as_json)


@command.command("show")
@click.argument("words", nargs=-1, required=True, metavar="[TENANT] ID")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Newest tries shown.")
@json_option
@click.pass_context
def show_(ctx: click.Context, words: Sequence[str], limit: int, as_json: bool) -> None:
    """Show a webhook and what its server answered lately, the newest first."""
    conn, now = open_store(ctx).conn, time.time()
    row = _find(conn, words)
    show(ctx, _fields(conn, row, now) | {"tries": _tries(conn, row, limit)}, as_json)


@command.command()
@click.argument("words", nargs=-1, required=True, metavar="[TENANT] ID")
@json_option
@click.pass_context
def test(ctx: click.Context, words: Sequence[str], as_json: bool) -> int:
    """Send a test now and show the answer; one that was ended goes on if it is answered with 2xx."""
    store, now = open_store(ctx), time.time()
    row = _find(store.conn, words)
    client = dispatch.client_of(store.settings)
    ready = book.signing(store.conn, store.secrets, row.id, now)
    answer = asyncio.run(try_out(client, row, ready, store.settings.webhooks.allow_private, now))
    if answer.ok and row.ended_at is not None:
        with transaction(store.conn) as conn:
            book.resume(conn, row, actor=actor(), now=now)
    fields = {
        "id": row.word,
        "ok": answer.ok,
        "status": answer.status,
        "took_ms": int(answer.took_s * 1000),
        "says": answer.text[: tries.SAYS],
    }
    said = f"{answer.status} {answer.text[:200]}".strip() if answer.status else answer.text
    text = f"{row.url} answered {said}" if answer.status else f"{row.url}: {said}"
    done(ctx, text + ("; it is called again" if answer.ok and row.ended_at is not None else ""), fields, as_json)
    return 0 if answer.ok else 1


@command.command()
@click.argument("words", nargs=-1, required=True, metavar="[TENANT] ID")
@click.option("--event", "events", multiple=True, metavar="EVT", help="This event; may be repeated.")
@click.option("--since", type=SINCE, metavar="TIME", help="All that it wants from then on, or 12h or 7d ago.")
@click.option("--until", type=SINCE, metavar="TIME", help="With --since or --failed: up to then.")
@click.option("--failed", is_flag=True, help="Those that were never answered well, as far as the log goes back.")
@json_option
@click.pass_context
def replay(
    ctx: click.Context,
    words: Sequence[str],
    events: Sequence[str],
    since: float | None,
    until: float | None,
    failed: bool,
    as_json: bool,
) -> None:
    """Send events once more, under their own ids: some, those of a time, or those that failed."""
    store, now = open_store(ctx), time.time()
    row = _find(store.conn, words)
    with transaction(store.conn) as conn:
        queued = tries.replay(conn, row, ReplayWish(tuple(events), since, until, failed), now)
    if row.ended_at is not None:
        note(f"{row.word} is not called now ({row.ended_why}); `relay webhook test {row.word}` resumes it")
    done(ctx, f"{queued} events are sent once more to {row.url}", {"id": row.word, "queued": queued}, as_json)


@command.command()
@click.argument("words", nargs=-1, required=True, metavar="[TENANT] ID")
@json_option
@click.pass_context
def rotate(ctx: click.Context, words: Sequence[str], as_json: bool) -> None:
    """Make a new key; the one before signs beside it for 24 hours."""
    store, now = open_store(ctx), time.time()
    row = _find(store.conn, words)
    with transaction(store.conn) as conn:
        key = book.rotate(conn, store.secrets, row, actor=actor(), now=now)
    fields = _fields(store.conn, row, now) | {"secret": keys.secret_text(key)}
    if as_json:
        show(ctx, fields, True)
        return
    _say_keys(fields)
    note("each request is signed with the key before too, for 24 hours; the secret can't be shown again")


@command.command()
@click.argument("words", nargs=-1, required=True, metavar="[TENANT] ID")
@json_option
@click.pass_context
def remove(ctx: click.Context, words: Sequence[str], as_json: bool) -> None:
    """Call it no more, and forget its log."""
    store = open_store(ctx)
    row = _find(store.conn, words)
    with transaction(store.conn) as conn:
        book.remove(conn, row, actor=actor(), now=time.time())
    done(ctx, f"{row.word} is removed; {row.url} is called no more", {"id": row.word, "url": row.url}, as_json)


def _find(conn: Tx, words: Sequence[str]) -> WebhookRow:
    """``ID``, or ``TENANT ID``."""
    if len(words) > 2:
        fail("name one webhook: its id, or tenant and id")
    owner = tenants.find(conn, words[0]).id if len(words) == 2 else None
    return book.find(conn, owner, book.id_of(words[-1]))


def _types(events: str) -> list[str]:
    return [word.strip() for word in events.split(",") if word.strip()]


def _say_keys(fields: dict[str, object]) -> None:
    say(str(fields["secret"]))
    for public in fields["public_keys"]:  # type: ignore[attr-defined]
        say(str(public))


def _fields(conn: Tx, row: WebhookRow, now: float) -> dict[str, object]:
    return {
        "id": row.word,
        "tenant": tenants.by_id(conn, row.tenant_id).name,
        "url": row.url,
        "events": book.checked(row.types) or "all",
        "state": row.state,
        "why": row.ended_why,
        "created_at": row.created_at,
        "failing_since_at": row.failing_since,
        "ended_at": row.ended_at,
        "waiting": tries.waiting(conn, row.id)[0],
        "public_keys": list(book.public_keys(conn, row.id, now)),
    }


def _tries(conn: Tx, row: WebhookRow, limit: int) -> list[dict[str, object]]:
    return [
        {
            "at": one.at,
            "event": stream.event_id(one.place),
            "type": one.type,
            "try": one.number,
            "status": one.status,
            "took_ms": one.took_ms,
            "says": one.says,
        }
        for _, one in tries.log(conn, row.id, limit=limit)
    ]
