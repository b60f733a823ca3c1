"""The cookie of a session: ``__Host-`` and Secure wherever the page is reached by HTTPS."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from relay.web.context import Context

_SESSION: Final = "session"


def read(request: Request) -> str:
    return read_named(request, _SESSION)


def put(request: Request, response: Response, token: str) -> None:
    """For as long as the browser is open; the store knows when it ends before that."""
    put_named(request, response, _SESSION, token)


def drop(request: Request, response: Response) -> None:
    drop_named(request, response, _SESSION)


def read_named(request: Request, name: str) -> str:
    """Of a cookie that is the browser's own in the same way, such as a challenge's."""
    return request.cookies.get(_name(request, name), "")


def put_named(request: Request, response: Response, name: str, value: str) -> None:
    https = _https(request)
    response.set_cookie(_name(request, name), value, path="/", secure=https, httponly=True, samesite="lax")


def drop_named(request: Request, response: Response, name: str) -> None:
    https = _https(request)
    response.delete_cookie(_name(request, name), path="/", secure=https, httponly=True, samesite="lax")


def _name(request: Request, name: str) -> str:
    """Without the prefix where there is no HTTPS, as on loopback: a browser keeps no Secure cookie there."""
    return f"__Host-{name}" if _https(request) else name


def _https(request: Request) -> bool:
    """As the operator says of the public address; a proxy in between need not tell."""
    public = urlsplit(Context.of(request).views.base_url)
    if public.netloc.lower() == request.headers.get("host", "").lower():
        return public.scheme == "https"
    return request.url.scheme == "https"
