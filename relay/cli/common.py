"""What all commands share: opening the store, parameter types, and (from ``relay.cli.printing``) printing."""

from __future__ import annotations

import ipaddress
import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import click

from relay.cli.layout import aligned as aligned
from relay.cli.layout import width as width
from relay.cli.moments import iso as iso
from relay.cli.moments import shown as shown
from relay.cli.moments import utc_option as utc_option
from relay.cli.printing import cell as cell
from relay.cli.printing import done as done
from relay.cli.printing import heading as heading
from relay.cli.printing import hold_row as hold_row
from relay.cli.printing import json_text as json_text
from relay.cli.printing import note as note
from relay.cli.printing import output as output
from relay.cli.printing import pairs as pairs
from relay.cli.printing import print_json as print_json
from relay.cli.printing import room as room
from relay.cli.printing import say as say
from relay.cli.printing import say_sentence as say_sentence
from relay.cli.printing import show as show
from relay.store.contract import Tx

if TYPE_CHECKING:
    from config.settings import Settings
    from relay.keys.secrets import Secrets
    from relay.mail.address import Address
    from relay.queue.held import StageTerms

F = TypeVar("F", bound=Callable[..., Any])


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


def stage_terms(store: Store) -> StageTerms:
    """How long staged campaigns are watched, and how long a verdict of people may take."""
    from relay.queue import held

    return held.terms_of(store.settings)


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
        conn = connect(settings.stored)
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
    """``--json``, as parameter ``as_json``; and ``--utc``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(utc_option(command))


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
