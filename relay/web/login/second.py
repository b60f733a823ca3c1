"""``/login/second``: the second factor, after the password."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from relay.accounts import activity, brakes, logins, second, sessions
from relay.accounts.sessions import Visitor
from relay.web.context import Context
from relay.web.inside import cookie, gate, origin
from relay.web.public import forms
from relay.web.views import spoken


async def ask(request: Request) -> Response:
    """``GET|POST /login/second``."""
    if origin.foreign(request):
        return gate.private(gate.refused(request, "foreign", 403))
    fields: forms.Fields | None = None
    if request.method == "POST":
        fields = forms.read_form(request.headers.get("content-type", ""), await request.body())
    return gate.private(await run_in_threadpool(_answer, request, fields))


ROUTES = [Route("/login/second", ask, methods=["GET", "POST"])]


def _answer(request: Request, fields: forms.Fields | None) -> Response:
    who = gate.visitor(request)
    if who is None:
        return RedirectResponse(gate.SIGN_IN, 303)
    if not who.half:
        return RedirectResponse(gate.home(who), 303)
    if fields is None:
        return _form(request)
    return _check(request, who, next(iter(forms.values(fields, "code")), "")[:60])


def _check(request: Request, who: Visitor, code: str) -> Response:
    context, client = Context.of(request), gate.client_of(request)
    now = context.clock()
    with context.storage.write() as conn:
        row = logins.by_id(conn, who.login_id)
        if row is None or row.disabled_at is not None or not sessions.alive(conn, who.session_id):
            return RedirectResponse(gate.SIGN_IN, 303)
        tried = brakes.take(conn, context.secrets, row.address, client.ip, now)
        if tried is None:
            return _form(request, "sign_in.braked", 429)
        kind = second.check(conn, context.secrets, row, code, now=now)
        if not kind:
            activity.note(conn, row.id, "code-refused", client, now)
            return _form(request, "second.wrong", 403)
        sessions.end(conn, who.login_id, who.session_id)
        token = sessions.begin(conn, who.login_id, client, half=False, now=now)
        brakes.good(conn, context.secrets, row.address, client.ip, tried, now)
        left = str(second.codes_left(conn, row.id)) if kind == "recovery" else ""
        activity.note(conn, row.id, "signed-in-recovery" if left else "signed-in", client, now, left)
    response = RedirectResponse(gate.home(who), 303)
    cookie.put(request, response, token)
    return response


def _form(request: Request, fault: str = "", status: int = 200) -> Response:
    return Context.of(request).views.page(spoken(request.scope), "login/second.html", {"fault": fault}, status)
