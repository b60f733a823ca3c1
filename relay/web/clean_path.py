"""Links as they come out of texts: with the full stop, bracket or slash that followed them.

A mail program that makes links of plain text takes what stands behind a link for a part of it.
"""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

_PERSONAL = re.compile(r"(/(?:u|p|c|why|report|confirm)/[A-Za-z0-9_-]+)[^A-Za-z0-9_-]{1,16}")


class CleanPath:
    """Pure ASGI: the application sees the path without what no token can end with."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            found = _PERSONAL.fullmatch(scope["path"])
            if found is not None:
                scope = {**scope, "path": found[1], "raw_path": found[1].encode("ascii")}
        await self._app(scope, receive, send)
