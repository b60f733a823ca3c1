"""``relay suppression``: who gets nothing more from a tenant (R8)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.audit import actions
from relay.cli.common import EMAIL, actor, done, fail, json_option, open_store, output
from relay.cli.importing import check_report, progress, remarks, tell
from relay.cli.uploads import looked_at
from relay.lists import suppression_import
from relay.lists.consent_book import iso
from relay.lists.list_file import open_list
from relay.lists.list_write import write_list
from relay.lists.refusals import Refusals
from relay.people import suppressions
from relay.store.database import transaction
from relay.tenants import tenants
from relay.values.facts import Reason

if TYPE_CHECKING:
    from relay.mail.address import Address

COLUMNS = ("email", "reason", "topic", "since_at", "detail")
FILE = click.Path(path_type=Path)
WORDS = [reason.value for reason in Reason]


@click.group()
def command() -> None:
    """People who get nothing more from a tenant."""


@command.command("list")
@click.argument("tenant")
@click.option("--reason", type=click.Choice(WORDS), help="Only those with this reason.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="At most so many.")
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str, reason: str | None, limit: int, as_json: bool) -> None:
    """List suppressed addresses; topic * stands for everything."""
    conn = open_store(ctx).conn
    rows = suppressions.list_(
        conn, tenants.find(conn, tenant).id, reason=None if reason is None else Reason(reason), limit=limit
    )
    output(ctx, [_row(row) for row in rows], COLUMNS, as_json)


@command.command()
@click.argument("tenant")
@click.argument("email", type=EMAIL)
@click.option("--reason", required=True, help=f"{', '.join(WORDS)}; any other text is kept as a note of `hand`.")
@json_option
@click.pass_context
def add(ctx: click.Context, tenant: str, email: Address, reason: str, as_json: bool) -> None:
    """Suppress an address for all of a tenant's mail; `unsubscribed` ends its consents too."""
    store, now = open_store(ctx), time.time()
    word, detail = (Reason(reason), "") if reason in WORDS else (Reason.HAND, " ".join(reason.split()))
    if not reason.strip() or not detail.isprintable():
        fail("the reason is empty or not printable; say why")
    with transaction(store.conn) as conn:
        owner = tenants.find(conn, tenant)
        new = suppression_import.suppress(conn, owner.id, email.canonical, word, detail=detail, means="hand", now=now)
        if new:
            told = {"address": email.canonical, "reason": word.value, "detail": detail}
            actions.record(conn, actor(), "suppression-added", owner.id, told, now)
    text = f"{email.canonical} gets nothing more of {tenant} ({word})"
    result = {"tenant": tenant, "email": email.canonical, "reason": word.value, "changed": new}
    done(ctx, text if new else f"{text}; that was so before", result, as_json)


@command.command()
@click.argument("tenant")
@click.argument("email", type=EMAIL)
@click.option("--reason", required=True, help="Why; it goes to the audit log.")
@json_option
@click.pass_context
def remove(ctx: click.Context, tenant: str, email: Address, reason: str, as_json: bool) -> None:
    """Lift a suppression; never the person's own unsubscribing, which only its double opt-in lifts."""
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        owner = tenants.find(conn, tenant)
        lifted = suppressions.remove(conn, owner.id, email.canonical, why=reason, actor=actor(), now=now)
    words = [word.value for word in lifted]
    result = {"tenant": tenant, "email": email.canonical, "lifted": words}
    done(ctx, f"lifted for {email.canonical}: {', '.join(words)}", result, as_json)


@command.command("import")
@click.argument("tenant")
@click.argument("file", type=FILE)
@click.option("--reason", type=click.Choice(WORDS), default=Reason.HAND.value, show_default=True, help="For all lines.")
@click.option("--encoding", default="", help="Of a text file, e.g. cp1251; without it, it is recognised.")
@click.option("--strict", is_flag=True, help="Exit status 1 if any line was refused.")
@click.option("--dry-run", is_flag=True, help="Try it and tell, but change nothing.")
@click.option("--report", type=FILE, metavar="FILE", help="Write all refused lines there (CSV, or .jsonl).")
@json_option
@click.pass_context
def import_(
    ctx: click.Context,
    tenant: str,
    file: Path,
    reason: str,
    encoding: str,
    strict: bool,
    dry_run: bool,
    report: Path | None,
    as_json: bool,
) -> int:
    """Suppress a list: TXT, CSV, XLS, XLSX, JSON lines or vCard, as another sender exports it.

    Everyone in it is suppressed, with the reason that stands beside the address, or that the file's name gives.
    """
    store, now = open_store(ctx), time.time()
    owner = tenants.find(store.conn, tenant)
    check_report(report, file)
    looked_at(ctx, file.name, file)
    people = open_list(file, encoding=encoding)
    remarks(people)
    refusals = Refusals()
    with progress(people.kind.lines) as step:
        figures = suppression_import.run(
            store.conn,
            people,
            owner.id,
            reason=Reason(reason),
            actor=actor(),
            now=now,
            refused=refusals,
            progress=step,
            dry_run=dry_run,
        )
    return tell(figures, refusals, to=report, as_json=as_json, dry_run=dry_run, strict=strict, remarked=people.remarks)


@command.command()
@click.argument("tenant")
@click.argument("file", type=FILE)
@json_option
@click.pass_context
def export(ctx: click.Context, tenant: str, file: Path, as_json: bool) -> None:
    """Write all suppressions to a file: CSV, or JSON lines if it ends in .jsonl."""
    conn = open_store(ctx).conn
    owner = tenants.find(conn, tenant)

    def rows() -> Iterator[dict[str, object]]:
        for row in suppressions.list_(conn, owner.id):
            yield _row(row) | {"since_at": iso(row.since_at)}

    written = write_list(file, COLUMNS, rows())
    done(ctx, f"{written} suppressions written to {file}", {"file": str(file), "written": written}, as_json)


def _row(row: suppressions.SuppressionRow) -> dict[str, object]:
    return {
        "email": row.address,
        "reason": row.reason.value,
        "topic": row.topic or "*",
        "since_at": row.since_at,
        "detail": row.detail,
    }
