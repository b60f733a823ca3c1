"""``/contact/{token}``: somebody who reads a tenant's contact address confirms it (R14). Only a POST does."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from relay.conduct import account, contact
from relay.tenants import tenants
from relay.values.errors import RegistryError
from relay.web.context import Context, evidence
from relay.web.public.forms import Fields, read_form, values
from relay.web.views import masked, spoken


async def confirm(request: Request) -> Response:
    """``GET|POST /contact/{token}``."""
    fields: Fields | None = None
    if request.method == "POST":
        fields = read_form(request.headers.get("content-type", ""), await request.body())
    return await run_in_threadpool(_answer, request, fields)


ROUTES = [Route("/contact/{token}", confirm, methods=["GET", "POST"])]


def _answer(request: Request, fields: Fields | None) -> Response:
    context = Context.of(request)
    named = contact.read_link(context.secrets, request.path_params["token"])
    if named is None:
        return context.views.message(spoken(request.scope), "bad_link", 404)
    tenant_id, asked_at = named
    try:
        with context.storage.read() as conn:
            tenant = tenants.by_id(conn, tenant_id)
            good = contact.answerable(account.of(conn, tenant_id), asked_at, context.clock())
    except RegistryError:
        return context.views.message(spoken(request.scope), "bad_link", 404)
    language = spoken(request.scope, tenant.language)
    names = {"tenant": tenant.shown, "address": masked(tenant.contact)}
    if good and fields is None:
        return context.views.page(language, "contact.html", {"names": names})
    if good and "confirm" not in values(fields or [], "answer"):
        return context.views.message(language, "unclear", 400)
    if good:
        client = evidence(request)
        with context.storage.write() as conn:
            good = contact.confirm(
                conn, tenant_id, asked_at, ip=client["ip"], agent=client["agent"], now=context.clock()
            )
    key, status = ("contact.done", 200) if good else ("contact.over", 410)
    return context.views.message(language, key, status, **names)
