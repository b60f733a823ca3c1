"""``relay audit``: the log that shows any later change (R31)."""

from __future__ import annotations

import time
from pathlib import Path

import click

from relay.audit import heads, listing, sequence, verify
from relay.audit.errors import AuditError
from relay.audit.heads import Head
from relay.audit.prove import Object, Prover
from relay.cli.bar import bar
from relay.cli.common import EMAIL, actor, fail, json_option, note, open_store, output, print_json, say, show, shown
from relay.mail.address import Address
from relay.observe.escape import escaped
from relay.tenants import tenants

FILE = click.Path(path_type=Path)
COLUMNS = ("leaf", "at", "action", "tenant", "actor", "detail")


@click.group()
def command() -> None:
    """The audit log: verify, head, prove, list, rotate."""


@command.command("head")
@json_option
@click.pass_context
def head_(ctx: click.Context, as_json: bool) -> None:
    """Take in what was recorded and print the newest signed head. Keep heads where this machine can't reach."""
    store = open_store(ctx)
    with bar("leaves") as step:
        head = sequence.sequence(store.conn, store.secrets, time.time, lambda done: step(done, done))
    show(ctx, _shown(head, as_json), as_json)


@command.command("verify")
@click.option(
    "--head", "kept", type=FILE, multiple=True, metavar="FILE", help="A head kept elsewhere; may be given repeatedly."
)
@json_option
@click.pass_context
def verify_(ctx: click.Context, kept: tuple[Path, ...], as_json: bool) -> int:
    """Walk the whole log and name every edit, deletion, insertion and reorder; against a kept head every truncation."""
    store = open_store(ctx)
    known = [_read(path) for path in kept]
    with bar("leaves") as step:
        found = verify.verify(store.conn, store.secrets, known, step)
    faults = [{"leaf": fault.leaf, "fault": fault.text} for fault in found.faults]
    figures = {
        "whole": not found.count,
        "leaves": found.leaves,
        "records": found.records,
        "erased": found.erased,
        "heads": found.heads,
        "not_yet_in_tree": max(0, found.leaves - found.size),
    }
    if as_json:
        print_json({**figures, "faults": faults, "fault_count": found.count, "warnings": found.warnings})
        return 1 if found.count else 0
    say(
        f"leaves {found.leaves}, records {found.records} (erased {found.erased}),"
        f" heads {found.heads}, kept elsewhere {len(known)}"
    )
    if figures["not_yet_in_tree"]:
        say(f"not yet under a head: {figures['not_yet_in_tree']} leaves; `relay audit head` signs one")
    for warning in found.warnings:
        note(f"warning: {warning}")
    for fault in found.faults:
        say(escaped(str(fault)))
    if found.count:
        fail(f"the audit log is not what was written; faults: {found.count}")
    say("whole: nothing was changed, taken out, moved or added")
    return 0


@command.command()
@click.argument("leaf", type=click.IntRange(0), required=False)
@click.option("--tenant", help="With --email: prove all leaves about a person.")
@click.option("--email", type=EMAIL)
@click.option(
    "--from", "first", type=FILE, metavar="FILE", help="Prove that the log has only grown since this kept head."
)
@json_option
@click.pass_context
def prove(
    ctx: click.Context, leaf: int | None, tenant: str | None, email: Address | None, first: Path | None, as_json: bool
) -> None:
    """Prove that leaves are in the tree, or that the log has only grown. docs/PROOF.md tells how to check --json."""
    person = tenant is not None and email is not None
    if [leaf is not None, person, first is not None].count(True) != 1 or (tenant is None) != (email is None):
        raise click.UsageError("name a LEAF, or --tenant with --email, or --from FILE")
    store = open_store(ctx)
    kept = None if first is None else _read(first)
    head = sequence.sequence(store.conn, store.secrets, time.time)
    prover = Prover(store.conn, head)
    if kept is not None:
        found = [prover.consistency(kept)]
    elif leaf is not None:
        found = [prover.inclusion(leaf)]
    else:
        assert tenant is not None and email is not None
        owner = tenants.find(store.conn, tenant)
        numbers = listing.of_person(store.conn, owner.id, email.canonical)
        if not numbers:
            fail(f"the audit log has nothing about {email.canonical} with {tenant}")
        if numbers[-1] is None or numbers[-1] >= head.size:  # recorded since the head was signed
            head = sequence.sequence(store.conn, store.secrets, time.time)
            numbers = listing.of_person(store.conn, owner.id, email.canonical)
        prover = Prover(store.conn, head)
        found = [prover.inclusion(number) for number in numbers if number is not None and number < head.size]
    if as_json:
        print_json(found[0] if len(found) == 1 else found)
        return
    for document in found:
        say(_told(document, head))


@command.command("list")
@click.argument("tenant", required=False)
@click.option("--action", help="Only this action, e.g. tenant-frozen; with * at the end, all that begin so.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="The newest so many.")
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str | None, action: str | None, limit: int, as_json: bool) -> None:
    """List what was recorded, newest first."""
    store = open_store(ctx)
    conn = store.conn
    owner = None if tenant is None else tenants.find(conn, tenant).id
    try:
        sequence.sequence(conn, store.secrets, time.time)  # gives the leaves their numbers
    except AuditError as error:
        note(f"warning: {error}")
    output(ctx, listing.newest(conn, owner, action, limit), COLUMNS, as_json)


@command.command()
@json_option
@click.pass_context
def rotate(ctx: click.Context, as_json: bool) -> None:
    """Sign with a new key from now on; heads and proofs of the old ones go on to verify."""
    store = open_store(ctx)
    head = sequence.rotate(store.conn, store.secrets, actor(), time.time)
    show(ctx, _shown(head, as_json), as_json)


def _shown(head: Head, as_json: bool) -> dict[str, object]:
    kind: dict[str, object] = {"type": heads.TYPE} if as_json else {}
    return kind | {"at": head.at} | head.fields()


def _read(path: Path) -> Head:
    with path.open("rb") as file:
        octets = file.read(heads.MOST_OCTETS + 1)
    if len(octets) > heads.MOST_OCTETS:
        fail(f"{path} is too long for a head; keep what `relay audit head` prints")
    try:
        return heads.parse(octets.decode("utf-8", "replace"))
    except AuditError as error:
        fail(f"{path}: {error}")


def _told(document: Object, head: Head) -> str:
    if "first" in document:
        first = document["first"]
        assert isinstance(first, dict)
        return f"the tree of {first['size']} leaves is the beginning of the one of {head.size}: nothing was changed"
    leaf = document["leaf"]
    assert isinstance(leaf, dict)
    return (
        f"leaf {document['number']} ({leaf['action']}, {shown(leaf['at_us'] / 1_000_000)}, records {leaf['records']})"
        f" is in the tree of {head.size} leaves with the root {head.root.hex()}"
    )
