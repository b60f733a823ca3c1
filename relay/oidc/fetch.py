"""One request to the provider: no redirect is followed, nothing is read past a bound, and it ends in time."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

WAIT_S: Final = 5.0
"""For each step of a connection."""
WHOLE_S: Final = 10.0
MOST_OCTETS: Final = 262_144
_PIECE: Final = 16_384


class OidcUnreachable(Exception):
    """Nothing useful came; the text says what, for the log and ``relay check``."""


def fetch(url: str, *, form: bytes | None = None, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON object that is there; ``form``: POST it. Raises OidcUnreachable."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    line: http.client.HTTPConnection
    if parts.scheme == "https":
        line = http.client.HTTPSConnection(host, parts.port, timeout=WAIT_S, context=ssl.create_default_context())
    else:
        line = http.client.HTTPConnection(host, parts.port, timeout=WAIT_S)
    asked = {"Accept": "application/json", "User-Agent": "relay", **(headers or {})}
    if form is not None:
        asked["Content-Type"] = "application/x-www-form-urlencoded"
    deadline = time.monotonic() + WHOLE_S
    try:
        line.request("GET" if form is None else "POST", path, form, asked)
        answer = line.getresponse()
        body = _whole(answer, deadline)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise OidcUnreachable(f"{parts.scheme}://{parts.netloc}: {error or type(error).__name__}") from error
    finally:
        line.close()
    return _object(parts.netloc + parts.path, answer.status, body)


def _whole(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    body = b""
    while piece := answer.read1(_PIECE):
        body += piece
        if len(body) > MOST_OCTETS:
            raise ValueError(f"more than {MOST_OCTETS} octets came")
        if time.monotonic() > deadline:
            raise TimeoutError(f"the answer wasn't there within {WHOLE_S:.0f} s")
    return body


def _object(where: str, status: int, body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        read = None
    if status != 200:
        said = read.get("error") if isinstance(read, dict) else None
        word = f", {said[:100]}" if isinstance(said, str) else ""
        raise OidcUnreachable(f"{where} answered {status}{word}")
    if not isinstance(read, dict):
        raise OidcUnreachable(f"{where} answered no JSON object")
    return read
