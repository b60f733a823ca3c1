"""Which parts of a message a person reads, and whether footers in them reach that person.

Each readable part gets a footer. Where a reader may be shown something that
can't take one (a signed branch of an alternative, an attachment alone), the
message must be wrapped instead.
"""

from __future__ import annotations

from typing import NamedTuple

from relay.mail.scan import Part, Scanned

HTML_TYPES = frozenset({"text/html", "text/x-amp-html", "text/watch-html", "application/xhtml+xml"})
TEXT_TYPES = frozenset({"text/plain", "text/markdown"})
SEALED = frozenset({"multipart/signed", "multipart/encrypted", "multipart/report"})
"""Any change inside breaks them, or nobody reads them as mail (RFC 1847, RFC 6522)."""
_BESIDES = frozenset({"text/calendar", "application/ics"})
"""Shown beside the chosen branch of an alternative, not instead of it."""


class Readable(NamedTuple):
    """``parts``: the readable leaves; ``covered``: whether whatever a reader is shown has one of them in it."""

    parts: list[Part]
    covered: bool


def is_html(part: Part) -> bool:
    return part.content_type in HTML_TYPES


def _is_text(part: Part) -> bool:
    return part.content_type in TEXT_TYPES or part.content_type in HTML_TYPES


def is_attachment(scanned: Scanned, part: Part) -> bool:
    if part.disposition == "attachment":
        # In an alternative a leaf is shown whatever its disposition says.
        return part.parent < 0 or scanned.parts[part.parent].content_type != "multipart/alternative"
    if not part.filename:
        return False
    parent = part.parent
    while parent >= 0:
        above = scanned.parts[parent]
        if above.content_type in ("multipart/alternative", "multipart/related") or above.children[0] == part.index:
            return False  # it is the body, whatever its name
        parent = above.parent
    return part.parent >= 0


def readable(scanned: Scanned) -> Readable:
    """The readable leaves in document order, found from the top down without recursion."""
    parts = scanned.parts
    open_to_readers = [False] * len(parts)
    holds = [False] * len(parts)
    """Whether a part is, or has in it, a readable leaf."""
    found: list[Part] = []
    for part in parts:
        if part.parent >= 0 and not (open_to_readers[part.parent] and _is_shown(scanned, part)):
            continue
        if part.ambiguous or part.content_type in SEALED:
            continue
        open_to_readers[part.index] = True
        if part.is_multipart or not _is_text(part) or part.hollow or is_attachment(scanned, part):
            continue
        found.append(part)
        holds[part.index] = True
    covered = True
    for part in reversed(parts):
        if not open_to_readers[part.index] or not part.is_multipart:
            continue
        holds[part.index] = any(holds[child] for child in part.children)
        if part.content_type == "multipart/alternative":
            covered = covered and all(holds[child] or parts[child].content_type in _BESIDES for child in part.children)
    return Readable(found, covered and holds[0])


def _is_shown(scanned: Scanned, part: Part) -> bool:
    """Of multipart/related the root is shown: by ``start``, or the first for who ignores that (RFC 2387 §3.2)."""
    parent = scanned.parts[part.parent]
    if parent.content_type != "multipart/related" or parent.children[0] == part.index:
        return True
    start = parent.parameters.get("start", "").strip()
    return bool(start) and any(
        one.name == b"content-id" and scanned.value(one).decode("latin-1") == start for one in part.fields
    )
