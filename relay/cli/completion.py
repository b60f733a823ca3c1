"""``relay completion``: what a shell needs to complete the words of a command line.

The scripts and the words in between are click's; what may stand there is found
in ``relay.cli.completing``.
"""

from __future__ import annotations

import os
import sys
from typing import Final

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ShellComplete, ZshComplete

SHELLS: Final[dict[str, type[ShellComplete]]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
VARIABLE: Final = "_RELAY_COMPLETE"
WHERE: Final = {
    "bash": "relay completion bash > /etc/bash_completion.d/relay (or >> ~/.bashrc)",
    "zsh": "relay completion zsh > /usr/local/share/zsh/site-functions/_relay",
    "fish": "relay completion fish > ~/.config/fish/completions/relay.fish",
}


@click.command()
@click.argument("shell", type=click.Choice(list(SHELLS)))
def command(shell: str) -> None:
    """Complete words on the tab key, in bash, zsh and fish.

    Prints the shell's script, to be kept where the shell looks: `relay completion bash > /etc/bash_completion.d/relay`,
    `relay completion zsh > /usr/local/share/zsh/site-functions/_relay`, `relay completion fish >
    ~/.config/fish/completions/relay.fish`. Commands and options are completed, and the names of tenants, domains,
    topics, streams, forms and credentials, campaigns and the newest messages where the database can be read.
    """
    shown = SHELLS[shell](click.Group(), {}, "relay", VARIABLE)
    click.echo(shown.source_template % shown.source_vars())
    if sys.stdout.isatty():
        click.echo(f"relay: keep it with: {WHERE[shell]}", err=True)


def answer(wish: str, program: str) -> int:
    """What a script asks by the variable, e.g. ``bash_complete``; the exit status. It never says a word of its own."""
    shell, _, what = wish.partition("_")
    if shell not in SHELLS or what not in ("complete", "source"):
        return 1
    asked = SHELLS[shell](click.Group(), {}, program, VARIABLE)
    if what == "source":
        click.echo(asked.source_template % asked.source_vars())
        return 0
    from relay.cli.completing import complete

    try:
        words, begun = asked.get_completion_args()
    except (KeyError, ValueError, IndexError):
        return 1
    items = (CompletionItem(found.value, found.kind, found.help or None) for found in complete(words, begun))
    sys.stdout.write("".join(asked.format_completion(item) + "\n" for item in items))
    sys.stdout.flush()
    os._exit(0)  # nothing is left to do, and each hundredth of a second is felt
