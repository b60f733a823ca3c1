"""``/login``, ``/logout`` and ``/``: the password, and where people go with it."""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from relay.accounts import activity, brakes, logins, passwords, sessions
from relay.accounts.logins import LoginRow
from relay.accounts.sessions import SessionVia
from relay.mail.address import AddressError, parse_address
from relay.store.contract import Tx
from relay.web.context import Context
from relay.web.inside import cookie, gate, origin
from relay.web.login.offer import offer
from relay.web.public import forms
from relay.web.public.filled import MAX_EMAIL
from relay.web.views import spoken

_INSIDE: Final = ("/account/", "/desk/")
_WAIT_S: Final = 900


async def front(request: Request) -> Response:
    """``GET /``: where somebody is at home."""
    return gate.private(await run_in_threadpool(_front, request))


async def sign_in(request: Request) -> Response:
    """``GET|POST /login``."""
    if request.method != "POST":
        return gate.private(await run_in_threadpool(form, request))
    if origin.foreign(request):
        return gate.private(gate.refused(request, "foreign", 403))
    fields = forms.read_form(request.headers.get("content-type", ""), await request.body())
    return gate.private(await run_in_threadpool(_enter, request, fields))


async def sign_out(request: Request) -> Response:
    """``POST /logout``."""
    if origin.foreign(request):
        return gate.private(gate.refused(request, "foreign", 403))
    return gate.private(await run_in_threadpool(_leave, request))


ROUTES = [
    Route("/", front, methods=["GET"]),
    Route("/login", sign_in, methods=["GET", "POST"]),
    Route("/logout", sign_out, methods=["POST"]),
]


def _front(request: Request) -> Response:
    who = gate.visitor(request)
    return RedirectResponse(gate.SIGN_IN if who is None or who.half else gate.home(who), 303)


def form(request: Request, fault: str = "", email: str = "", status: int = 200) -> Response:
    """The sign-in page, or home for who is signed in."""
    who = gate.visitor(request) if not fault else None
    if who is not None and not who.half:
        return RedirectResponse(gate.home(who), 303)
    context = Context.of(request)
    values: dict[str, object] = {
        "fault": fault,
        "email": email,
        "next": gate.own_page(request.query_params.get("next", ""), _INSIDE),
        "registers": context.settings.accounts.registration != "closed",
    }
    made = offer(request, anew=bool(fault))
    if context.provider is not None:
        values["provider"] = context.provider.title
    values |= made.values if made is not None else {}
    response = context.views.page(spoken(request.scope), "login/sign_in.html", values, status)
    if made is not None:
        made.put(request, response)
    return response


def braked(request: Request, email: str = "") -> Response:
    response = form(request, "sign_in.braked", email, 429)
    response.headers["Retry-After"] = str(_WAIT_S)
    return response


def _enter(request: Request, fields: forms.Fields) -> Response:
    def first(name: str, most: int) -> str:
        return next(iter(forms.values(fields, name)), "")[:most]

    context, client = Context.of(request), gate.client_of(request)
    email, now = first("email", MAX_EMAIL).strip(), context.clock()
    account = _canonical(email)
    with context.storage.write() as conn:
        tried = brakes.take(conn, context.secrets, account, client.ip, now)
        row = logins.look_up(conn, email) if tried is not None else None
        stored = logins.stored_password(conn, row.id) if row is not None else None
    if tried is None:
        return braked(request, email)
    if row is not None and row.tenant_id is None and not staff_may(context):
        return form(request, "oidc.only", email, 403)
    right = passwords.matches(first("password", passwords.MOST_CHARACTERS), stored)
    if row is None or not right or row.disabled_at is not None:
        if row is not None:
            with context.storage.write() as conn:
                activity.note(conn, row.id, "refused", client, now)
        return form(request, "sign_in.wrong", email, 403)
    return _begin(request, row, stored or "", tried, first("next", 2_000))


def staff_may(context: Context) -> bool:
    """Whether staff may sign in otherwise than by the operator's provider."""
    return context.provider is None or context.settings.oidc.password


def _begin(request: Request, row: LoginRow, stored: str, tried: int, wanted: str) -> Response:
    """The password was right: a new session, whatever cookie came along."""
    context, client = Context.of(request), gate.client_of(request)
    now, half = context.clock(), row.second_factor_at is not None
    with context.storage.write() as conn:
        fresh = logins.by_id(conn, row.id)
        if fresh is None or fresh.disabled_at is not None or logins.stored_password(conn, row.id) != stored:
            return form(request, "sign_in.wrong", row.shown, 403)  # it was ended while the hash was made
        token = fresh_session(conn, request, row, half=half, now=now)
        if not half:  # a right password with a wrong code isn't a good try
            brakes.good(conn, context.secrets, row.address, client.ip, tried, now)
            activity.note(conn, row.id, "signed-in", client, now)
    return entered(request, row, token, wanted, half=half)


def fresh_session(
    conn: Tx,
    request: Request,
    row: LoginRow,
    *,
    half: bool,
    now: float,
    via: SessionVia = SessionVia.PASSWORD,
    passkey_id: int | None = None,
) -> str:
    """Its token; a session that the browser had is over with it."""
    before = sessions.find(conn, cookie.read(request), gate.lasting(Context.of(request)), now)
    if before is not None:
        sessions.end(conn, before.login_id, before.session_id)
    client = gate.client_of(request)
    return sessions.begin(conn, row.id, client, half=half, now=now, via=via, passkey_id=passkey_id)


def entered(request: Request, row: LoginRow, token: str, wanted: str, *, half: bool = False) -> Response:
    """To the page that was asked for, if it is one of theirs; else home."""
    home = "/desk/" if row.tenant_id is None else "/account/"
    inside = gate.own_page(wanted, _INSIDE)
    target = inside if inside.startswith((home, gate.OWN_PATH)) else home
    response = RedirectResponse("/login/second" if half else target, 303)
    cookie.put(request, response, token)
    return response


def _leave(request: Request) -> Response:
    context, who = Context.of(request), gate.visitor(request)
    if who is not None:
        with context.storage.write() as conn:
            sessions.end(conn, who.login_id, who.session_id)
            if not who.half:
                activity.note(conn, who.login_id, "signed-out", gate.client_of(request), context.clock())
    response = RedirectResponse(gate.SIGN_IN, 303)
    cookie.drop(request, response)
    # What was shown leaves the browser too.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _canonical(email: str) -> str:
    try:
        return parse_address(email).canonical
    except AddressError:
        return email.casefold()
