"""Requests that another site made a browser send (CSRF): refused by what the browser itself says of them.

``Sec-Fetch-Site`` (Fetch Metadata) where it is sent, else ``Origin`` against
``Host``. Neither: no browser that has a cookie to misuse.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

SAFE = frozenset({"GET", "HEAD"})


def foreign(request: Request) -> bool:
    """Whether the request may change nothing, since it was made elsewhere."""
    if request.method in SAFE:
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None:
        return False
    try:
        said = urlsplit(origin).netloc
    except ValueError:
        return True
    return said.lower() != request.headers.get("host", "").lower() or not said
