"""The scripts of the pages for people who log in: keys on held campaigns, and passkeys. Everything works without them.

But for passkeys themselves, which browsers give to scripts alone.
"""

from __future__ import annotations

from importlib import resources
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

KEYS: Final = "/desk/keys.js"
PASSKEY: Final = "/login/passkey.js"
_TEXTS: Final = {
    path: resources.files("relay.web").joinpath("templates", *path.strip("/").split("/")).read_bytes()
    for path in (KEYS, PASSKEY)
}


async def script(request: Request) -> Response:
    """The same for everybody; a new release has it at once."""
    headers = {"Cache-Control": "no-cache"}
    return Response(_TEXTS[request.url.path], 200, headers, media_type="text/javascript; charset=utf-8")


ROUTES = [Route(path, script, methods=["GET"]) for path in _TEXTS]
