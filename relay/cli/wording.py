"""``relay wording``: what people agreed to, in numbered versions (R2)."""

from __future__ import annotations

import click

from relay.cli.common import Store, done, fail, json_option, open_store, output, say_sentence, show
from relay.people import wordings
from relay.people.wording_check import LANGUAGES, Gap, gaps, language_of, sentence
from relay.people.wordings import Wording
from relay.tenants import tenants

COLUMNS = ("number", "language", "consents", "first_seen_at", "sha256", "text")
SHORT = 60
"""Characters of a text, and of a hash 12, in the table."""


@click.group()
def command() -> None:
    """Wordings that people agreed to: list, show, check."""


@command.command("list")
@click.argument("tenant")
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str, as_json: bool) -> None:
    """List all versions, oldest first; none is ever changed or deleted."""
    conn = open_store(ctx).conn
    rows = [_row(one) for one in wordings.list_(conn, tenants.find(conn, tenant).id)]
    output(ctx, rows if as_json else [_shortened(row) for row in rows], COLUMNS, as_json)


@command.command("show")
@click.argument("tenant")
@click.argument("number", type=click.IntRange(1))
@json_option
@click.pass_context
def show_(ctx: click.Context, tenant: str, number: int, as_json: bool) -> None:
    """Show one version and what it leaves out."""
    store = open_store(ctx)
    found = wordings.find(store.conn, tenants.find(store.conn, tenant).id, number)
    missing = gaps(found.text, found.language, abroad=store.settings.consent.transfer_abroad)
    show(ctx, _row(found) | {"gaps": [_gap(gap) for gap in missing]}, as_json)


@command.command()
@click.argument("text")
@click.option("--language", default="", help=f"One of {', '.join(LANGUAGES)}; without it, it is found from the text.")
@click.option("--abroad", is_flag=True, help="Data goes abroad, so the wording must say so.")
@json_option
@click.pass_context
def check(ctx: click.Context, text: str, language: str, abroad: bool, as_json: bool) -> int:
    """Tell what a wording leaves out; exit status 1 if that is something. No legal advice."""
    if language and language.replace("_", "-").split("-")[0].casefold() not in LANGUAGES:
        raise click.UsageError(f"wordings are checked in {', '.join(LANGUAGES)}, not in {language[:20]!r}")
    missing = gaps(text, language, abroad=abroad)
    found = {
        "language": language or language_of(text),
        "gaps": [_gap(gap) for gap in missing],
    }
    if as_json:
        done(ctx, "", found, True)
    else:
        for said in [gap.text for gap in missing] or ["nothing that can be looked for is missing"]:
            say_sentence(said)
    return 1 if missing else 0


def heed(store: Store, text: str) -> str:
    """What a wording leaves out, to be told once the command has done its work; ``""`` if nothing is missing.

    Ends the command where ``[consent] wording_gaps`` refuses.
    """
    asked = store.settings.consent
    said = sentence(gaps(text, abroad=asked.transfer_abroad))
    if said and asked.wording_gaps == "refuse":
        fail(said)
    return said


def _gap(gap: Gap) -> dict[str, str]:
    return {"gap": gap.value, "text": gap.text}


def _row(one: Wording) -> dict[str, object]:
    return {
        "number": one.number,
        "language": one.language,
        "consents": one.consents,
        "first_seen_at": one.first_seen_at,
        "sha256": one.sha256,
        "text": one.text,
    }


def _shortened(row: dict[str, object]) -> dict[str, object]:
    text = " ".join(str(row["text"]).split())
    return row | {"sha256": str(row["sha256"])[:12], "text": text if len(text) <= SHORT else text[: SHORT - 1] + "…"}
