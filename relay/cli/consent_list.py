"""Lists of ``relay consent``: import, export, groups (R4)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import click

from relay.cli.common import actor, done, fail, json_option, note, open_store, output
from relay.cli.importing import check_report, progress, remarks, tell
from relay.cli.uploads import looked_at
from relay.cli.wording import heed
from relay.lists import consent_book, consent_import
from relay.lists.list_write import write_list
from relay.lists.refusals import Refusals
from relay.lists.wishes import MEANINGS, ListWishes
from relay.people import profiles
from relay.tenants import tenants
from relay.values.moments import ORDERS

FILE = click.Path(path_type=Path)


@click.command("import")
@click.argument("tenant")
@click.argument("file", type=FILE)
@click.option("--topic", required=True, help="What the people agreed to hear about.")
@click.option("--source", required=True, help="Where they agreed.")
@click.option("--wording", required=True, help="The exact text that they agreed to.")
@click.option("--attest", is_flag=True, help=f"You state that {consent_import.ATTESTATION}; --dry-run needs it not.")
@click.option("--group", "groups_", multiple=True, help="Put all people into this group too.")
@click.option("--skip", multiple=True, metavar="COLUMN", help="Don't keep this column; *: keep no attributes.")
@click.option("--encoding", default="", help="Of a text file, e.g. cp1251; without it, it is recognised.")
@click.option(
    "--take-suppressions", is_flag=True, help="Suppress whom the list itself calls unsubscribed, bounced, complaining."
)
@click.option("--dates", type=click.Choice(ORDERS), help="How the list writes dates that can be read in two ways.")
@click.option(
    "--status",
    "status",
    multiple=True,
    metavar="WORD=MEANING",
    help=f"A word of a status, COLUMN:WORD in one column: {', '.join(MEANINGS)}.",
)
@click.option("--keep", multiple=True, metavar="COLUMN", help="It says nothing of consents: keep it as an attribute.")
@click.option("--right-domain", "domains", multiple=True, metavar="DOMAIN", help="It is right, though it looks a slip.")
@click.option("--strict", is_flag=True, help="Exit status 1 if any line was refused or left.")
@click.option("--dry-run", is_flag=True, help="Try it and tell, but change nothing.")
@click.option("--report", type=FILE, metavar="FILE", help="Write all refused lines there (CSV, or .jsonl).")
@json_option
@click.pass_context
def import_(
    ctx: click.Context,
    tenant: str,
    file: Path,
    topic: str,
    source: str,
    wording: str,
    attest: bool,
    groups_: tuple[str, ...],
    skip: tuple[str, ...],
    encoding: str,
    take_suppressions: bool,
    dates: str | None,
    status: tuple[str, ...],
    keep: tuple[str, ...],
    domains: tuple[str, ...],
    strict: bool,
    dry_run: bool,
    report: Path | None,
    as_json: bool,
) -> int:
    """Record the consents of a list: TXT, CSV, XLS, XLSX or vCard.

    The column `email` (or one that holds addresses) is needed; dates, `ip`, `groups`, `birthday` and columns that say
    who unsubscribed, bounced or never confirmed are understood (nobody becomes consenting against them), all others
    are kept as attributes.
    """
    store, now = open_store(ctx), time.time()
    owner = tenants.find(store.conn, tenant)
    wishes = ListWishes(
        topic, source, wording, groups_, skip, keep, encoding, dates or "", status, domains, take_suppressions
    )
    wishes.terms()
    if not attest and not dry_run:
        fail(f"say --attest: with it you state that {consent_import.ATTESTATION}")
    check_report(report, file)
    gaps = heed(store, wording)
    looked_at(ctx, file.name, file)
    people = wishes.open(file)
    remarks(people)
    order = wishes.order(owner.id, store.secrets, actor(), now, dry_run=dry_run)
    refusals = Refusals()
    with progress(people.kind.lines) as step:
        figures = consent_import.run(store.conn, people, order, refused=refusals, progress=step)
    note(gaps)
    return tell(
        figures,
        refusals,
        to=report,
        as_json=as_json,
        dry_run=dry_run,
        strict=strict,
        remarked=people.remarks,
    )


@click.command()
@click.argument("tenant")
@click.argument("file", type=FILE)
@click.option("--topic", default="", help="Only consents to this topic.")
@click.option("--group", default="", help="Only people of this group.")
@click.option("--attribute", "attributes", multiple=True, metavar="NAME=VALUE", help="Only people with this value.")
@click.option("--live", is_flag=True, help="Only whom you may write to.")
@json_option
@click.pass_context
def export(
    ctx: click.Context,
    tenant: str,
    file: Path,
    topic: str,
    group: str,
    attributes: tuple[str, ...],
    live: bool,
    as_json: bool,
) -> None:
    """Write consents with attributes and groups to a file: CSV, or JSON lines if it ends in .jsonl."""
    store = open_store(ctx)
    owner = tenants.find(store.conn, tenant)
    choice = consent_book.Choice(topic, group, pairs(attributes), live)
    consent_book.check(store.conn, owner.id, choice)
    columns = consent_book.export_columns(store.conn, owner.id)
    written = write_list(file, columns, consent_book.export(store.conn, owner.id, choice))
    done(ctx, f"{written} consents written to {file}", {"file": str(file), "written": written}, as_json)


@click.command()
@click.argument("tenant")
@json_option
@click.pass_context
def groups(ctx: click.Context, tenant: str, as_json: bool) -> None:
    """List the groups of a tenant's people."""
    conn = open_store(ctx).conn
    found = profiles.groups(conn, tenants.find(conn, tenant).id)
    rows = [{"group": group.name, "people": group.people, "created_at": group.created_at} for group in found]
    output(ctx, rows, ("group", "people", "created_at"), as_json)


def pairs(words: Iterable[str]) -> dict[str, str]:
    """``NAME=VALUE`` words as a mapping; ends the command for what is none."""
    found = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign:
            fail(f"{word[:40]!r} is no NAME=VALUE")
        found[name] = value
    return found
