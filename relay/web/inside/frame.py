"""Strangers' HTML, shown without any means: no network, no script, no form, no way out of its frame.

Three fences, each enough by itself: the document was made harmless
(``relay.exemplars.harmless``); the answer's policy allows inline styles alone;
and it is a sandbox of an origin of its own.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

_POLICY: Final = "; ".join(
    (
        "sandbox",
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "SAMEORIGIN",
    "X-DNS-Prefetch-Control": "off",
    "Referrer-Policy": "no-referrer",
}


def framed(document: str) -> Response:
    """For an ``iframe sandbox`` of a page of ours."""
    return Response(document.encode("utf-8", "replace"), 200, _HEADERS, media_type="text/html; charset=utf-8")
