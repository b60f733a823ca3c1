"""``relay demo``: the whole story on this machine."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--once", is_flag=True, help="End after the story; exit status 1 if something was not as expected.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="D",
    help="A new or empty directory that is kept; by default a temporary one that goes at the end.",
)
def command(once: bool, directory: Path | None) -> int:
    """Show the whole story on this machine: a relay, a tenant, a campaign, an unsubscribe.

    Everything stays on 127.0.0.1, on ports of its own; no settings file is read and no mail leaves the machine.
    It stays up until Ctrl-C.
    """
    from relay.demo.show import show

    return show(once=once, directory=directory)
