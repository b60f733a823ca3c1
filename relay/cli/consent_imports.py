"""``relay consent``: each list that was taken, its fate, and taking it back (imports, freeze, thaw, undo; R8b)."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from relay.cli.common import actor, done, fail, json_option, open_store, output
from relay.cli.importing import progress
from relay.lists import fates, runs
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.tenants import tenants

COLUMNS = (
    "id", "at", "file", "topic", "source", "state", "taken", "sent", "bounced", "unsubscribed", "complained",
    "contested",
)  # fmt: skip


@click.command("imports")
@click.argument("tenant")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="The newest so many.")
@json_option
@click.pass_context
def imports(ctx: click.Context, tenant: str, limit: int, as_json: bool) -> None:
    """List the lists that were taken, the newest first, with what became of their people."""
    conn = open_store(ctx).conn
    owner = tenants.find(conn, tenant)
    output(ctx, [_told(conn, run) for run in runs.of_tenant(conn, owner.id, limit)], COLUMNS, as_json)


@click.command("freeze")
@click.argument("tenant")
@click.argument("import_id", metavar="IMPORT", type=int)
@click.option("--reason", required=True, help="For the log.")
@json_option
@click.pass_context
def freeze(ctx: click.Context, tenant: str, import_id: int, reason: str, as_json: bool) -> None:
    """Let the consents of a list count nowhere until it is thawed, also for mail that waits."""
    people, result = _turned(ctx, runs.freeze, tenant, import_id, reason)
    done(ctx, f"import {import_id} is frozen: {people} consents count no more", result, as_json)


@click.command("thaw")
@click.argument("tenant")
@click.argument("import_id", metavar="IMPORT", type=int)
@click.option("--reason", required=True, help="For the log.")
@json_option
@click.pass_context
def thaw(ctx: click.Context, tenant: str, import_id: int, reason: str, as_json: bool) -> None:
    """Let the consents of a frozen list count again."""
    people, result = _turned(ctx, runs.thaw, tenant, import_id, reason)
    done(ctx, f"import {import_id} is thawed: {people} consents count again", result, as_json)


@click.command("undo")
@click.argument("tenant")
@click.argument("import_id", metavar="IMPORT", type=int)
@click.option("--reason", required=True, help="For the log.")
@click.option("--yes", is_flag=True, help="You know that only the people themselves can come back to the topic.")
@json_option
@click.pass_context
def undo(ctx: click.Context, tenant: str, import_id: int, reason: str, yes: bool, as_json: bool) -> None:
    """Take a whole list back: its consents are withdrawn. Who has proved the consent better since is kept."""
    store = open_store(ctx)
    owner = tenants.find(store.conn, tenant)
    run = runs.find(store.conn, owner.id, import_id)
    if not yes:
        fail(
            f"this withdraws the consents of {run.file} ({run.taken} people), and only they themselves can come back to"
            " the topic: say --yes"
        )
    with progress(run.taken) as step:
        people = runs.undo(
            store.conn,
            owner.id,
            import_id,
            reason=reason,
            actor=actor(),
            now=time.time(),
            progress=step,
        )
    result = _told(store.conn, runs.find(store.conn, owner.id, import_id)) | {"people": people}
    done(ctx, f"import {import_id} is undone: {people} consents are withdrawn", result, as_json)


def _turned(
    ctx: click.Context, act: Callable[..., int], tenant: str, import_id: int, reason: str
) -> tuple[int, dict[str, object]]:
    """Freeze or thaw in one transaction: how many consents, and the list as it is now."""
    with transaction(open_store(ctx).conn) as conn:
        owner = tenants.find(conn, tenant)
        people = act(conn, owner.id, import_id, reason=reason, actor=actor(), now=time.time())
        return people, _told(conn, runs.find(conn, owner.id, import_id)) | {"people": people}


def _told(conn: Tx, run: runs.ImportRun) -> dict[str, object]:
    topic = conn.execute("SELECT name FROM topic WHERE id = ?", (run.topic_id,)).fetchone()
    fate = fates.of_import(conn, run.id)
    return {
        "id": run.id,
        "at": run.at,
        "file": run.file,
        "sha256": run.sha256,
        "topic": None if topic is None else topic[0],
        "source": run.source,
        "actor": run.actor,
        "state": run.state,
        "reason": run.reason,
        "taken": run.taken,
        **{kind: fate[kind] for kind in ("sent", *fates.KINDS)},
    }
