"""``relay contest``: people who say that they never agreed, and what the tenant shows (R8b)."""

from __future__ import annotations

import time
from pathlib import Path

import click

from relay.cli.common import actor, done, fail, json_option, open_store, output, show
from relay.contests import answer, rows
from relay.contests.told import told
from relay.contests.values import MAX_FILE, ContestError, ContestState, Evidence
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.tenants import tenants

COLUMNS = ("id", "at", "email", "topic", "says", "state", "answer_until", "what_now")
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def command() -> None:
    """Contested consents: list, show, answer, concede."""


@command.command("list")
@click.argument("tenant")
@click.option("--state", type=click.Choice([state.value for state in ContestState]), help="Only those that stand so.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="The newest so many.")
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str, state: str | None, limit: int, as_json: bool) -> None:
    """List who contested, the newest first."""
    conn = open_store(ctx).conn
    wanted = None if state is None else ContestState(state)
    found = rows.of_tenant(conn, tenants.find(conn, tenant).id, state=wanted, limit=limit)
    output(ctx, told(conn, found), COLUMNS, as_json)


@command.command("show")
@click.argument("tenant")
@click.argument("contest", type=int)
@json_option
@click.pass_context
def show_(ctx: click.Context, tenant: str, contest: int, as_json: bool) -> None:
    """Show one: what the person says, what was answered, and what comes next."""
    conn = open_store(ctx).conn
    show(ctx, _one(conn, tenant, contest), as_json)


@command.command("answer")
@click.argument("tenant")
@click.argument("contest", type=int)
@click.option("--text", default="", help="How and where the person agreed; they read it.")
@click.option("--file", "file", type=_FILE, help="Evidence: PDF, picture, text or mail, 512 KiB at most.")
@json_option
@click.pass_context
def answer_(ctx: click.Context, tenant: str, contest: int, text: str, file: Path | None, as_json: bool) -> None:
    """Show what proves the consent. The person reads it and has the last word; mail stays stopped."""
    evidence = Evidence(text) if file is None else Evidence(text, file.name, _read(file))
    with transaction(open_store(ctx).conn) as conn:
        owner = tenants.find(conn, tenant)
        try:
            answer.answer(conn, owner.id, contest, evidence, actor=actor(), now=time.time())
        except ContestError as error:
            fail(str(error))
        found = _one(conn, tenant, contest)
    done(ctx, f"contest {contest} is answered; the person has the last word", found, as_json)


@command.command()
@click.argument("tenant")
@click.argument("contest", type=int)
@json_option
@click.pass_context
def concede(ctx: click.Context, tenant: str, contest: int, as_json: bool) -> None:
    """Say that there is no proof: the consent falls for good."""
    with transaction(open_store(ctx).conn) as conn:
        owner = tenants.find(conn, tenant)
        try:
            answer.concede(conn, owner.id, contest, actor=actor(), now=time.time())
        except ContestError as error:
            fail(str(error))
        found = _one(conn, tenant, contest)
    done(ctx, f"contest {contest} is conceded; the consent fell", found, as_json)


def _one(conn: Tx, tenant: str, contest: int) -> dict[str, object]:
    owner = tenants.find(conn, tenant)
    try:
        found = answer.find(conn, owner.id, contest)
    except ContestError as error:
        fail(str(error))
    return {"tenant": tenant} | told(conn, [found])[0]


def _read(file: Path) -> bytes:
    """Not more than is taken, and one octet that tells that there was more."""
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_FILE + 1)
    except OSError as error:
        fail(f"{file}: {error.strerror}")
