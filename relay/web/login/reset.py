"""``/login/reset``: a new password by mail. The same answer after the same time, whoever is named."""

from __future__ import annotations

import time

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from relay.accounts import activity, brakes, confirming, logins, passwords, resets
from relay.store.contract import Tx
from relay.web.context import Context
from relay.web.inside import gate, origin
from relay.web.public import forms
from relay.web.public.filled import MAX_EMAIL, reachable
from relay.web.public.shared import pause_s
from relay.web.views import masked, spoken

_WAIT_S = 900


async def ask(request: Request) -> Response:
    """``GET|POST /login/reset``."""
    if origin.foreign(request):
        return gate.private(gate.refused(request, "foreign", 403))
    if request.method != "POST":
        return gate.private(_form(request))
    started = time.monotonic()
    fields = forms.read_form(request.headers.get("content-type", ""), await request.body())
    response = await run_in_threadpool(_take, request, fields)
    await anyio.sleep(pause_s(time.monotonic() - started))
    return gate.private(response)


async def follow(request: Request) -> Response:
    """``GET|POST /login/reset/{token}``: GET shows a button, POST makes the password."""
    if origin.foreign(request):
        return gate.private(gate.refused(request, "foreign", 403))
    return gate.private(await run_in_threadpool(_follow, request))


ROUTES = [
    Route("/login/reset", ask, methods=["GET", "POST"]),
    Route("/login/reset/{token}", follow, methods=["GET", "POST"]),
]


def _form(request: Request, email: str = "", fault: str = "", status: int = 200) -> Response:
    values = {"email": email, "fault": fault}
    return Context.of(request).views.page(spoken(request.scope), "login/reset.html", values, status)


def _take(request: Request, fields: forms.Fields) -> Response:
    email = next(iter(forms.values(fields, "email")), "").strip()[:MAX_EMAIL]
    address = reachable(email)
    if address is None:
        return _form(request, email, "form.fault.email", 422)
    context, client = Context.of(request), gate.client_of(request)
    language, now = spoken(request.scope), context.clock()
    with context.storage.write() as conn:
        tried = brakes.take(conn, context.secrets, _wish(address.canonical), client.ip, now)
        row = logins.look_up(conn, email) if tried is not None else None
        if row is not None and row.disabled_at is None:
            resets.write(conn, context.office.operator, context.views.base_url, row, language, now)
            activity.note(conn, row.id, "reset-asked", client, now)
    if tried is None:
        response = context.views.message(language, "reset.limit", 429)
        response.headers["Retry-After"] = str(_WAIT_S)
        return response
    return context.views.message(language, "reset.sent", address=masked(str(address)))


def _wish(canonical: str) -> str:
    """Wishes have brakes of their own: they keep nobody from signing in."""
    return f"reset {canonical}"


def _follow(request: Request) -> Response:
    context, language = Context.of(request), spoken(request.scope)
    token, now = request.path_params["token"], context.clock()
    with context.storage.read() as conn:
        row = resets.find(conn, token, now)
    if row is None:
        return context.views.message(language, "reset.over", 410)
    if request.method != "POST":
        return context.views.page(language, "login/reset_confirm.html", {"shown": row.shown})
    made = passwords.fresh()
    with context.storage.write() as conn:
        if not _use(conn, request, token, made, now):
            return context.views.message(language, "reset.over", 410)
    return context.views.page(language, "login/password.html", {"shown": row.shown, "password": made.shown})


def _use(conn: Tx, request: Request, token: str, made: passwords.FreshPassword, now: float) -> bool:
    """Once: of two at the same moment the second finds no link any more."""
    row = resets.find(conn, token, now)
    if row is None:
        return False
    logins.reset(conn, row, made, actor=row.shown, now=now)
    confirming.confirmed(conn, row, now)
    activity.note(conn, row.id, "password-reset", gate.client_of(request), now)
    resets.told(conn, Context.of(request).office.operator, row, spoken(request.scope), now)
    return True
