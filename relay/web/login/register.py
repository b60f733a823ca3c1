"""``/register``: asking for an account; ``/register/confirm/…`` and ``/register/password/…``, the links of its letters.

The form's answer is the same page after the same time, whoever is named: nobody learns here who is a customer.
A GET changes nothing.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Final

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from relay.accounts import passwords
from relay.registration import admit, ask, invites
from relay.registration.ask import Applicant
from relay.registration.invites import Invite
from relay.registration.office import RegistrationOffice
from relay.registration.values import BUSINESS, FIELDS, TERMS, address_of, checked
from relay.signup.snippet import TRAP
from relay.store.contract import Tx
from relay.tenants import terms
from relay.tenants.recent import HOUR_S
from relay.tenants.terms import TermsText
from relay.texts.countries import countries
from relay.values.errors import RegistryError
from relay.web.context import Context
from relay.web.inside import gate, origin
from relay.web.public import forms
from relay.web.public.shared import pause_s
from relay.web.views import asked_language, masked, spoken

_log = logging.getLogger("relay.web")
_MOST_CODE: Final = 100


@dataclass(frozen=True, slots=True)
class _Door:
    """Whether somebody may register, by the settings and what they bring."""

    context: Context
    terms: TermsText | None
    code: str
    invite: Invite | None

    @property
    def closed(self) -> bool:
        return self.context.settings.accounts.registration == "closed"

    @property
    def wants_invite(self) -> bool:
        return self.invite is None and (self.context.settings.accounts.registration == "invite" or bool(self.code))


async def register(request: Request) -> Response:
    """``GET|POST /register``."""
    if origin.foreign(request):
        return gate.private(gate.refused(request, "foreign", 403))
    if request.method != "POST":
        return gate.private(await run_in_threadpool(_show, request))
    started = time.monotonic()
    fields = forms.read_form(request.headers.get("content-type", ""), await request.body())
    response = await run_in_threadpool(_take, request, fields)
    await anyio.sleep(pause_s(time.monotonic() - started))
    return gate.private(response)


async def confirm(request: Request) -> Response:
    """``GET|POST /register/confirm/{token}``: GET shows a button."""
    if origin.foreign(request):
        return gate.private(gate.refused(request, "foreign", 403))
    return gate.private(await run_in_threadpool(_confirm, request))


async def password(request: Request) -> Response:
    """``GET|POST /register/password/{token}``: GET shows a button, POST the password, once."""
    if origin.foreign(request):
        return gate.private(gate.refused(request, "foreign", 403))
    return gate.private(await run_in_threadpool(_password, request))


async def read_terms(request: Request) -> Response:
    """``GET /terms``: those in force."""
    return await run_in_threadpool(_terms, request)


ROUTES = [
    Route("/register", register, methods=["GET", "POST"]),
    Route("/register/confirm/{token}", confirm, methods=["GET", "POST"]),
    Route("/register/password/{token}", password, methods=["GET", "POST"]),
    Route("/terms", read_terms, methods=["GET"]),
]


def _office(context: Context) -> RegistrationOffice:
    return RegistrationOffice(
        context.secrets, context.office.operator, context.views.base_url, context.settings.accounts
    )


def _door(context: Context, code: str) -> _Door:
    """Raises RegistryError where the terms can't be shown."""
    code = code.strip()[:_MOST_CODE]
    if context.settings.accounts.registration == "closed":
        return _Door(context, None, code, None)
    with context.storage.read() as conn:
        invite = invites.find(conn, code, context.clock()) if code else None
    return _Door(context, terms.in_force(context.settings.accounts.terms), code, invite)


def _show(request: Request) -> Response:
    context = Context.of(request)
    try:
        door = _door(context, request.query_params.get("invite", ""))
    except RegistryError as error:
        return _away(request, error)
    given = {"email": door.invite.email} if door.invite is not None else {}
    return _form(request, door, given, {})


def _away(request: Request, error: RegistryError) -> Response:
    """The operator has to mend the terms first."""
    _log.error("nobody can register: %s", error)
    return Context.of(request).views.error(request.scope, 503)


def _form(request: Request, door: _Door, given: dict[str, str], faults: dict[str, str], status: int = 200) -> Response:
    views, language = door.context.views, spoken(request.scope)
    if door.closed:
        return views.message(language, "register.closed", 403, contact=gate.reached_at(door.context))
    chosen = asked_language(request.scope)
    action = "/register" + (f"?lang={chosen}" if chosen else "")
    if door.wants_invite:
        values = {"code": door.code, "action": action}
        return views.page(language, "login/invite.html", values, 403)
    shown: dict[str, object] = {
        "fields": FIELDS,
        "given": {**dict.fromkeys((*(one.name for one in FIELDS), BUSINESS, TERMS), ""), **given},
        "faults": {**dict.fromkeys((*(one.name for one in FIELDS), BUSINESS, TERMS), ""), **faults},
        "countries": countries(language.code),
        "code": door.code,
        "terms": door.terms,
        "operator": door.context.office.operator.name,
        "action": action,
    }
    return views.page(language, "login/register.html", shown, status)


def _take(request: Request, fields: forms.Fields) -> Response:
    context, language = Context.of(request), spoken(request.scope)
    said = {name: value[:2_000] for name, value in reversed(fields)}  # the first of each counts
    try:
        door = _door(context, said.get("invite", ""))
    except RegistryError as error:
        return _away(request, error)
    if door.closed or door.wants_invite:
        return _form(request, door, {}, {})
    values, faults = checked(said)
    if door.terms is None:
        faults.pop(TERMS, None)
    elif not faults.get(TERMS) and said.get("version", door.terms.version) != door.terms.version:
        faults[TERMS] = "register.fault.version"
    address = None if "email" in faults else address_of(values["email"])
    if address is not None and door.invite is not None and not invites.fits(door.invite, address):
        faults["email"] = "register.fault.invited"
    if faults or address is None:
        boxes = {box: "yes" for box in (BUSINESS, TERMS) if said.get(box) == "yes" and box not in faults}
        return _form(request, door, {**values, **boxes}, faults, 422)
    if not said.get(TRAP):  # a robot fills in what people don't see
        client, now = gate.client_of(request), context.clock()
        who = Applicant(client.ip, client.agent, language, door.terms, door.invite)
        with context.storage.write() as conn:
            taken = ask.take(conn, _office(context), values, who, now)
        if not taken:
            response = context.views.message(language, "register.limit", 429)
            response.headers["Retry-After"] = str(int(HOUR_S))
            return response
    return context.views.message(language, "register.sent", address=masked(str(address)))


def _confirm(request: Request) -> Response:
    context, language = Context.of(request), spoken(request.scope)
    token, now, office = request.path_params["token"], context.clock(), _office(context)
    with context.storage.read() as conn:
        row = ask.asked(conn, token, now)
    if row is None:
        return context.views.message(language, "register.over", 410)
    if request.method != "POST":
        values = {"address": masked(row.email), "operator": office.operator.name}
        return context.views.page(language, "login/register_confirm.html", values)
    made = passwords.fresh() if context.settings.accounts.admission != "operator" else None
    try:
        with context.storage.write() as conn:
            name = _confirmed(conn, office, token, made, gate.client_of(request).ip, now)
    except RegistryError as error:
        _log.info("a registration was confirmed too late: %s", error)
        return context.views.message(language, "register.over", 410)
    if name is None:
        return context.views.message(language, "register.over", 410)
    if made is not None and name:
        return context.views.page(language, "login/password.html", {"shown": name, "password": made.shown})
    return context.views.message(language, "register.confirmed", address=masked(row.email))


def _confirmed(
    conn: Tx, office: RegistrationOffice, token: str, made: passwords.FreshPassword | None, ip: str, now: float
) -> str | None:
    """Whose log-in was made with it; empty: it waits for a person's word, or was refused. None: too late."""
    row = ask.confirm(conn, office, token, ip=ip, now=now)
    if row is None:
        return None
    if made is not None and admit.by_itself(office, row):
        admit.admit(conn, office, row, made, shown=True, actor="relay", now=now)
        return row.email
    if row.decided_at is None:
        ask.call(conn, office, row, now)
    return ""


def _password(request: Request) -> Response:
    context, language = Context.of(request), spoken(request.scope)
    token, now = request.path_params["token"], context.clock()
    with context.storage.read() as conn:
        row = admit.opened(conn, token, now)
    if row is None:
        return context.views.message(language, "register.opened", 410)
    if request.method != "POST":
        return context.views.page(language, "login/register_password.html", {"shown": row.email})
    made = passwords.fresh()
    with context.storage.write() as conn:
        shown = admit.open_(conn, token, made, gate.client_of(request), now)
    if shown is None:
        return context.views.message(language, "register.opened", 410)
    return context.views.page(language, "login/password.html", {"shown": shown, "password": made.shown})


def _terms(request: Request) -> Response:
    context, language = Context.of(request), spoken(request.scope)
    try:
        found = terms.in_force(context.settings.accounts.terms)
    except RegistryError as error:
        return _away(request, error)
    if found is None:
        return context.views.error(request.scope, 404)
    return context.views.page(language, "login/terms.html", {"terms": found, "operator": context.office.operator.name})
