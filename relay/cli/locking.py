"""Options by which a backup is locked and opened, and where their passphrases come from."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from relay.cli.common import fail

F = TypeVar("F", bound=Callable[..., Any])
_LONGEST: Final = 4096

passphrase_options: Final = (
    click.option(
        "--passphrase-file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="The passphrase is the first line of FILE.",
    ),
    click.option("--passphrase", "asked", is_flag=True, help="Ask for a passphrase at the terminal."),
)


def with_passphrase(command: F) -> F:
    """``--passphrase-file`` and ``--passphrase``, as parameters ``passphrase_file`` and ``asked``."""
    for option in reversed(passphrase_options):
        command = option(command)
    return command


def passphrase(file: Path | None, asked: bool, *, new: bool) -> str:
    """What was given in one of these ways, "" for none. ``new``: it is asked for twice, and must not be too short."""
    from relay.backup.sealing import SHORTEST_PASSPHRASE

    if file is not None and asked:
        raise click.UsageError("give --passphrase-file or --passphrase, not both")
    if file is not None:
        found = _of_file(file)
    elif asked:
        if not sys.stdin.isatty():
            fail("there is no terminal to ask for a passphrase at: use --passphrase-file")
        found = click.prompt("Passphrase", hide_input=True, confirmation_prompt=new, err=True)
    else:
        return ""
    if new and len(found) < SHORTEST_PASSPHRASE:
        fail(f"the passphrase is too short, all customers' keys hang on it: take {SHORTEST_PASSPHRASE} characters")
    return str(found)


def _of_file(path: Path) -> str:
    with path.open("rb") as file:
        line = file.readline(_LONGEST)
    try:
        found = line.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        fail(f"{path}: its first line is no text in UTF-8")
    if not found:
        fail(f"{path}: its first line is empty; put the passphrase there")
    return found
