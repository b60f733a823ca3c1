"""What a message says to a reader: decoded texts and placeholders, for policies. Bounded."""

from __future__ import annotations

from typing import NamedTuple

from relay.mail.bodies import readable
from relay.mail.charset import codec
from relay.mail.edit import MARK, may_hold_marks
from relay.mail.scan import Scanned
from relay.mail.transfer import decode

MAX_TEXT_OCTETS = 256 * 1024
"""Of all texts together."""


class Content(NamedTuple):
    texts: tuple[str, ...]
    """Of the readable parts in document order; HTML as markup."""
    placeholders: frozenset[str]
    """``relay_footer``, ``unsubscribe_url``, ``preferences_url``, as far as they are found in those texts."""


def content(scanned: Scanned, limit_octets: int = MAX_TEXT_OCTETS) -> Content:
    """The readable parts' texts, at most ``limit_octets`` decoded octets of them; never raises."""
    texts: list[str] = []
    found: set[str] = set()
    left = limit_octets
    for part in readable(scanned).parts:
        octets = decode(
            scanned.message[part.body_start : min(part.body_end, part.body_start + 4 * left)], part.encoding
        )
        if not octets or left <= 0:
            continue
        octets = octets[:left]
        left -= len(octets)
        texts.append(octets.decode(codec(part.charset) or "utf-8", "replace"))
        if may_hold_marks(octets):
            found.update(mark["name"].decode() for mark in MARK.finditer(octets))
    return Content(tuple(texts), frozenset(found))
