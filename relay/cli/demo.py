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
@click.option(
    "--store",
    default="sqlite",
    metavar="KIND",
    help="sqlite, by default; postgres, a server of its own where one is installed; or the URL of an empty database.",
)
def command(once: bool, directory: Path | None, store: str) -> int:
    """Show the whole story on this machine: a relay, a tenant, a campaign, an unsubscribe.

    Everything stays on 127.0.0.1, on ports of its own; no settings file is read and no mail leaves the machine.
    It stays up until Ctrl-C.
    """
    from relay.demo.show import show

    return show(once=once, directory=directory, store=_store(store))


def _store(kind: str) -> str:
    """What ``show`` takes. Ends the command for what is no kind."""
    from config.names import store_url

    if kind in ("sqlite", "postgres", "postgresql"):
        return {"sqlite": ""}.get(kind, "postgres")
    try:
        return store_url(kind)
    except ValueError as error:
        text = str(error).partition("; leave it out")[0]
        raise click.UsageError(f"--store: sqlite, postgres or a URL; {text}") from error
