"""The spam report on a copy that several people shared: one field, for the address that it came to.

The answer is the same page after the same time, whether or not the message
went to that address: nobody learns here who else got it.
"""

from __future__ import annotations

import logging
import time
from typing import Final

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from relay.feedback import shared
from relay.feedback.own_link import Sender
from relay.feedback.shared import SharedMessage, Taken
from relay.keys.tokens import Mark
from relay.mail.address import Address
from relay.tenants.recent import HOUR_S
from relay.values.ids import encode_id
from relay.web.context import Context, evidence
from relay.web.public import forms
from relay.web.public.filled import MAX_EMAIL, reachable
from relay.web.views import asked_language, masked, spoken

STEP_S: Final = 0.25
"""Answers come at multiples of it; far longer than a report that counts takes, and one that doesn't."""

_log = logging.getLogger("relay.web")


async def report(request: Request, mark: Mark) -> Response:
    """``GET|POST /report/{token}`` of a shared copy."""
    if request.method != "POST":
        return await run_in_threadpool(_ask, request, mark)
    started = time.monotonic()
    fields = forms.read_form(request.headers.get("content-type", ""), await request.body())
    response = await run_in_threadpool(_take, request, mark, fields)
    await anyio.sleep(pause_s(time.monotonic() - started))
    return response


def pause_s(took_s: float, step_s: float = STEP_S) -> float:
    """What is left to the next multiple of a step, in seconds."""
    return -took_s % step_s


def _ask(request: Request, mark: Mark) -> Response:
    with Context.of(request).storage.read() as conn:
        message = shared.find(conn, mark)
    return _late(request) if message is None else _form(request, message)


def _take(request: Request, mark: Mark, fields: forms.Fields) -> Response:
    context = Context.of(request)
    if "abuse" not in forms.values(fields, "report"):
        return context.views.message(spoken(request.scope), "unclear", 400)
    given = next(iter(forms.values(fields, "email")), "")[:MAX_EMAIL]
    address = reachable(given)
    taken, office = Taken.STRANGER, context.office
    with context.storage.write() as conn:
        message = shared.find(conn, mark)
        if message is not None and address is not None:
            ip = evidence(request)["ip"]
            sender = Sender(context.secrets, office.base_url, office.mail_domain, office.hostname)
            language, now = spoken(request.scope), context.clock()
            taken = shared.report(conn, sender, context.reports, mark, address, ip, language, now)
    if message is None:
        return _late(request)
    if address is None:
        return _form(request, message, given, "form.fault.email", 422)
    _log.info("report on a shared copy id=%s: %s", encode_id(message.submission_id), taken)
    if taken is Taken.LIMIT:
        response = context.views.message(spoken(request.scope), "report.limit", 429)
        response.headers["Retry-After"] = str(int(HOUR_S))
        return response
    return _thanks(request, message, address)


def _form(request: Request, message: SharedMessage, given: str = "", fault: str = "", status: int = 200) -> Response:
    chosen = asked_language(request.scope)
    action = f"/report/{request.path_params['token']}" + (f"?lang={chosen}" if chosen else "")
    values: dict[str, object] = {"given": given, "faults": {"email": fault}, "action": action}
    return _page(request, "report_shared.html", message, {"tenant": message.tenant}, values, status)


def _thanks(request: Request, message: SharedMessage, address: Address) -> Response:
    names = {"tenant": message.tenant, "address": masked(str(address))}
    return _page(request, "reported_shared.html", message, names, {}, 200)


def _page(
    request: Request,
    template: str,
    message: SharedMessage,
    names: dict[str, str],
    values: dict[str, object],
    status: int,
) -> Response:
    """``message`` stands where other pages have their person: it names tenant and contact."""
    given = {"person": message, "names": names, **values}
    return Context.of(request).views.page(spoken(request.scope), template, given, status)


def _late(request: Request) -> Response:
    return Context.of(request).views.message(spoken(request.scope), "report.late", 410)
