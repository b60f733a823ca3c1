"""``relay evidence``: what is handed to authorities and anti-spam bodies, with ground and reference (R24)."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import click

from relay.cli.common import actor, done, fail, json_option, open_store, output
from relay.evidence import abused, bundle
from relay.evidence.abused import FORMS
from relay.store.database import transaction
from relay.tenants import tenants

COLUMNS = ("id", "tenant", "campaign_id", "form", "recipient", "reference", "asked_at", "asked_by", "released_at")
MOST_OCTETS = 512 * 1024 * 1024
GROUND = "The law, order or rule that asks for it."
REFERENCE = "Of the case, as the other side names it."


@click.group()
def command() -> None:
    """Evidence of a case: export, check, ask, release, disclosures."""


@command.command()
@click.argument("tenant")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--campaign", type=int, metavar="ID", help="Only this one; without it, of all.")
@click.option("--ground", required=True, help=GROUND)
@click.option("--reference", required=True, help=REFERENCE)
@click.option(
    "--people", type=click.IntRange(0, bundle.MOST_PEOPLE), default=100, show_default=True,
    help="Consents' proofs of so many who complained or are dead.",
)  # fmt: skip
@json_option
@click.pass_context
def export(
    ctx: click.Context,
    tenant: str,
    file: Path,
    campaign: int | None,
    ground: str,
    reference: str,
    people: int,
    as_json: bool,
) -> None:
    """Write a zip with account, campaign, content, consents' proofs, figures and log, and a signed head."""
    if file.exists():
        fail(f"{file} is there already; name another file")
    store = open_store(ctx)
    case = bundle.Case(tenants.find(store.conn, tenant), campaign, ground, reference, people)
    made = bundle.build(store.conn, store.secrets, store.settings, case, actor=actor(), clock=time.time)
    _write(file, made.octets)
    fields = {"file": str(file), "files": made.files, "proofs": made.proofs, "sha256": made.digest}
    done(ctx, f"{made.files} files are in {file}; `relay evidence check` tells whether it is whole", fields, as_json)


@command.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@click.pass_context
def check(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Tell whether a bundle is whole, and which head signs it; needs no database."""
    try:
        if file.stat().st_size > MOST_OCTETS:
            fail(f"{file} is too large for a bundle of this relay")
        octets = file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    head = bundle.check(octets)
    fields = {"whole": True, "at": head.at, "size": head.size, "root": head.root.hex(), "key": head.key_id}
    done(ctx, f"whole: nothing was changed since the head of {head.size} leaves, key {head.key_id}", fields, as_json)


@command.command()
@click.argument("tenant")
@click.option("--campaign", type=int, metavar="ID", help="Only of this one.")
@click.option("--to", "recipient", required=True, help="Who gets it, e.g. a mailbox provider or an anti-spam body.")
@click.option("--ground", required=True, help=GROUND)
@click.option("--reference", required=True, help=REFERENCE)
@click.option(
    "--form", type=click.Choice(FORMS), default="hashed", show_default=True,
    help="SHA-256 of each address, domains with counts, or addresses where that is ordered.",
)  # fmt: skip
@json_option
@click.pass_context
def ask(
    ctx: click.Context,
    tenant: str,
    campaign: int | None,
    recipient: str,
    ground: str,
    reference: str,
    form: str,
    as_json: bool,
) -> None:
    """Ask for the part of a list that abuse concerns: who complained or is dead; another releases it."""
    store = open_store(ctx)
    with transaction(store.conn) as conn:
        row = abused.ask(
            conn, tenants.find(conn, tenant), campaign_id=campaign, form=form, recipient=recipient, ground=ground,
            reference=reference, actor=actor(), now=time.time(),
        )  # fmt: skip
    done(ctx, f"disclosure {row.id} waits for a second person: `relay evidence release`", asdict(row), as_json)


@command.command()
@click.argument("number", type=int)
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@click.pass_context
def release(ctx: click.Context, number: int, file: Path, as_json: bool) -> None:
    """Write what somebody else asked for into a file; who asked can't."""
    if file.exists():
        fail(f"{file} is there already; name another file")
    store = open_store(ctx)
    with transaction(store.conn) as conn:
        row, text = abused.release(conn, abused.by_id(conn, number), actor=actor(), now=time.time())
        _write(file, text.encode())
    count = text.count("\n")
    done(ctx, f"{count} lines for {row.recipient} are in {file}", asdict(row) | {"lines": count}, as_json)


@command.command()
@json_option
@click.pass_context
def disclosures(ctx: click.Context, as_json: bool) -> None:
    """List what was asked for and released."""
    output(ctx, [asdict(row) for row in abused.listing(open_store(ctx).conn)], COLUMNS, as_json)


def _write(file: Path, octets: bytes) -> None:
    """For its owner alone."""
    file.touch(mode=0o600)
    file.write_bytes(octets)
