"""``relay registration``: who registered for an account at ``/register``, and the operator's word on it (R32)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final, TypeVar

import click

from relay.accounts import passwords
from relay.cli.common import Store, actor, done, fail, json_option, open_store, output, show
from relay.queue.operator import Operator
from relay.registration import admit as admitting
from relay.registration import ask, book
from relay.registration import correct as correcting
from relay.registration.book import Registration
from relay.registration.correct import CORRECTABLE
from relay.registration.office import RegistrationOffice
from relay.registration.values import RegistrationState
from relay.store.database import transaction
from relay.tenants.tenants import line

COLUMNS = ("number", "at", "state", "account", "email", "city", "country", "resembles", "tenant")
_STATES = {"waiting": (RegistrationState.WAITING,), "admitted": (RegistrationState.ADMITTED,),
           "refused": (RegistrationState.REFUSED,), "unconfirmed": (RegistrationState.ASKED,),
           "all": tuple(RegistrationState)}  # fmt: skip
F = TypeVar("F", bound=Callable[..., Any])
_WORDS: Final = {
    "name": "First name", "surname": "Surname", "phone": "Telephone with the country's code",
    "country": "Country, two letters (ISO 3166-1)", "city": "City", "company": "Company",
    "postal": "Postal address", "website": "Website", "about": "What they send, and to whom",
}  # fmt: skip


@click.group()
def command() -> None:
    """Registrations for an account: list, show, admit, refuse, correct."""


@command.command("list")
@click.option("--state", type=click.Choice(list(_STATES)), default="waiting", show_default=True, help="Which of them.")
@json_option
@click.pass_context
def list_(ctx: click.Context, state: str, as_json: bool) -> None:
    """List those that wait for your word, or others, the newest first."""
    rows = book.listing(open_store(ctx).conn, _STATES[state])
    output(ctx, [_fields(one) | {"resembles": len(one.resembles)} for one in rows], COLUMNS, as_json)


@command.command("show")
@click.argument("number", type=int)
@json_option
@click.pass_context
def show_(ctx: click.Context, number: int, as_json: bool) -> None:
    """Show one with all that was given, and what it has in common with customers."""
    show(ctx, _fields(book.by_id(open_store(ctx).conn, number)), as_json)


@command.command()
@click.argument("number", type=int)
@click.option("--name", default="", help="Short name of the tenant; made of the company's or person's if left out.")
@json_option
@click.pass_context
def admit(ctx: click.Context, number: int, name: str, as_json: bool) -> None:
    """Make it an account on the free plan; the applicant gets a letter with the way to a password."""
    store, made = open_store(ctx), passwords.fresh()
    with transaction(store.conn) as conn:
        row = book.by_id(conn, number)
        tenant = admitting.admit(conn, _office(store), row, made, name=name, actor=actor(), now=time.time())
    row = book.by_id(store.conn, number)
    done(ctx, f"{row.shown} is the tenant {tenant.name} now; a letter goes to {row.email}", _fields(row), as_json)


@command.command()
@click.argument("number", type=int)
@click.option("--reason", required=True, help="Why; it is kept, and the applicant reads it.")
@click.option("--silent", is_flag=True, help="The applicant is told that it was refused, but not why.")
@json_option
@click.pass_context
def refuse(ctx: click.Context, number: int, reason: str, silent: bool, as_json: bool) -> None:
    """Refuse it; what was given is deleted after [retention] registrations."""
    store = open_store(ctx)
    said = line(reason, "reason")
    with transaction(store.conn) as conn:
        row = book.by_id(conn, number)
        told = "" if silent else said
        row = ask.refuse(conn, _office(store), row, said, told=told, actor=actor(), now=time.time())
    done(ctx, f"registration {number} is refused; a letter goes to {row.email}", _fields(row), as_json)


def _corrections(command: F) -> F:
    """An option for each field that the operator may put right."""
    for field in reversed(CORRECTABLE):
        optional = "" if field.needed else "; empty takes it away"
        command = click.option(f"--{field.name}", default=None, help=f"{_WORDS[field.name]}{optional}.")(command)
    return command


@command.command()
@click.argument("number", type=int)
@_corrections
@json_option
@click.pass_context
def correct(ctx: click.Context, /, number: int, as_json: bool, **given: str | None) -> None:
    """Put right what was given; the tenant is told what it was and what it is. The address is changed by its owner."""
    store = open_store(ctx)
    wanted = {name: value for name, value in given.items() if value is not None}
    with transaction(store.conn) as conn:
        row = book.by_id(conn, number)
        row, names = correcting.correct(conn, _office(store), row, wanted, actor=actor(), now=time.time())
    done(ctx, f"registration {number} is corrected ({', '.join(names)}); a letter says so", _fields(row), as_json)


def _office(store: Store) -> RegistrationOffice:
    settings = store.settings
    if not settings.links.base_url:
        fail("letters need the address of the pages; set [links] base_url")
    return RegistrationOffice(store.secrets, Operator.of(settings), settings.links.base_url, settings.accounts)


def _fields(row: Registration) -> dict[str, object]:
    fields = asdict(row)
    return {
        "number": row.id,
        "account": row.shown,
        **{key: value for key, value in fields.items() if key not in ("id", "tenant_id", "state", "tenant")},
        "state": str(row.state),
        "tenant": row.tenant or None,
    }
