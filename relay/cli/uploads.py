"""Files that a command is given are shown to the policies that look at such, such as ClamAV (R18)."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.cli.common import Store, fail, load_settings, note
from relay.queue.operator import Operator
from relay.store.database import transaction

if TYPE_CHECKING:
    from relay.intake.stored import StoredText
    from relay.values.tenant import TenantRow

MOST_OCTETS = 256 * 1024 * 1024


def looked_at(ctx: click.Context, name: str, source: Path | bytes) -> None:
    """Ends the command if a policy refuses the file, or can't say; nothing of it is stored then."""
    from relay.pipeline import uploads
    from relay.pipeline.contract import Upload
    from relay.pipeline.registry import load_from

    policies = uploads.lookers(load_from(load_settings(ctx)))
    if not policies:
        return
    if isinstance(source, Path):
        with source.open("rb") as opened:
            source = opened.read(MOST_OCTETS)
    status = asyncio.run(uploads.refused(policies, Upload(name, source)))
    if status is not None:
        fail(f"{name} isn't taken: {status.text.removeprefix('content: ')}")


def judged(ctx: click.Context, store: Store, owner: TenantRow, given: StoredText) -> tuple[str, ...]:
    """What is suspected in a text that is to be stored, after the operator was called for it.

    Ends the command where a policy refuses it. Not within a transaction.
    """
    from relay.intake import stored
    from relay.pipeline.registry import load_from

    now = time.time()
    tenant = stored.tenant_of(store.conn, owner.id)
    verdict = asyncio.run(stored.judged(load_from(store.settings), tenant, given, now))
    if verdict.refused is not None:
        fail(f"{given.name} isn't taken: {verdict.refused.text.removeprefix('content: ')}")
    if verdict.suspected:
        with transaction(store.conn) as conn:
            stored.tell(conn, Operator.of(store.settings), owner.name, given.name, verdict.suspected, now)
    return verdict.suspected


def note_suspected(suspected: tuple[str, ...]) -> None:
    """Say that it is stored, and what will become of it."""
    for one in suspected:
        note(f"the operator was called: {one}")
    if suspected:
        note("mail made of it is held until the operator has looked at it")
