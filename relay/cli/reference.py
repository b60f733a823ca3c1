"""Makes docs/CLI.md and the outline for completion from the commands' own definitions.

``python -m relay.cli.reference`` writes them; ``--check`` only compares, and
exits with 1 if a file on disk differs.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from relay.cli import outline
from relay.cli.main import relay

ROOT: Final = Path(__file__).parent.parent.parent
REFERENCE: Final = Path("docs/CLI.md")
OUTLINE: Final = Path("relay/cli/outline.json")
"""What completion knows of the commands (``relay.cli.outline``)."""

_HEAD: Final = """\
# Commands

Made from the commands' own definitions by `python -m relay.cli.reference`; don't edit.

`relay [-c FILE] COMMAND ...` reads the settings of `-c FILE`, else of `relay.toml` in the working directory, else of
`/etc/relay/relay.toml`. All commands but `serve` may run beside the service.

- **Exit status**: 0 done, 1 refused or failed, 2 wrong use. An error is one line on stderr that says what to do;
  `RELAY_DEBUG=1` shows where it came from.
- **`--json`** prints JSON on stdout instead of text for people; times are ISO 8601 in UTC.
- **Text for people** takes the width of the terminal, or `COLUMNS`; in a pipe without it lines are as wide as they
  are. Times are in this machine's zone (`TZ`), with `--utc` in UTC. `NO_COLOR` is respected.
- **`--watch`** draws a listing again and again until Ctrl-C; in a pipe it prints one round.
- **TIME** is ISO 8601 (`2026-11-23` or `2026-11-23T14:05:00Z`; UTC where no zone is given), **CIDR** is `192.0.2.0/24`,
  `192.0.2.7` or `2001:db8::/32`.
"""


def reference() -> str:
    """The text of docs/CLI.md."""
    root = click.Context(relay, info_name="relay")
    parts = [_HEAD, _index(root)]
    for name in relay.list_commands(root):
        command = relay.get_command(root, name)
        assert command is not None, name
        parts += _sections(command, click.Context(command, info_name=name, parent=root), 2)
    return "\n".join(parts)


def _index(root: click.Context) -> str:
    rows = []
    for name in relay.list_commands(root):
        command = relay.get_command(root, name)
        assert command is not None
        below = f": {', '.join(command.commands)}" if isinstance(command, click.Group) else ""
        rows.append(f"- [`relay {name}`](#relay-{name}){below}\n")
    return "".join(rows)


def _sections(command: click.Command, ctx: click.Context, level: int) -> Iterator[str]:
    """The command's own section, then those of the commands below it."""
    usage = " ".join(command.collect_usage_pieces(ctx))
    lines = [f"{'#' * level} `{ctx.command_path}`", ""]
    if not isinstance(command, click.Group) or command.invoke_without_command:
        lines += [f"`{ctx.command_path} {usage}`", ""]
    lines += [_prose(command.help or ""), ""]
    options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    if options and (not isinstance(command, click.Group) or command.invoke_without_command):
        lines += ["| option | meaning |", "|---|---|", *(_row(option, ctx) for option in options), ""]
    yield "\n".join(lines)
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from _sections(below, click.Context(below, info_name=name, parent=ctx), level + 1)


def _prose(text: str) -> str:
    """Paragraphs as they are, each on lines of its own."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _row(option: click.Option, ctx: click.Context) -> str:
    record = option.get_help_record(ctx)
    assert record is not None
    name, meaning = record
    return f"| `{_cell(name)}` | {_cell(meaning)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Write the files, or with ``--check`` compare; the exit status."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m relay.cli.reference [--check]", file=sys.stderr)
        return 2
    status = 0
    for name, text in ((REFERENCE, reference()), (OUTLINE, outline.text(relay))):
        file = root / name
        if file.exists() and file.read_text("utf-8") == text:
            continue
        if arguments:
            print(f"out of date: {name}; run `python -m relay.cli.reference`", file=sys.stderr)
            status = 1
        else:
            file.write_text(text, "utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
