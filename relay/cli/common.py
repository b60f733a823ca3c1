"""What all commands share: opening the store, parameter types, printing.

Times are seconds since the epoch inside and ISO 8601 UTC outside: every value
whose key is ``at`` or ends in ``_at`` is turned into text here.
"""

from __future__ import annotations

import ipaddress
import json
import os
import pwd
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import click

from relay.observe.escape import escaped, escaped_json, escaped_lines
from relay.store.contract import Tx

if TYPE_CHECKING:
    from config.settings import Settings
    from relay.keys.secrets import Secrets
    from relay.mail.address import Address
    from relay.queue.held import CopyHold

F = TypeVar("F", bound=Callable[..., Any])
ShownRow = Mapping[str, object]


class CommandFailure(click.ClickException):
    """Refused or failed: one line on stderr, exit status 1."""


def fail(text: str) -> NoReturn:
    """End the command with exit status 1; ``text`` is one line that says what to do."""
    raise CommandFailure(text)


# --- settings and store --------------------------------------------------------


@dataclass(slots=True)
class Invocation:
    """What the words before the command said."""

    config: Path | None
    store: Store | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Store:
    """The opened database with what is needed to use it."""

    settings: Settings
    conn: Tx
    secrets: Secrets


def config_path(ctx: click.Context) -> Path:
    """The settings file of this call: ``-c``, else the first default that exists; raises ConfigError."""
    from config.load import find

    return find(ctx.find_root().obj.config)


def load_settings(ctx: click.Context) -> Settings:
    """The settings; raises ConfigError with every fault."""
    from config.load import load

    return load(config_path(ctx))


def open_store(ctx: click.Context) -> Store:
    """Settings, secrets and a connection that is closed when the command ends.

    Raises ConfigError, SecretsError, StoreError: let them pass, ``relay.cli.main`` words them.
    """
    invocation: Invocation = ctx.find_root().obj
    if invocation.store is None:
        from relay.keys.belonging import FOREIGN, foreign
        from relay.keys.secrets import Secrets
        from relay.store.database import connect

        settings = load_settings(ctx)
        conn = connect(settings.database)
        ctx.find_root().call_on_close(conn.close)
        secrets = Secrets.load(settings.secrets_file)
        if foreign(conn, secrets):
            fail(FOREIGN)
        invocation.store = Store(settings, conn, secrets)
    return invocation.store


def actor() -> str:
    """Who acts, for audit: the login name, seen through sudo."""
    if os.getuid() == 0 and os.environ.get("SUDO_USER"):
        return os.environ["SUDO_USER"]
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


# --- parameters ------------------------------------------------------------------


def json_option(command: F) -> F:
    """``--json``, as parameter ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


class _Email(click.ParamType["Address"]):
    """An address as a person types it → ``relay.mail.address.Address``."""

    name = "email"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        from relay.mail.address import Address, AddressError, parse_address

        if isinstance(value, Address):
            return value
        try:
            return parse_address(str(value))
        except AddressError as error:
            self.fail(str(error), param, ctx)


class _Cidr(click.ParamType[str]):
    """A network or a single address → its normal form, e.g. ``192.0.2.0/24``."""

    name = "cidr"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return str(ipaddress.ip_network(str(value)))
        except ValueError:
            pass
        try:
            meant = ipaddress.ip_network(str(value), strict=False)
        except ValueError:
            self.fail(f"{value!r} is no network: write it like 192.0.2.0/24, 192.0.2.7 or 2001:db8::/32", param, ctx)
        self.fail(f"{value!r} has bits set beyond its prefix: write {meant}", param, ctx)


class _Moment(click.ParamType[float]):
    """ISO 8601 date or time (UTC where no zone is given) → seconds since the epoch."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        try:
            moment = datetime.fromisoformat(str(value).strip())
        except ValueError:
            self.fail(f"{value!r} is no time: write it like 2026-11-23T14:05:00Z", param, ctx)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


EMAIL: Final = _Email()
CIDR: Final = _Cidr()
MOMENT: Final = _Moment()


# --- printing -----------------------------------------------------------------


def iso(at: float, *, timespec: str = "seconds") -> str:
    """``2026-11-23T14:05:00Z``."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def hold_row(one: CopyHold) -> dict[str, object]:
    """A hold as commands show it."""
    until = None if one.until is None else iso(one.until)
    return {"by": one.by, "why": one.why, "until": until, "ends": one.ends}


def output(ctx: click.Context, rows: Iterable[ShownRow], columns: Sequence[str], as_json: bool) -> None:
    """A listing: a JSON array with all keys, or a table of ``columns`` (keys of the rows)."""
    if as_json:
        print_json([_plain(row) for row in rows])
        return
    cells = [[cell(key, row.get(key)) for key in columns] for row in rows]
    if sys.stdout.isatty():
        _rich_table(columns, cells)
    else:
        for line in aligned([[heading(key) for key in columns], *cells]):
            say(line)


def show(ctx: click.Context, fields: ShownRow, as_json: bool) -> None:
    """One object: JSON, or a line for each field; lists of objects follow as tables."""
    if as_json:
        print_json(_plain(fields))
        return
    tables = {k: v for k, v in fields.items() if _is_table(v)}
    single = [[heading(k).lower(), cell(k, v)] for k, v in fields.items() if k not in tables]
    for line in aligned(single):
        say(line)
    for key, rows in tables.items():
        assert isinstance(rows, list | tuple)
        say(f"\n{heading(key).lower()}:")
        output(ctx, rows, list(rows[0]), False)


def done(ctx: click.Context, text: str, fields: ShownRow, as_json: bool) -> None:
    """The end of an action: one sentence, or the resulting object as JSON."""
    if as_json:
        print_json(_plain(fields))
    else:
        say(escaped(text))


def note(text: str) -> None:
    """Something to know that is no error: one line on stderr; nothing for ``""``."""
    if text:
        say(f"relay: {escaped(text)}", err=True)


def print_json(value: object) -> None:
    """Indented JSON on stdout. Times must be text already (``output`` and ``show`` see to it)."""
    click.echo(json_text(value, indent=2))


def json_text(value: object, *, indent: int | None = None) -> str:
    """JSON whose strings can be looked at: what a terminal would obey stands as ``\\uXXXX``."""
    return escaped_json(json.dumps(value, indent=indent, ensure_ascii=False, default=_json_value))


def say(text: str, *, nl: bool = True, err: bool = False) -> None:
    """Lines for people, on stdout or stderr; the one way for text, since what others wrote may be in it."""
    click.echo(escaped_lines(text), nl=nl, err=err)


def heading(key: str) -> str:
    """``messages_used`` → ``MESSAGES USED``, ``created_at`` → ``CREATED``."""
    return escaped(key.removesuffix("_at").replace("_", " ").upper())


def cell(key: str, value: object) -> str:
    """One value for people."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if _is_time(key, value):
        return iso(float(str(value)))
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return ", ".join(cell("", item) for item in items) or "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{escaped(str(k))}={cell(str(k), v)}" for k, v in value.items()) or "-"
    return escaped(str(value))


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Lines with columns two spaces apart, counted in terminal cells."""
    if not table:
        return []
    widths = [max(width(row[i]) for row in table) for i in range(len(table[0]))]
    return ["  ".join(c + " " * (w - width(c)) for c, w in zip(row, widths, strict=True)).rstrip() for row in table]


def width(text: str) -> int:
    """Terminal cells: wide East Asian characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _rich_table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for key in columns:
        table.add_column(Text(heading(key)), overflow="fold", no_wrap=key == "at" or key.endswith("_at"))
    for row in cells:
        table.add_row(*(Text(c) for c in row))
    Console().print(table)


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
