"""The page of a subscription form: ``/s/{form}``.

It needs no script and no cookie, and may be filled in on a page of the
tenant's own. Whatever is known of an address, the answer is the same page: look
into your mailbox. It comes after the same time, too.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from relay.mail.address import Address
from relay.people.consent_rules import MAX_PAGE, known_ip
from relay.signup import forms, tokens
from relay.signup.ask import Asked, Wish, ask
from relay.signup.forms import Form
from relay.tenants import tenants
from relay.tenants.web_address import below, host_of, origin
from relay.texts.language import Language, choose
from relay.web import brand
from relay.web.context import Context, evidence
from relay.web.public import confirm
from relay.web.public.filled import Filled, filled, reachable
from relay.web.public.forms import read_form
from relay.web.public.shared import pause_s
from relay.web.views import asked_language, spoken

STEP_S: Final = 0.1
"""Answers to what was filled in come at multiples of it: a letter takes longer than none, and tells who is known."""

_log = logging.getLogger("relay.web")


async def subscribe(request: Request) -> Response:
    """``GET|POST /s/{form}``."""
    if request.method != "POST":
        return await run_in_threadpool(_show, request)
    started = time.monotonic()
    fields = filled(read_form(request.headers.get("content-type", ""), await request.body()))
    response = await run_in_threadpool(_take, request, fields)
    await anyio.sleep(pause_s(time.monotonic() - started, STEP_S))
    return response


ROUTES = [
    Route("/s/{form}", subscribe, methods=["GET", "POST"]),
    *confirm.ROUTES,
]


def _form(request: Request, context: Context) -> Form | None:
    with context.storage.read() as conn:
        return forms.by_key(conn, request.path_params["form"])


def _show(request: Request) -> Response:
    context = Context.of(request)
    form = _form(request, context)
    if form is None:
        return context.views.error(request.scope, 404)
    own = f"{context.views.base_url}/s/{form.key}"
    fresh = Filled(stamp=_stamp(context, form), page=_page(request.headers.get("referer", "")) or own)
    return _render(request, form, fresh, {})


def _take(request: Request, given: Filled) -> Response:
    context = Context.of(request)
    form = _form(request, context)
    if form is None:
        return context.views.error(request.scope, 404)
    if form.ask_age and given.age == "no":
        return context.views.message(spoken(request.scope, form.language), "young", frames=form.frames)
    if given.trap:  # a program filled in what no person sees
        return _done(request, form)
    address, faults = _checked(context, form, given)
    if address is None or faults:
        return _again(request, form, given, faults)
    page = _page(given.page) or _page(request.headers.get("referer", "")) or _page(request.headers.get("origin", ""))
    client = evidence(request)
    language = spoken(request.scope, form.language)
    wish = Wish(
        address,
        tuple(topic for topic in form.topics if topic.id in given.topics),
        language,
        ip=known_ip(client["ip"]),
        page=page,
        agent="".join(c for c in client["agent"] if c.isprintable()),
        old_enough=form.ask_age,
        tracking=_tracking(context, form, language) if form.ask_tracking and given.tracking else "",
    )
    with context.storage.write() as conn:
        if forms.by_id(conn, form.id) is None:  # removed since it was looked up
            return context.views.error(request.scope, 404)
        outcome = ask(conn, context.office, form, wish, context.clock())
    _tell(context, form, outcome)
    return _done(request, form)


def _tracking(context: Context, form: Form, language: Language) -> str:
    """The words beside the box, as they were shown."""
    with context.storage.read() as conn:
        return language.plain("track.wording", tenant=tenants.by_id(conn, form.tenant_id).shown)


def _tell(context: Context, form: Form, outcome: Asked) -> None:
    """Letters have limits, and so have their lines; what brings none can come without an end."""
    left_out = 0 if outcome is Asked.SENT else context.unasked.take()
    if left_out is not None:
        more = f" (and {left_out} more without a letter, whose lines are left out)" if left_out else ""
        _log.info("form=%s request %s%s", form.key, outcome, more)


# --- what was filled in ------------------------------------------------------------------


def _checked(context: Context, form: Form, given: Filled) -> tuple[Address | None, dict[str, str]]:
    """(address, text key of each fault by field); ``form`` is the field of what concerns the whole."""
    faults: dict[str, str] = {}
    address = reachable(given.email)
    if address is None:
        faults["email"] = "form.fault.email"
    if not any(topic.id in given.topics for topic in form.topics):
        faults["topics"] = "form.fault.topics"
    if form.ask_age and given.age != "yes":
        faults["age"] = "form.fault.age"
    if not faults and (word := _stamp_fault(context, form, given.stamp)):
        faults["form"] = f"form.fault.{word}"
    return address, faults


def _stamp_fault(context: Context, form: Form, text: str) -> str:
    stamp = tokens.read_stamp(context.secrets, text)
    if stamp is None or stamp.form_id != form.id:
        return "unsure"
    if stamp.wording_id != form.wording_id:
        return "changed"
    if not stamp.shown_at:
        return ""
    age_s = context.clock() - stamp.shown_at
    if age_s > context.office.limits.page_lifetime:
        return "old"
    return "fast" if age_s < context.office.limits.least_time else ""


def _stamp(context: Context, form: Form) -> str:
    return tokens.stamp(context.secrets, tokens.Stamp(form.id, form.wording_id, context.clock()))


def _page(text: str) -> str:
    """The page a person came from, without query and fragment; empty if it is none."""
    if not text.isprintable() or len(text) > MAX_PAGE or not host_of(text):
        return ""
    parts = urlsplit(text)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


# --- answers ----------------------------------------------------------------------------


def _again(request: Request, form: Form, given: Filled, faults: dict[str, str]) -> Response:
    """The form as it was filled in. A good stamp stays, so that a person who was quick need not wait."""
    context = Context.of(request)
    kept = faults.get("form") in (None, "form.fault.fast") and tokens.read_stamp(context.secrets, given.stamp)
    again = given if kept else given.stamped(_stamp(context, form))
    return _render(request, form, again, faults, 422)


def preview(request: Request, form: Form, language: Language) -> Response:
    """The page as people see it, to be framed by a page of ours, where nothing of it can be sent."""
    response = _render(request, form, Filled(), {}, speak=choose(form.language or language.code), frames=("'self'",))
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _render(
    request: Request,
    form: Form,
    given: Filled,
    faults: dict[str, str],
    status: int = 200,
    *,
    speak: Language | None = None,
    frames: Sequence[str] | None = None,
) -> Response:
    context, chosen = Context.of(request), asked_language(request.scope)
    with context.storage.read() as conn:
        tenant = tenants.by_id(conn, form.tenant_id)
        look = brand.find(conn, form.tenant_id)
    values = {
        "form": form,
        "given": given,
        "faults": {"form": "", "email": "", "topics": "", "age": "", **faults},
        "person": {"tenant": tenant.shown, "contact": tenant.contact},
        "action": f"/s/{form.key}" + (f"?lang={chosen}" if chosen else ""),
    }
    return context.views.page(
        speak or spoken(request.scope, form.language),
        "subscribe.html",
        values,
        status,
        forms_to=origin(form.redirect) if form.redirect else "",
        frames=form.frames if frames is None else frames,
        brand=look,
    )


def _done(request: Request, form: Form) -> Response:
    """The end of every request, sent or not."""
    context = Context.of(request)
    with context.storage.read() as conn:
        tenant = tenants.by_id(conn, form.tenant_id)
        domains = forms.verified_domains(conn, form.tenant_id)
    if form.redirect and below(host_of(form.redirect), domains):
        return RedirectResponse(form.redirect, 303)
    language = spoken(request.scope, form.language)
    return context.views.message(language, "asked", frames=form.frames, tenant=tenant.shown)
