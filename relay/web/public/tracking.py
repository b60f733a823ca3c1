"""``/c/{token}`` and ``/o/{token}.gif``: a click goes on, a picture is shown, and what was asked is noted (R33).

Both are answered from the token alone; what was asked is written behind the
answer. Where the links of a campaign or tenant were stopped, a page warns
instead. There is no address to give: only links of the relay's own messages
are in tokens that it signed.
"""

from __future__ import annotations

import base64
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from relay.keys.tracked_tokens import DECOY, FORWARD, read_copy, read_link_of, split
from relay.tracking.classify import in_advance
from relay.tracking.values import Hit, HitKind
from relay.web.context import Context
from relay.web.peer import client
from relay.web.views import spoken

PIXEL: Final = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""A transparent GIF of one point."""
_LEFT_OUT: Final = dict.fromkeys(("cross-origin-opener-policy", "permissions-policy", "x-frame-options"), "")
"""What the guard adds to pages: a redirect and a picture are none, and each field costs a hundredth of an answer."""
_ONWARD: Final = {**_LEFT_OUT, "cross-origin-resource-policy": ""}
_ANYWHERE: Final = {
    **_LEFT_OUT,
    "cross-origin-resource-policy": "cross-origin",
    "cache-control": "no-store, private, max-age=0",
}
"""Mail is read on pages of others."""


async def click(request: Request) -> Response:
    """``GET /c/{token}``."""
    context = Context.of(request)
    of_copy, of_link = split(request.path_params["token"])
    mark = read_copy(context.secrets, of_copy)
    link = None if mark is None else read_link_of(context.secrets, mark.submission_id, of_link)
    if mark is None or link is None:
        return context.views.message(spoken(request.scope), "bad_link", 404)
    if await context.stopped.has(mark.tenant_id, mark.campaign_id):
        return context.views.message(spoken(request.scope), "link_stopped", 410)
    decoy = bool(link.flags & DECOY)
    if not in_advance(request.method, dict(request.scope["headers"])):
        now, agent = context.clock(), _agent(request)
        place, links = link.place, link.links
        kind = HitKind.FORWARDED if link.flags & FORWARD else HitKind.CLICKED
        hit = Hit(mark, kind, now, client(request.scope), agent, place, links, link.url, decoy)
        context.hits.add(hit)
    if decoy:
        return Response(status_code=204)
    return RedirectResponse(link.url, 302, _ONWARD)


async def picture(request: Request) -> Response:
    """``GET /o/{token}.gif``."""
    context = Context.of(request)
    mark = read_copy(context.secrets, request.path_params["token"])
    if mark is not None and not in_advance(request.method, dict(request.scope["headers"])):
        context.hits.add(Hit(mark, HitKind.OPENED, context.clock(), client(request.scope), _agent(request)))
    status = 404 if mark is None else 200
    return Response(PIXEL, status, media_type="image/gif", headers=_ANYWHERE)


def _agent(request: Request) -> str:
    return request.headers.get("user-agent", "")[:400]


ROUTES = [
    Route("/c/{token}", click, methods=["GET"]),
    Route("/o/{token}.gif", picture, methods=["GET"]),
]
