"""Cursors of lists: opaque to the client, and checked as anything from outside."""

from __future__ import annotations

import base64
import binascii
import json
import re

from relay.web.problems import Problem

CursorPart = str | int


def write(*parts: CursorPart) -> str:
    text = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def read(cursor: str, *kinds: type[CursorPart]) -> list[CursorPart]:
    """The parts, of those kinds; raises Problem for a cursor that isn't ours."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise Problem("cursor", "start again without cursor") from None
    if not isinstance(parts, list) or [type(part) for part in parts] != list(kinds):
        raise Problem("cursor", "start again without cursor")
    if any(isinstance(part, int) and not 0 <= part < 2**63 for part in parts):
        raise Problem("cursor", "start again without cursor")
    if any(isinstance(part, str) and re.search("[\x00\ud800-\udfff]", part) for part in parts):
        raise Problem("cursor", "start again without cursor")
    return parts
