"""``/logo/{digest}``: a tenant's picture, as its pages show it. What it is called by never changes what it is."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from relay.tenants import logos
from relay.web.context import Context


async def logo(request: Request) -> Response:
    return await run_in_threadpool(_logo, request)


def _logo(request: Request) -> Response:
    context = Context.of(request)
    with context.storage.read() as conn:
        found = logos.find(conn, request.path_params["digest"][:64])
    if found is None:
        return context.views.error(request.scope, 404)
    kept = {"Cache-Control": "public, max-age=86400, immutable"}
    return Response(found.image, media_type=found.type, headers=kept)


ROUTES = [Route("/logo/{digest}", logo, methods=["GET"])]
