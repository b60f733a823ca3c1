"""Where an HTML part's links and its end stand, for who puts addresses of their own there."""

from __future__ import annotations

from html import unescape
from typing import Final, NamedTuple

from relay.mail.content_links import address_of
from relay.mail.html_tokens import Token, TokenKind, attribute_span, tokens

ANCHORS: Final = frozenset(("a", "area"))


class Anchor(NamedTuple):
    """A tag whose ``href`` can lead somewhere."""

    token: Token
    base: str
    """What a relative address is joined to; ``""``: nothing was said."""


class LinkPlaces(NamedTuple):
    """Of one part."""

    anchors: list[Anchor]
    end: int | None
    """Before the body's end; None where the markup breaks off within a tag."""


def find_links(markup: str, charset: str) -> LinkPlaces:
    """``markup`` is the part's octets as Latin-1, ``charset`` what they are read by."""
    found: list[Anchor] = []
    base, end, last = "", -1, None
    for token in tokens(markup):
        last = token
        if token.kind is TokenKind.END and token.name in ("body", "html"):
            end = token.start if end < 0 or token.name == "body" else end
        elif token.kind is not TokenKind.START:
            continue
        elif token.name == "base" and not base:
            span = attribute_span(markup, token, "href")
            base = "" if span is None else address_of(resolved(markup[span[0] : span[1]], charset), "")
        elif token.name in ANCHORS:
            found.append(Anchor(token, base))
    if last is not None and last.missing:
        return LinkPlaces(found, None)
    return LinkPlaces(found, end if end >= 0 else len(markup))


def resolved(raw: str, charset: str) -> str:
    """An attribute's value as it is meant."""
    return unescape(raw.encode("latin-1").decode(charset, "replace"))
