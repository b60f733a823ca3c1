"""``relay announce``: planned work and notices, told to tenants (R35)."""

from __future__ import annotations

import time

import click

from relay.announcements import book
from relay.announcements.book import AnnouncementWish
from relay.announcements.values import Announcement, AnnouncementKind
from relay.cli.common import MOMENT, actor, done, json_option, open_store, output, show
from relay.cli.moments import shown
from relay.store.contract import Tx
from relay.store.database import transaction

COLUMNS = ("number", "kind", "title", "from_at", "until_at", "state", "for", "letters")


@click.group()
def command() -> None:
    """Planned work and notices, told to tenants: add, list, show, withdraw."""


@command.command()
@click.option(
    "--kind", type=click.Choice([*(str(one) for one in AnnouncementKind)]), required=True,
    help="Planned work, or anything else that tenants should know.",
)  # fmt: skip
@click.option("--title", required=True, help="One line.")
@click.option("--text", required=True, help="What happens, and what it means for them.")
@click.option("--from", "from_", type=MOMENT, help="When it begins; UTC where no zone is given. Without it: now.")
@click.option("--until", type=MOMENT, required=True, help="When it is over; UTC where no zone is given.")
@click.option(
    "--tenant", "names", multiple=True, metavar="NAME", help="Only this one; may be repeated. Without it: all."
)
@click.option(
    "--urgent", default="", metavar="REASON",
    help="Why it can't wait. Planned work of more than a day begins in less than a day only with it; tenants read it.",
)  # fmt: skip
@json_option
@click.pass_context
def add(
    ctx: click.Context, kind: str, title: str, text: str, from_: float | None, until: float, names: tuple[str, ...],
    urgent: str, as_json: bool,
) -> None:  # fmt: skip
    """Announce something: on tenants' pages at once, to their contacts by mail while the relay runs."""
    conn, now = open_store(ctx).conn, time.time()
    wish = AnnouncementWish(AnnouncementKind(kind), title, text, now if from_ is None else from_, until, names, urgent)
    with transaction(conn) as tx:
        row = book.add(tx, wish, actor=actor(), now=now)
        whom = "all tenants" if row.everybody else f"{len(book.names(tx, row))} of the tenants"
    said = (
        f"announcement {row.id} stands on the pages of {whom}, from {shown(row.from_at)} until {shown(row.until_at)};"
        " the letters go out while the relay runs"
    )
    done(ctx, said, _fields(conn, row, now), as_json)


@command.command("list")
@click.option(
    "--state", type=click.Choice(("current", "all")), default="current", show_default=True,
    help="Those that are neither over nor withdrawn, or all.",
)  # fmt: skip
@json_option
@click.pass_context
def list_(ctx: click.Context, state: str, as_json: bool) -> None:
    """List announcements, the newest first."""
    conn, now = open_store(ctx).conn, time.time()
    rows = book.listing(conn, now, current=state == "current", limit=book.MOST_SHOWN)
    output(ctx, [_fields(conn, one, now) for one in rows], COLUMNS, as_json)


@command.command("show")
@click.argument("number", type=int)
@json_option
@click.pass_context
def show_(ctx: click.Context, number: int, as_json: bool) -> None:
    """Show one with its text, and how far its letters are."""
    conn = open_store(ctx).conn
    show(ctx, _fields(conn, book.by_id(conn, number), time.time()), as_json)


@command.command()
@click.argument("number", type=int)
@click.option("--reason", default="", help="Why; tenants read it.")
@json_option
@click.pass_context
def withdraw(ctx: click.Context, number: int, reason: str, as_json: bool) -> None:
    """Take one back; who had a letter about it gets another one."""
    conn, now = open_store(ctx).conn, time.time()
    with transaction(conn) as tx:
        row = book.withdraw(tx, book.by_id(tx, number), reason=reason, actor=actor(), now=now)
    done(ctx, f"announcement {number} is withdrawn", _fields(conn, row, now), as_json)


def _fields(conn: Tx, row: Announcement, now: float) -> dict[str, object]:
    return {
        "number": row.id,
        "kind": str(row.kind),
        "title": row.title,
        "text": row.text,
        "from_at": row.from_at,
        "until_at": row.until_at,
        "state": str(row.state(now)),
        "for": "all" if row.everybody else book.names(conn, row),
        "urgent": row.urgent,
        "letters": str(row.letters(now)),
        "announced_by": row.actor,
        "announced_at": row.at,
        "withdrawn_at": row.withdrawn_at,
        "withdrawn_why": row.withdrawn_why,
    }
