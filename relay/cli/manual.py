"""Makes manual pages from the commands' and the settings' own definitions, in the format of man(7).

``python -m relay.cli.manual DIRECTORY VERSION`` writes relay(1), one for each command, and relay.toml(5).
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from config import example
from relay.cli.main import COMMANDS, relay

_CODE: Final = re.compile(r"`([^`]+)`")
_FACTS: Final = (
    ("EXIT STATUS", "0 done, 1 refused or failed, 2 wrong use. An error is one line on stderr that says what to do."),
    (
        "ENVIRONMENT",
        "`RELAY_DEBUG=1` shows where an error came from, `NO_COLOR` leaves out colours;"
        " `COLUMNS` and `TZ` are respected.",
    ),
    ("FILES", "`relay.toml` in the working directory, else `/etc/relay/relay.toml`: the settings, relay.toml(5)."),
)


def pages(version: str) -> dict[str, str]:
    """Path below the directory of manual pages → text."""
    root = click.Context(relay, info_name="relay")
    found = {"man1/relay.1": _main_page(root, version), "man5/relay.toml.5": _settings_page(version)}
    for name in relay.list_commands(root):
        command = relay.get_command(root, name)
        assert command is not None, name
        found[f"man1/relay-{name}.1"] = _command_page(name, command, root, version)
    return found


def roff(text: str) -> str:
    """A line of text as man(7) has it: nothing in it is taken for a request, `code` is bold."""
    plain = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("^", "\\(ha")
    plain = plain.replace("~", "\\(ti")
    bold = _CODE.sub(lambda found: f"\\fB{found.group(1)}\\fR", plain)
    return f"\\&{bold}" if bold.startswith(".") else bold


def _head(name: str, section: int, summary: str, version: str) -> list[str]:
    title = f'.TH "{name.upper()}" {section} "" "relay {version}"'
    return [title, ".SH NAME", f"{roff(name)} \\- {roff(summary.rstrip('.'))}"]


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(inspect.cleandoc(text).split("\n\n")):
        if number:
            yield ".PP"
        yield roff(paragraph)


def _common(*names: str) -> Iterator[str]:
    for title, text in _FACTS:
        if title in names:
            yield f".SH {title}"
            yield roff(text)


def _main_page(root: click.Context, version: str) -> str:
    lines = _head("relay", 1, "mail relay that enforces consent, unsubscribing and quota", version)
    lines += [".SH SYNOPSIS", "\\fBrelay\\fR [\\fB\\-c\\fR \\fIFILE\\fR] \\fICOMMAND\\fR ...", ".SH COMMANDS"]
    for name, summary in COMMANDS.items():
        lines += [".TP", f"\\fBrelay\\-{roff(name)}\\fR(1)", roff(summary)]
    lines += _common("EXIT STATUS", "ENVIRONMENT", "FILES")
    return "\n".join(lines) + "\n"


def _command_page(name: str, command: click.Command, root: click.Context, version: str) -> str:
    ctx = click.Context(command, info_name=name, parent=root)
    lines = _head(f"relay-{name}", 1, COMMANDS[name], version)
    lines += [".SH SYNOPSIS", *_synopsis(command, ctx), ".SH DESCRIPTION", *_paragraphs(command.help or "")]
    lines += _options(command, ctx)
    if isinstance(command, click.Group):
        lines.append(".SH COMMANDS")
        for path, below, inner in _below(command, ctx):
            lines += [f".SS {roff(path)}", roff(f"`{path}` {' '.join(below.collect_usage_pieces(inner))}"), ".PP"]
            lines += [*_paragraphs(below.help or ""), *_options(below, inner)]
    lines += [*_common("EXIT STATUS", "FILES"), ".SH SEE ALSO", "\\fBrelay\\fR(1), \\fBrelay.toml\\fR(5)"]
    return "\n".join(lines) + "\n"


def _synopsis(command: click.Command, ctx: click.Context) -> Iterator[str]:
    if isinstance(command, click.Group) and not command.invoke_without_command:
        for number, (path, below, inner) in enumerate(_below(command, ctx)):
            yield (".br\n" if number else "") + roff(f"`{path}` {' '.join(below.collect_usage_pieces(inner))}")
    else:
        yield roff(f"`{ctx.command_path}` {' '.join(command.collect_usage_pieces(ctx))}")


def _below(group: click.Group, ctx: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    for name, command in group.commands.items():
        inner = click.Context(command, info_name=name, parent=ctx)
        if isinstance(command, click.Group):
            yield from _below(command, inner)
        else:
            yield inner.command_path, command, inner


def _options(command: click.Command, ctx: click.Context) -> Iterator[str]:
    for option in command.params:
        record = option.get_help_record(ctx) if isinstance(option, click.Option) and not option.hidden else None
        if record is not None:
            yield from (".TP", f"\\fB{roff(record[0])}\\fR", roff(record[1]))


def _settings_page(version: str) -> str:
    lines = _head("relay.toml", 5, "settings of the mail relay", version)
    lines += [".SH DESCRIPTION"]
    for paragraph in example.introduction():
        lines += [".PP", roff(paragraph)]
    for title, summary, keys in example.described():
        lines += [f".SH {roff(title)}", roff(summary)]
        for name, kind, default, meaning in keys:
            lines += [".TP", f"\\fB{roff(name)}\\fR ({roff(kind)}; {roff(default)})", roff(meaning)]
    lines += [".SH SEE ALSO", "\\fBrelay\\fR(1)"]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print("usage: python -m relay.cli.manual DIRECTORY VERSION", file=sys.stderr)
        return 2
    for name, text in pages(arguments[1]).items():
        path = Path(arguments[0], name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
