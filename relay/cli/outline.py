"""The commands' outline: what completion needs to know of them, without importing any.

``python -m relay.cli.reference`` writes it beside this file, ``--check`` compares it.
A node is ``{"help", "commands"}`` or ``{"help", "arguments", "options"}``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

FILE: Final = Path(__file__).with_name("outline.json")

OutlineNode = dict[str, Any]


def read() -> OutlineNode:
    """The outline as it was written."""
    found: OutlineNode = json.loads(FILE.read_text("utf-8"))
    return found


def text(root: click.Group) -> str:
    """The file's content, made from the commands."""
    return json.dumps(_node(root, click.Context(root, info_name="relay")), indent=1, ensure_ascii=False) + "\n"


def _node(command: click.Command, ctx: click.Context) -> OutlineNode:
    node: OutlineNode = {"help": command.get_short_help_str(100)}
    options = [_option(param) for param in command.params if isinstance(param, click.Option) and not param.hidden]
    if isinstance(command, click.Group):
        below = {name: command.get_command(ctx, name) for name in command.list_commands(ctx)}
        found = {name: _node(one, click.Context(one, parent=ctx)) for name, one in below.items() if one is not None}
        return node | {"options": options, "commands": found}
    arguments = [_argument(param) for param in command.params if isinstance(param, click.Argument)]
    return node | {"arguments": arguments, "options": options}


def _option(param: click.Option) -> OutlineNode:
    flag = param.is_flag or param.count
    return {"names": [*param.opts, *param.secondary_opts], "help": param.help or ""} | ({} if flag else _value(param))


def _argument(param: click.Argument) -> OutlineNode:
    return _value(param) | ({"many": True} if param.nargs != 1 else {})


def _value(param: click.Parameter) -> OutlineNode:
    value: OutlineNode = {"name": param.name}
    if isinstance(param.type, click.Choice):
        value["choices"] = [str(choice) for choice in param.type.choices]
    elif isinstance(param.type, click.Path | click.File):
        value["file"] = True
    return value
