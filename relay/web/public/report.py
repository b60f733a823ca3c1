"""``/report``: spam reported by anyone, by a pasted message or a description (R25); ``/report/confirm/{token}``.

The answer is the same page after the same time, whatever was named and whoever asked.
"""

from __future__ import annotations

import logging
import time
from typing import Final

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from relay.feedback import public_report
from relay.feedback.public_report import MOST_MESSAGE, MOST_TEXT, ReportOffice, SpamReport
from relay.signup.snippet import TRAP
from relay.tenants.recent import HOUR_S
from relay.web.context import Context, evidence
from relay.web.public import forms
from relay.web.public.filled import MAX_EMAIL, reachable
from relay.web.public.shared import pause_s
from relay.web.views import asked_language, masked, spoken

MOST_POSTED: Final = 1024 * 1024
"""A whole message with its pictures; more than the guard lets in anyway."""
_log = logging.getLogger("relay.web")


async def report(request: Request) -> Response:
    """``GET|POST /report``."""
    if request.method != "POST":
        return _form(request, {}, {})
    started = time.monotonic()
    fields = forms.read_form(request.headers.get("content-type", ""), await request.body(), MOST_POSTED)
    response = await run_in_threadpool(_take, request, fields)
    await anyio.sleep(pause_s(time.monotonic() - started))
    return response


async def confirm(request: Request) -> Response:
    """``GET|POST /report/confirm/{token}``."""
    fields: forms.Fields | None = None
    if request.method == "POST":
        fields = forms.read_form(request.headers.get("content-type", ""), await request.body())
    return await run_in_threadpool(_confirm, request, fields)


ROUTES = [
    Route("/report", report, methods=["GET", "POST"]),
    Route("/report/confirm/{token}", confirm, methods=["GET", "POST"]),
]


def _take(request: Request, fields: forms.Fields) -> Response:
    def first(name: str, most: int) -> str:
        return next(iter(forms.values(fields, name)), "").strip()[:most]

    given = {
        "message": first("message", MOST_MESSAGE),
        "sender": first("sender", MAX_EMAIL),
        "description": first("description", MOST_TEXT),
        "email": first("email", MAX_EMAIL),
    }
    address = reachable(given["email"])
    faults = {"email": "" if address is not None else "form.fault.email"}
    described = given["description"] and reachable(given["sender"]) is not None
    if not given["message"] and not described:
        faults["message"] = "open.fault.nothing"
    if address is None or faults.get("message"):
        return _form(request, given, faults, 422)
    context = Context.of(request)
    if not first(TRAP, 10):  # a robot fills in what people don't see
        found = SpamReport(address, given["message"], given["sender"], given["description"])
        with context.storage.write() as conn:
            ip, language = evidence(request)["ip"], spoken(request.scope)
            taken = public_report.take(conn, _office(context), found, ip, language, context.clock())
        if not taken:
            response = context.views.message(spoken(request.scope), "report.limit", 429)
            response.headers["Retry-After"] = str(int(HOUR_S))
            return response
    return context.views.message(spoken(request.scope), "open.taken", address=masked(str(address)))


def _confirm(request: Request, fields: forms.Fields | None) -> Response:
    context, language = Context.of(request), spoken(request.scope)
    named = public_report.read_link(context.secrets, request.path_params["token"])
    if named is None:
        return context.views.message(language, "bad_link", 404)
    report_id, at = named
    now = context.clock()
    with context.storage.read() as conn:
        waits = public_report.waiting(conn, report_id, at, now)
    if waits and fields is None:
        return context.views.page(language, "report_confirm.html", {})
    if waits and "confirm" not in forms.values(fields or [], "answer"):
        return context.views.message(language, "unclear", 400)
    outcome = None
    if waits:
        with context.storage.write() as conn:
            outcome = public_report.confirm(conn, _office(context), report_id, at, now)
    if outcome is None:
        return context.views.message(language, "open.over", 410)
    _log.info("public spam report %d: %s", report_id, outcome.value)
    return context.views.message(language, "open.done")


def _office(context: Context) -> ReportOffice:
    office = context.office
    return ReportOffice(context.secrets, office.operator, office.base_url, context.reports)


def _form(request: Request, given: dict[str, str], faults: dict[str, str], status: int = 200) -> Response:
    chosen = asked_language(request.scope)
    values: dict[str, object] = {
        "given": {name: given.get(name, "") for name in ("message", "sender", "description", "email")},
        "faults": {name: faults.get(name, "") for name in ("message", "email")},
        "action": "/report" + (f"?lang={chosen}" if chosen else ""),
    }
    return Context.of(request).views.page(spoken(request.scope), "report_open.html", values, status)
