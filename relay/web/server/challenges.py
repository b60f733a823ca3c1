"""What stands at port 80: answers to the authority's questions, and for everybody else the way to the pages."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from config.settings import Settings
from relay.certificates.place import CertificatePlace
from relay.web.public.challenge import PATH

_KEPT: Final = 2048
"""Octets of a path that are handed on."""


def challenge_app(settings: Settings) -> ASGIApp:
    """Nothing that was sent here is sent on by it: a form's words belong on no open line."""
    place, base = CertificatePlace(settings.server.data_dir), settings.links.base_url

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if scope["method"] not in ("GET", "HEAD"):
            await _say(send, 405, b"only GET is answered here\n", [(b"allow", b"GET, HEAD")])
        elif path.startswith(PATH):
            found = place.answer(path.removeprefix(PATH))
            if found is None:
                await _say(send, 404, b"no such challenge\n", [])
            else:
                await _say(send, 200, found.encode(), [(b"content-type", b"application/octet-stream")])
        else:
            asked = scope.get("raw_path", b"/")
            query = b"?" + scope["query_string"] if scope["query_string"] else b""
            to = base.encode("ascii") + (asked + query if len(asked + query) <= _KEPT else b"/")
            await _say(send, 308, b"", [(b"location", to)])

    return app


async def _say(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    kinds = [] if any(name == b"content-type" for name, _ in headers) else [(b"content-type", b"text/plain")]
    length = [(b"content-length", b"%d" % len(body)), (b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *kinds, *length]})
    await send({"type": "http.response.body", "body": body})
