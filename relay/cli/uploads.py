"""Files that a command is given are shown to the policies that look at such, such as ClamAV (R18)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from relay.cli.common import fail, load_settings

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
