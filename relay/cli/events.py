"""``relay events``: what happened to a tenant's mail, as its applications are told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import click

from relay.cli.common import json_option, json_text, open_store, output, say, shown
from relay.cli.moments import SINCE
from relay.events import stream
from relay.events.stream import StreamEvent, StreamPlace
from relay.events.types import MEANINGS
from relay.store.contract import Tx
from relay.tenants import tenants

COLUMNS: Final = ("at", "type", "recipient", "message", "campaign", "says")
STEP: Final = 500
LOOK_S: Final = 0.5
"""How often it is looked for more."""


@click.command()
@click.argument("tenant")
@click.option("--type", "types", multiple=True, type=click.Choice(list(MEANINGS)), metavar="TYPE", help="Only these.")
@click.option("--since", type=SINCE, metavar="TIME", help="From then on, or 12h or 7d ago; default: all kept.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=100,
    show_default=True,
    help="The newest so many; with --follow: before what is new.",
)
@click.option("--follow", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    tenant: str,
    types: tuple[str, ...],
    since: float | None,
    limit: int,
    follow: bool,
    as_json: bool,
) -> None:
    """What happened to a tenant's messages and people, oldest first; the same as GET /v1/events.

    With --follow and --json one object a line.
    """
    conn = open_store(ctx).conn
    owner = tenants.find(conn, tenant)
    begin = stream.BEGIN if since is None else stream.since(conn, owner.id, since)
    wanted = frozenset(types)
    newest, place = _newest(conn, owner.id, begin, wanted, limit)
    if not follow:
        rows = [event.members() if as_json else _row(event) for event in newest]
        output(ctx, rows, COLUMNS, as_json)
        return
    for event in newest:
        _line(event, as_json)
    try:
        for event in _following(conn, owner.id, place, wanted):
            _line(event, as_json)
    except KeyboardInterrupt:
        pass


def _newest(
    conn: Tx, tenant_id: int, begin: StreamPlace, types: frozenset[str], limit: int
) -> tuple[list[StreamEvent], StreamPlace]:
    """The last ``limit`` of those behind ``begin``, and where the stream goes on."""
    found: list[StreamEvent] = []
    place = begin
    while True:
        page = stream.read(conn, tenant_id, place, types=types, limit=STEP)
        found = [*found, *page.events][-limit:]
        place = page.place
        if page.ended:
            return found, place


def _following(conn: Tx, tenant_id: int, place: StreamPlace, types: frozenset[str]) -> Iterator[StreamEvent]:
    while True:
        page = stream.read(conn, tenant_id, place, types=types, limit=STEP)
        yield from page.events
        place = page.place
        if page.ended:
            time.sleep(LOOK_S)


def _line(event: StreamEvent, as_json: bool) -> None:
    if as_json:
        say(json_text(event.members()))
        return
    words = [shown(event.at), event.type, event.recipient or "-", event.message or "-", _says(event)]
    say("  ".join(word for word in words if word))


def _row(event: StreamEvent) -> dict[str, object]:
    return {
        "at": event.at,
        "type": event.type,
        "recipient": event.recipient or "",
        "message": event.message or "",
        "campaign": event.campaign or "",
        "says": _says(event),
    }


def _says(event: StreamEvent) -> str:
    """The best of what its detail has."""
    for name in ("reply", "reason", "why", "class", "verdict", "means"):
        found = event.detail.get(name)
        if found:
            return str(found)
    count = event.detail.get("count")
    return f"{count} people" if count else ""
