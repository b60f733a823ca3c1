"""``/.well-known/acme-challenge/{token}``: what shows an authority that this name is ours (RFC 8555 §8.3)."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from relay.certificates.place import CertificatePlace
from relay.web.context import Context

PATH = "/.well-known/acme-challenge/"


async def challenge(request: Request) -> Response:
    context = Context.of(request)
    place = CertificatePlace(context.settings.server.data_dir)
    found = await run_in_threadpool(place.answer, request.path_params["token"])
    if found is None:
        return context.views.error(request.scope, 404)
    return Response(found, media_type="application/octet-stream")


ROUTES = [Route(PATH + "{token}", challenge, methods=["GET"])]
