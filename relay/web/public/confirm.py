"""The pages a confirmation mail leads to: ``/confirm/{token}``.

The token says which: agree to a request, or never be asked again. Opening the
page changes nothing, since mail scanners open links; only a POST does.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from relay.keys.tokens import Mark, link_token
from relay.people import never_ask
from relay.people.mailboxes import mailbox
from relay.signup import answer, forms, tokens
from relay.signup.answer import RequestStanding
from relay.signup.ask import subscriber
from relay.signup.forms import Topic
from relay.tenants import tenants
from relay.values.errors import RegistryError
from relay.web import brand
from relay.web.context import Context, evidence
from relay.web.public.forms import Fields, is_one_click, read_form, values
from relay.web.views import asked_language, masked, spoken


async def confirm(request: Request) -> Response:
    """``GET|POST /confirm/{token}``."""
    fields: Fields | None = None
    if request.method == "POST":
        fields = read_form(request.headers.get("content-type", ""), await request.body())
    return await run_in_threadpool(_answer, request, fields)


ROUTES = [Route("/confirm/{token}", confirm, methods=["GET", "POST"])]


def _answer(request: Request, fields: Fields | None) -> Response:
    context, text = Context.of(request), request.path_params["token"]
    yes = tokens.read_confirm(context.secrets, text)
    if yes is not None:
        return _confirm(request, yes, fields)
    never = tokens.read_never(context.secrets, text)
    if never is not None:
        return _never(request, never, fields)
    return context.views.message(spoken(request.scope), "bad_link", 404)


# --- yes ---------------------------------------------------------------------------------


def _confirm(request: Request, token: tokens.Confirm, fields: Fields | None) -> Response:
    context = Context.of(request)
    if fields is None:
        with context.storage.read() as conn:
            found = answer.find(conn, token, context.clock())
            standing = answer.standing(conn, context.office, found) if found else RequestStanding.OPEN
        if found is None:
            return _expired(request, token)
        return _ask(request, found) if standing is RequestStanding.OPEN else _other(request, found, standing)
    if "confirm" not in values(fields, "answer"):
        return context.views.message(spoken(request.scope), "unclear", 400)
    client = evidence(request)
    with context.storage.write() as conn:
        found = answer.find(conn, token, context.clock())
        standing = answer.standing(conn, context.office, found) if found else RequestStanding.OPEN
        agreed: tuple[Topic, ...] = ()
        subscriber_id = 0
        if found is not None and standing is RequestStanding.OPEN:
            agreed = answer.confirm(
                conn, context.office, found, ip=client["ip"], agent=client["agent"], now=context.clock()
            )
            subscriber_id = subscriber(conn, found.tenant_id, found.address)
    if found is None:
        return _expired(request, token)
    if standing is not RequestStanding.OPEN:
        return _other(request, found, standing)
    preferences = link_token(context.secrets, Mark(subscriber_id, 0, 0, 0))
    return _page(request, "confirmed.html", found, topics=agreed, preferences=f"/p/{preferences}{_query(request)}")


def _ask(request: Request, found: answer.Request) -> Response:
    context = Context.of(request)
    person = mailbox(context.secrets, found.address)
    never = tokens.never(context.secrets, tokens.Never(found.tenant_id, found.id, person))
    links = {"confirm": f"/confirm/{request.path_params['token']}{_query(request)}"}
    links["never"] = f"/confirm/{never}{_query(request)}"
    return _page(request, "confirm.html", found, topics=found.topics, links=links)


def _other(request: Request, found: answer.Request, standing: RequestStanding) -> Response:
    """Why there is nothing to confirm, with the way to the form where that helps."""
    key = {RequestStanding.CONFIRMED: "before", RequestStanding.LEFT: "left"}.get(standing, "closed")
    status = 200 if standing is RequestStanding.CONFIRMED else 409
    form = f"/s/{found.form_key}{_query(request)}" if standing is RequestStanding.LEFT else ""
    return _page(request, "other.html", found, status, key=key, form=form, at=found.confirmed_at or found.asked_at)


def _expired(request: Request, token: tokens.Confirm) -> Response:
    context = Context.of(request)
    with context.storage.read() as conn:
        form = forms.by_id(conn, token.form_id)
    address = f"/s/{form.key}{_query(request)}" if form is not None else ""
    language = spoken(request.scope, form.language if form is not None else "")
    return context.views.page(language, "expired.html", {"form": address}, 410)


# --- never again ---------------------------------------------------------------------------


def _never(request: Request, token: tokens.Never, fields: Fields | None) -> Response:
    context = Context.of(request)
    with context.storage.read() as conn:
        row = conn.execute("SELECT language FROM opt_in WHERE id = ?", (token.request_id,)).fetchone()
        language = spoken(request.scope, row[0] if row is not None else "")
        try:
            tenant = tenants.by_id(conn, token.tenant_id)
            look = brand.find(conn, token.tenant_id)
        except RegistryError:
            return context.views.message(language, "gone")
    person = {"tenant": tenant.shown, "contact": tenant.contact}
    if fields is None:
        link = f"/confirm/{request.path_params['token']}{_query(request)}"
        return context.views.page(language, "never.html", {"person": person, "link": link}, brand=look)
    if "never" not in values(fields, "answer") and not is_one_click(fields):
        return context.views.message(language, "unclear", 400)
    client = evidence(request)
    with context.storage.write() as conn:
        known = answer.never(conn, token, ip=client["ip"], agent=client["agent"], now=context.clock())
    if not known and not _leave(context, token, client):
        return context.views.error(request.scope, 503)
    return context.views.page(language, "nevered.html", {"person": person}, brand=look)


def _leave(context: Context, token: tokens.Never, client: dict[str, str]) -> bool:
    """Look for the person among the tenant's people by the mailbox's hash, and end everything.

    False while another look at that tenant's people is on: they may be millions.
    """
    place = ("never", token.tenant_id)
    if not context.running.take(place):
        return False
    try:
        after: str | None = ""
        while after is not None:
            with context.storage.read() as conn:
                found, after = never_ask.search(conn, context.secrets, token.tenant_id, token.person, after)
            for subscriber_id in found:
                with context.storage.write() as conn:
                    answer.leave(
                        conn, token, subscriber_id, ip=client["ip"], agent=client["agent"], now=context.clock()
                    )
    finally:
        context.running.give_back(place)
    return True


def _page(request: Request, template: str, found: answer.Request, status: int = 200, **more: object) -> Response:
    names = {"tenant": found.tenant, "address": masked(str(found.address))}
    values = {"person": found, "names": names, "request": found, **more}
    with Context.of(request).storage.read() as conn:
        look = brand.find(conn, found.tenant_id)
    return Context.of(request).views.page(spoken(request.scope, found.language), template, values, status, brand=look)


def _query(request: Request) -> str:
    chosen = asked_language(request.scope)
    return f"?lang={chosen}" if chosen else ""
