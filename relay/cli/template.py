"""``relay template``: texts with variables, kept by name and version."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import click

from relay.cli.common import done, fail, json_option, open_store, output
from relay.cli.uploads import judged, note_suspected
from relay.intake.stored import StoredText
from relay.store.database import transaction
from relay.templates import templates
from relay.templates.filling import filler
from relay.templates.liquid_engine import TemplateFault
from relay.templates.templates import KeptTemplate
from relay.tenants import tenants

COLUMNS = ("name", "version", "format", "subject", "created_at")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def command() -> None:
    """Templates of a tenant: add, list, show, render, remove."""


@command.command()
@click.argument("tenant")
@click.argument("name")
@click.option("--subject", required=True, help="May hold variables: 'Welcome, {{ name }}'.")
@click.option("--text", type=_FILE, help="File with the text; without it one is made from the HTML.")
@click.option("--html", type=_FILE, help="File with the HTML.")
@click.option("--mjml", type=_FILE, help="File with MJML, in place of HTML.")
@click.option("--markdown", type=_FILE, help="File with Markdown, in place of HTML.")
@json_option
@click.pass_context
def add(
    ctx: click.Context,
    tenant: str,
    name: str,
    subject: str,
    text: Path | None,
    html: Path | None,
    mjml: Path | None,
    markdown: Path | None,
    as_json: bool,
) -> None:
    """Make a template, or a new version of it."""
    given = {"html": html, "mjml": mjml, "markdown": markdown}
    named = [(form, path) for form, path in given.items() if path is not None]
    if len(named) > 1:
        fail("name one of --html, --mjml and --markdown")
    form, path = named[0] if named else ("html", None)
    source = path.read_text("utf-8") if path is not None else ""
    written = text.read_text("utf-8") if text is not None else ""
    store = open_store(ctx)
    owner = tenants.find(store.conn, tenant)
    try:
        markup, shown = templates.made(subject, written, source, form)
    except TemplateFault as fault:
        fail(str(fault))
    suspected = judged(ctx, store, owner, StoredText(f"template {name}", subject, shown, markup))
    with transaction(store.conn) as conn:
        try:
            kept = templates.put(
                conn, owner.id, name, subject=subject, text=written,
                source=source, format=form, now=time.time(),
            )  # fmt: skip
        except TemplateFault as fault:
            fail(str(fault))
    done(ctx, f"template {name} of {tenant} has version {kept.version}", asdict(kept), as_json)
    note_suspected(suspected)


@command.command("list")
@click.argument("tenant")
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str, as_json: bool) -> None:
    """List a tenant's templates, the newest version of each."""
    conn = open_store(ctx).conn
    rows = [asdict(row) for row in templates.all_of(conn, tenants.find(conn, tenant).id)]
    output(ctx, rows, COLUMNS, as_json)


@command.command()
@click.argument("tenant")
@click.argument("name")
@click.option("--version", type=click.IntRange(1), help="Without it the newest.")
@json_option
@click.pass_context
def show(ctx: click.Context, tenant: str, name: str, version: int | None, as_json: bool) -> None:
    """Show one as it was written."""
    kept = _found(ctx, tenant, name, version)
    done(ctx, f"{kept.subject}\n\n{kept.source or kept.text}", asdict(kept), as_json)


@command.command()
@click.argument("tenant")
@click.argument("name")
@click.option("--data", default="{}", help="Values as JSON.")
@click.option("--version", type=click.IntRange(1), help="Without it the newest.")
@json_option
@click.pass_context
def render(ctx: click.Context, tenant: str, name: str, data: str, version: int | None, as_json: bool) -> None:
    """Fill one with values; tells which are missing, and sends nothing."""
    kept = _found(ctx, tenant, name, version)
    try:
        values = json.loads(data)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        fail("--data must be a JSON object")
    made: dict[str, str] = {}
    missing: dict[str, None] = {}
    try:
        for field, source in (("subject", kept.subject), ("text", kept.text), ("html", kept.html)):
            made[field], names = filler(source, field == "html").render(values)
            missing |= dict.fromkeys(names)
    except TemplateFault as fault:
        fail(str(fault))
    told = f"missing: {', '.join(missing)}\n\n" if missing else ""
    done(ctx, f"{told}{made['subject']}\n\n{made['text']}", made | {"missing": list(missing)}, as_json)


@command.command()
@click.argument("tenant")
@click.argument("name")
@json_option
@click.pass_context
def remove(ctx: click.Context, tenant: str, name: str, as_json: bool) -> None:
    """Remove one with all its versions."""
    with transaction(open_store(ctx).conn) as conn:
        versions = templates.remove(conn, tenants.find(conn, tenant).id, name)
    if not versions:
        fail(f"{tenant} has no template {name!r}; `relay template list {tenant}` shows all")
    done(ctx, f"template {name} of {tenant} is removed", {"name": name, "versions": versions}, as_json)


def _found(ctx: click.Context, tenant: str, name: str, version: int | None) -> KeptTemplate:
    conn = open_store(ctx).conn
    kept = templates.find(conn, tenants.find(conn, tenant).id, name, version)
    if kept is None:
        fail(f"{tenant} has no such template; `relay template list {tenant}` shows all")
    return kept
