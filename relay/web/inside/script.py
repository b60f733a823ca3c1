"""The one script of the pages behind a log-in: keys on held campaigns. Everything works without it."""

from __future__ import annotations

from importlib import resources
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PATH: Final = "/desk/keys.js"
_TEXT: Final = resources.files("relay.web").joinpath("templates", "desk", "keys.js").read_bytes()


async def script(request: Request) -> Response:
    """The same for everybody; a new release has it at once."""
    headers = {"Cache-Control": "no-cache"}
    return Response(_TEXT, 200, headers, media_type="text/javascript; charset=utf-8")


ROUTES = [Route(PATH, script, methods=["GET"])]
