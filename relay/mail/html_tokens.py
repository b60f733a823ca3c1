"""Tokens of an HTML document, as a browser cuts it (HTML Living Standard §13.2.5).

Only what decides where a tag begins and ends is kept: comments with all their
ways of ending, bogus comments, tags with attributes and quotes, and elements
whose content is text (style, script, title, textarea …). Linear in the length
of the document, no recursion; offsets are those of the string.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

_WS = r"\t\n\f\r "
_OPEN = re.compile(rf"<(?:(/?)([A-Za-z][^{_WS}/>]*)|(!--)|([!?/]))")
_COMMENT_END = re.compile(r"--!?>")
_ATTRIBUTE = (
    rf"[{_WS}/]*+([^{_WS}/>][^{_WS}/>=]*+)"
    rf"(?>[{_WS}]*+=[{_WS}]*+(?>\"([^\"]*+)\"|'([^']*+)'|([^{_WS}>\"'][^{_WS}>]*+)|(?=>))|(?![{_WS}]*+=))"
)
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_REST = re.compile(r"(?>" + re.sub(r"(?<!\\)\((?!\?)", "(?:", _ATTRIBUTE) + rf")*+[{_WS}/]*+>")
_OPEN_QUOTE = re.compile(rf"[{_WS}/]*+[^{_WS}/>][^{_WS}/>=]*+[{_WS}]*+=[{_WS}]*+([\"'])")
_REFERENCE = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9a-fA-F]{1,6})|(colon|lpar|rpar|semi|sol|num|excl|Tab|NewLine));?")
_NAMED = {"colon": ":", "lpar": "(", "rpar": ")", "semi": ";", "sol": "/", "num": "#", "excl": "!"}

RAW = frozenset({"style", "script", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "plaintext"})
"""Elements whose content is text up to their own end tag (plaintext: for ever)."""

_RAW_END = {name: re.compile(rf"</{name}(?=[{_WS}/>])", re.IGNORECASE) for name in (RAW | {"noscript"}) - {"plaintext"}}


class TokenKind(Enum):
    """What a token is."""

    TEXT = "text"
    START = "start"
    END = "end"
    RAW = "raw"  # the content of a RAW element
    COMMENT = "comment"  # also bogus comments and the doctype
    CDATA = "cdata"  # `<![CDATA[`: what it is depends on the tree


class Token(NamedTuple):
    """A token; ``start`` and ``end`` are offsets.

    ``name`` is the lower-case element name (of the RAW token too). ``missing``
    is set on the last token only: what must be written to complete it.
    """

    kind: TokenKind
    start: int
    end: int
    name: str = ""
    missing: str = ""


def tokens(html: str, raw: frozenset[str] = RAW) -> Iterator[Token]:
    """The document's tokens in order; ``raw`` names the elements that hold text."""
    position, size = 0, len(html)
    while (opening := _OPEN.search(html, position)) is not None:
        start = opening.start()
        if start > position:
            yield Token(TokenKind.TEXT, position, start)
        name = opening[2]
        if name is None:
            token = _declaration(html, opening)
            yield token
            position = token.end
            continue
        name = name.lower()
        kind = TokenKind.END if opening[1] else TokenKind.START
        token = _tag(html, kind, name, start, opening.end())
        yield token
        position = token.end
        if kind is TokenKind.START and name in raw and not token.missing:
            end = _RAW_END[name].search(html, position) if name in _RAW_END else None
            stop = size if end is None else end.start()
            yield Token(TokenKind.RAW, position, stop, name, "" if end is not None else f"</{name}>")
            position = stop
    if position < size:
        # `<` alone at the end stays text whatever follows it.
        yield Token(TokenKind.TEXT, position, size)


def _declaration(html: str, opening: re.Match[str]) -> Token:
    """A comment, a bogus comment, a doctype or a CDATA section's opening."""
    start, inside = opening.span()
    if opening[3]:
        for abrupt in (">", "->"):
            if html.startswith(abrupt, inside):
                return Token(TokenKind.COMMENT, start, inside + len(abrupt))
        end = _COMMENT_END.search(html, inside)
        if end is None:
            return Token(TokenKind.COMMENT, start, len(html), missing="-->")
        return Token(TokenKind.COMMENT, start, end.end())
    kind = TokenKind.CDATA if html.startswith("[CDATA[", inside) else TokenKind.COMMENT
    stop = html.find(">", inside)
    if stop < 0:
        return Token(kind, start, len(html), missing=">")
    return Token(kind, start, stop + 1)


def _tag(html: str, kind: TokenKind, name: str, start: int, inside: int) -> Token:
    rest = _REST.match(html, inside)
    if rest is not None:
        return Token(kind, start, rest.end(), name)
    position = inside
    while (attribute := _ATTRIBUTES.match(html, position)) is not None:
        position = attribute.end()
    quote = _OPEN_QUOTE.match(html, position)
    return Token(kind, start, len(html), name, f"{quote[1]}>" if quote else ">")


def raw_attributes(html: str, token: Token) -> Iterator[tuple[str, str, bool]]:
    """A tag's attributes in order: lower-case name, value as written, and whether that stands in quotes."""
    position = token.start + 1 + len(token.name) + (token.kind is TokenKind.END)
    while (match := _ATTRIBUTES.match(html, position, token.end)) is not None:
        position = match.end()
        yield match[1].lower(), match[2] or match[3] or match[4] or "", match[4] is None


def attribute_span(html: str, token: Token, wanted: str) -> tuple[int, int] | None:
    """Where the value of a tag's first attribute of that lower-case name stands, without quotes; None without one."""
    position = token.start + 1 + len(token.name)
    while (match := _ATTRIBUTES.match(html, position, token.end)) is not None:
        position = match.end()
        if match[1].lower() == wanted:
            return next((match.span(group) for group in (2, 3, 4) if match[group] is not None), None)
    return None


def attributes(html: str, token: Token) -> dict[str, str]:
    """A tag's attributes by lower-case name; of two with one name the first counts.

    Character references are resolved as far as they matter to a style or a URL.
    """
    found: dict[str, str] = {}
    for name, value, _ in raw_attributes(html, token):
        found.setdefault(name, _REFERENCE.sub(_referred, value) if "&" in value else value)
    return found


def _referred(match: re.Match[str]) -> str:
    if match[3]:
        return _NAMED.get(match[3], " ")
    number = int(match[1]) if match[1] else int(match[2], 16)
    return chr(number) if number < 0x110000 else "\ufffd"
