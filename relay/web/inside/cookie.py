"""The cookie of a session: ``__Host-`` and Secure wherever the page is reached by HTTPS."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from relay.web.context import Context

_SECURE: Final = "__Host-session"
_PLAIN: Final = "session"
"""Where there is no HTTPS, as on loopback: a browser keeps no Secure cookie there."""


def read(request: Request) -> str:
    return request.cookies.get(_SECURE if _https(request) else _PLAIN, "")


def put(request: Request, response: Response, token: str) -> None:
    """For as long as the browser is open; the store knows when it ends before that."""
    https = _https(request)
    response.set_cookie(_SECURE if https else _PLAIN, token, path="/", secure=https, httponly=True, samesite="lax")


def drop(request: Request, response: Response) -> None:
    https = _https(request)
    response.delete_cookie(_SECURE if https else _PLAIN, path="/", secure=https, httponly=True, samesite="lax")


def _https(request: Request) -> bool:
    """As the operator says of the public address; a proxy in between need not tell."""
    public = urlsplit(Context.of(request).views.base_url)
    if public.netloc.lower() == request.headers.get("host", "").lower():
        return public.scheme == "https"
    return request.url.scheme == "https"
