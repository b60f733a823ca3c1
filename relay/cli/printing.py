"""What commands print: listings, objects, sentences and JSON.

Times are seconds since the epoch inside: every value whose key is ``at`` or
ends in ``_at`` is turned into text here, in the operator's zone for people
and in UTC for programs. A terminal's width is respected, and so is
``COLUMNS``; what goes into a pipe without it is as wide as it is.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import click

from relay.cli import layout
from relay.cli.moments import brief, iso, shown
from relay.observe.escape import escaped, escaped_json, escaped_lines

if TYPE_CHECKING:
    from relay.queue.held import CopyHold

ShownRow = Mapping[str, object]

SHORT: Final = {"number": "NO", "attempts": "TRIES"}
"""Headings shorter than their keys."""


def output(ctx: click.Context, rows: Iterable[ShownRow], columns: Sequence[str], as_json: bool) -> None:
    """A listing: a JSON array with all keys, or a table of ``columns`` (keys of the rows)."""
    if as_json:
        print_json([_plain(row) for row in rows])
        return
    say_lines(listing(rows, columns))


class Heading(str):
    """A line above a table: bold where there are colours."""

    __slots__ = ()


def listing(rows: Iterable[ShownRow], columns: Sequence[str], *, complete: bool = False) -> list[str]:
    """The lines of a table; on a terminal ``none`` stands for no rows. ``complete``: no text is cut."""
    found = list(rows)
    if not found and sys.stdout.isatty():
        return ["none"]
    table = [
        layout.Column(
            key,
            SHORT.get(key, heading(key)),
            [cell(key, row.get(key)) for row in found],
            [cell(key, row.get(key), short=True) for row in found],
        )
        for key in columns
    ]
    lines, headed = layout.listing(table, room(), complete=complete)
    return [Heading(lines[0]), *lines[1:]] if headed else lines


def show(ctx: click.Context, fields: ShownRow, as_json: bool) -> None:
    """One object: JSON, or a line for each field; lists of objects follow as tables."""
    if as_json:
        print_json(_plain(fields))
        return
    say_lines(shown_fields(fields))


def shown_fields(fields: ShownRow) -> list[str]:
    """The lines of one object."""
    tables = {k: v for k, v in fields.items() if _is_table(v)}
    lines = layout.labelled([(heading(k).lower(), cell(k, v)) for k, v in fields.items() if k not in tables], room())
    for key, rows in tables.items():
        assert isinstance(rows, list | tuple)
        lines += ["", f"{heading(key).lower()}:", *listing(rows, list(rows[0]), complete=True)]
    return lines


def pairs(fields: Iterable[tuple[str, str]]) -> None:
    """Lines of name and value, for what has its own words; names are texts, values are escaped here."""
    for line in layout.labelled([(name, escaped(value)) for name, value in fields], room()):
        say(line)


def hold_row(one: CopyHold) -> dict[str, object]:
    """A hold as commands show it."""
    until = None if one.until is None else iso(one.until)
    return {"by": one.by, "why": one.why, "until": until, "ends": one.ends}


def done(ctx: click.Context, text: str, fields: ShownRow, as_json: bool) -> None:
    """The end of an action: one sentence, or the resulting object as JSON."""
    if as_json:
        print_json(_plain(fields))
    else:
        say_sentence(text)


def say_sentence(text: str) -> None:
    """A sentence on stdout, wrapped where there is a width; its further lines stand a little in."""
    _say_wrapped(escaped(text))


def note(text: str) -> None:
    """Something to know that is no error: one line on stderr, wrapped where there is a width; nothing for ``""``."""
    if not text:
        return
    _say_wrapped(f"relay: {escaped(text)}", err=True)


def _say_wrapped(told: str, *, err: bool = False) -> None:
    width = room()
    for number, line in enumerate([told] if width is None else layout.wrap(told, width - 2, whole=True)):
        say(("  " if number else "") + line, err=err)


def print_json(value: object) -> None:
    """Indented JSON on stdout. Times must be text already (``output`` and ``show`` see to it)."""
    click.echo(json_text(value, indent=2))


def json_text(value: object, *, indent: int | None = None) -> str:
    """JSON whose strings can be looked at: what a terminal would obey stands as ``\\uXXXX``."""
    return escaped_json(json.dumps(value, indent=indent, ensure_ascii=False, default=_json_value))


def say(text: str, *, nl: bool = True, err: bool = False) -> None:
    """Lines for people, on stdout or stderr; the one way for text, since what others wrote may be in it."""
    click.echo(escaped_lines(text), nl=nl, err=err)


def say_lines(lines: Iterable[str]) -> None:
    """Lines of ``listing`` and ``shown_fields``."""
    for line in lines:
        click.echo(painted(line))


def painted(line: str) -> str:
    """One line as it goes to the terminal."""
    text = escaped(line)
    return click.style(text, bold=True) if isinstance(line, Heading) and colours() else text


def heading(key: str) -> str:
    """``messages_used`` → ``MESSAGES USED``, ``created_at`` → ``CREATED``."""
    return escaped(key.removesuffix("_at").replace("_", " ").upper())


def cell(key: str, value: object, *, short: bool = False) -> str:
    """One value for people; ``short``: times to the minute."""
    if value is None or value == "":
        return layout.NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if _is_time(key, value):
        return (brief if short else shown)(float(str(value)))
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return ", ".join(cell("", item) for item in items) or layout.NOTHING
    if isinstance(value, Mapping):
        return ", ".join(f"{escaped(str(k))}={cell(str(k), v)}" for k, v in value.items()) or layout.NOTHING
    return escaped(str(value))


# --- the terminal ------------------------------------------------------------------


def room() -> int | None:
    """Columns to use; None where stdout is no terminal and ``COLUMNS`` says nothing."""
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdecimal() and int(said):
        return max(int(said), layout.LEAST_ROOM)
    if not sys.stdout.isatty():
        return None
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return max(columns or 80, layout.LEAST_ROOM)


def colours() -> bool:
    """Whether stdout shows colours: a terminal that isn't dumb, and no ``NO_COLOR`` (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _is_table(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _is_time(key: str, value: object) -> bool:
    return (key == "at" or key.endswith("_at")) and isinstance(value, int | float) and not isinstance(value, bool)


def _plain(row: ShownRow) -> dict[str, object]:
    return {key: _plain_value(key, value) for key, value in row.items()}


def _plain_value(key: str, value: object) -> object:
    if _is_time(key, value):
        return iso(float(str(value)), timespec="milliseconds")
    if isinstance(value, Mapping):
        return _plain(value)
    if isinstance(value, list | tuple):
        return [_plain_value("", item) for item in value]
    return value


def _json_value(value: object) -> object:
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
