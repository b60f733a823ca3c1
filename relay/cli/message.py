"""``relay message``: what was sent lately."""

from __future__ import annotations

from dataclasses import asdict

import click

from relay.cli.common import json_option, note, open_store, output
from relay.cli.moments import SINCE, shown
from relay.queue import messages, view
from relay.tenants import tenants

COLUMNS = ("id", "accepted_at", "tenant", "recipient", "state", "subject")
MOST = 10_000


@click.group()
def command() -> None:
    """Messages: list what was sent lately."""


@command.command("list")
@click.option("--tenant", help="Messages of this tenant only.")
@click.option("--recipient", default="", metavar="ADDRESS", help="To this address, @domain, or part of an address.")
@click.option("--subject", default="", metavar="TEXT", help="With this in the subject, in either case.")
@click.option("--state", type=click.Choice([*view.NAMES, view.LEASED]), help="With a copy in this state.")
@click.option("--since", type=SINCE, metavar="TIME", help="Accepted then or later: 2026-11-23T14:05, or 12h or 7d ago.")
@click.option("--until", type=SINCE, metavar="TIME", help="Accepted then or earlier.")
@click.option("--limit", type=click.IntRange(1, MOST), default=50, show_default=True, help="The newest so many.")
@json_option
@click.pass_context
def list_(
    ctx: click.Context,
    tenant: str | None,
    recipient: str,
    subject: str,
    state: str | None,
    since: float | None,
    until: float | None,
    limit: int,
    as_json: bool,
) -> None:
    """List messages, newest first; `relay trace ID` tells the story of one."""
    conn = open_store(ctx).conn
    owner = None if tenant is None else tenants.find(conn, tenant).id
    wanted = messages.Wanted(owner, recipient, subject, state or "", since, until)
    looked = messages.Looked()
    found = list(messages.newest(conn, wanted, limit, looked))
    columns = [key for key in COLUMNS if key != "tenant" or tenant is None]
    output(ctx, [_row(one, as_json) for one in found], columns, as_json)
    if looked.more and looked.at is not None:
        note(f"looked at {looked.count} messages, back to {shown(looked.at)}; --until that time goes on from there")


def _row(one: messages.SentMessage, as_json: bool) -> dict[str, object]:
    fields = asdict(one)
    if not as_json and one.recipients > 1:
        fields["recipient"] = f"{one.recipient} +{one.recipients - 1}"
    return fields
