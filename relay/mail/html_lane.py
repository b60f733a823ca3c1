"""The fast reading of HTML that is well enough formed, as almost all mail is.

The document is cut at each ``<`` and each tag's text looked up in a table of
tags judged before, so that little is done per tag. Whatever is not plainly
ordinary (elements crossing each other, scripts, SVG, forms, tags cut short,
``>`` within an attribute …) ends the attempt, and ``html_reader`` reads the
document; where both can, both find the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import length_hint
from typing import Final, NamedTuple

from relay.mail.html_css import remote_sheet, style_flags
from relay.mail.html_names import (
    BOTTOM,
    CLOSES_P,
    EMPTY,
    ENDS_ITEMS,
    ENDS_LOOSE,
    FITS,
    FLOW_TOPS,
    IMPLIED_ITEMS,
    IMPLIED_PARTS,
    fits,
    inline,
)
from relay.mail.html_page import MOST_PLACES, MOST_TAG_OCTETS, MOST_TAILS, Hostile, Page, holds_blocks, judged
from relay.mail.html_tokens import Kind, tokens
from relay.mail.html_tree import CELLS, FORMATTING, HEADINGS

_BLANKS = "\t\n\f\r "
_COMMENT_END = re.compile(r"--!?>")
_RAW_END = {name: re.compile(rf"/{name}[{_WS}/>]", re.IGNORECASE) for name in ("style", "title")}
_DEEPEST = 400
"""Elements within each other; the closing tags of so many are always short enough."""
_MOST_PIECES = 60_000


class _Odd(Exception):
    """The document must be read thoroughly."""


def read(html: str, spans: list[tuple[int, int]]) -> Page | None:
    """What a document with its placeholders at ``spans`` is like; None if this is not for the fast reading."""
    pieces = html.split("<", _MOST_PIECES)
    if len(pieces) > _MOST_PIECES:
        return None
    try:
        return _Lane(html, pieces, spans).read()
    except _Odd:
        return None


class _Lane:
    """One pass over the pieces between one ``<`` and the next."""

    def __init__(self, html: str, pieces: list[str], spans: list[tuple[int, int]]) -> None:
        self.pieces = pieces
        self.rest: Iterator[str] = iter(pieces)
        self.page = Page(len(html))
        self.stack: list[Tag] = [Tag(OPEN, BOTTOM)]
        self.spans = spans
        self.chains: dict[int, list[str]] = {}
        self.measured = (0, 0)

    def read(self) -> Page:
        tail = self._walk()
        page = self.page
        if tail is None:
            page.before = self._closers()
        else:
            page.offset, page.before = tail
        page.candidates = [
            (start, end, self.chains.get(start) if number < MOST_PLACES else None)
            for number, (start, end) in enumerate(self.spans)
        ]
        return page

    def _walk(self) -> tuple[int, str] | None:
        """Read all pieces; where the body ends, if it does, and what is open there."""
        rest, stack, known = self.rest, self.stack, KNOWN
        looked_for = bool(self.spans)
        text = next(rest)
        if looked_for and "{{" in text:
            self._text(text)
        tail: tuple[int, str] | None = None
        flags = tails = 0
        linked = False
        for piece in rest:
            name, closed, text = piece.partition(">")
            tag = known[name]
            op = tag[0]
            if op == OPEN:
                if stack[-1][1] not in tag[3]:
                    _fit(stack, tag)
                stack.append(tag)
                flags |= tag[2]
                tail = None
                if len(stack) > _DEEPEST:
                    raise _Odd
            elif op == END:
                if stack[-1][1] == tag[1]:
                    del stack[-1]
                else:
                    _close(stack, tag[1])
            elif op == EMPTY:
                flags |= tag[2]
                if name[0] != "/":
                    tail = None
            elif op <= END_P:
                linked = self._special(tag, linked)
                flags |= tag[2]
                if op != END_LINK:
                    tail = None
            elif op == END_ROOT:
                if tail is None and tails < MOST_TAILS:
                    tails += 1
                    tail = (self._measure(), self._closers())
            elif op == TEXT:
                text, closed, tail = piece, ">", None
            elif op == COMMENT:
                text, closed = _after_comment(piece, rest), ">"
            elif op == RAW:
                text = self._raw(tag[1], text) if closed else ""
                tail = None
            elif op == ROOT:
                self._root(tag)
                tail = None
            elif op != BOGUS:
                raise _Odd
            if not closed:
                raise _Odd
            if tail is not None and text.strip(_BLANKS):
                tail = None
            if looked_for and "{{" in text:
                self._text(text)
        self.page.sheets.add(flags)
        return tail

    def _special(self, tag: Tag, linked: bool) -> bool:
        """Links, rules and ends of paragraphs; whether a link is open after it."""
        op, stack = tag.op, self.stack
        if op == OPEN_LINK:
            if linked:
                raise _Odd
            if stack[-1].name not in tag.tops:
                _fit(stack, tag)
            stack.append(tag)
            return True
        if op == RULE:
            if stack[-1].name not in tag.tops:
                _fit(stack, tag)
        elif stack[-1].name == tag.name:
            stack.pop()
            return linked and op != END_LINK
        else:
            _close(stack, tag.name)
        return linked

    def _root(self, tag: Tag) -> None:
        try:
            self.page.root(tag.name, tag.found or {})
        except Hostile:
            raise _Odd from None

    def _raw(self, name: str, text: str) -> str:
        """Go past a style's or title's content and end tag; the text after that."""
        content = [text]
        for piece in self.rest:
            if _RAW_END[name].match(piece):
                ending, closed, text = piece.partition(">")
                if not closed or KNOWN[ending].op != EMPTY:
                    raise _Odd
                if name == "style":
                    self.page.sheets.read("<".join(content))
                return text
            content.append(piece)
        raise _Odd

    def _measure(self) -> int:
        """Where the piece being read begins; each piece is counted once."""
        number, octets = self.measured
        now = len(self.pieces) - length_hint(self.rest) - 1
        octets += sum(map(len, self.pieces[number:now])) + now - number
        self.measured = (now, octets)
        return octets - 1

    def _text(self, text: str) -> None:
        """Note what is open around placeholders in the text that ends the piece being read."""
        piece = self._measure() + 1
        now = self.measured[0]
        start, end = piece + len(self.pieces[now]) - len(text), piece + len(self.pieces[now])
        names = [tag.name for tag in self.stack[1:]]
        if len(self.chains) < MOST_PLACES and holds_blocks(names):
            chain = [f"<{tag.text}>"[:MOST_TAG_OCTETS] for tag in self.stack[1:]]
            self.chains |= {first: chain for first, _ in self.spans if start <= first < end}

    def _closers(self) -> str:
        names = [tag.name for tag in self.stack[:0:-1]]
        if not FORMATTING.isdisjoint(names):
            raise _Odd
        return "".join([f"</{name}>" for name in names])


def _after_comment(piece: str, rest: Iterator[str]) -> str:
    """The text after a comment that begins with ``piece`` and may go on in others."""
    for abrupt in ("!-->", "!--->"):
        if piece.startswith(abrupt):
            return piece[len(abrupt) :]
    end = _COMMENT_END.search(piece, 3)
    while end is None:
        for piece in rest:
            if "--" in piece:
                break
        else:
            raise _Odd
        end = _COMMENT_END.search(piece)
    return piece[end.end() :]


def _fit(stack: list[Tag], tag: Tag) -> None:
    """Close what a start tag closes besides; _Odd where that is not plain."""
    name = tag.name
    if name not in CLOSES_P:
        if tag.tops is FLOW_TOPS and inline(stack[-1].name):
            return
        raise _Odd
    if stack[-1].name == "p":
        del stack[-1]
    if name == "li" and stack[-1].name == "li":
        del stack[-1]
        return
    at = len(stack) - 1
    if name not in HEADINGS:
        while inline(stack[at].name):
            at -= 1
    if stack[at].name not in tag.tops:
        raise _Odd


def _close(stack: list[Tag], name: str) -> None:
    """An end tag that doesn't fit the innermost element: it closes what may stay open, or nothing."""
    names = [tag.name for tag in stack]
    if name not in names:
        if name in HEADINGS:
            raise _Odd
        return
    implied = IMPLIED_PARTS if name in ENDS_LOOSE and name not in CELLS else IMPLIED_ITEMS
    if name not in ENDS_LOOSE and name not in ENDS_ITEMS:
        raise _Odd
    at = len(stack) - 1
    while stack[at].name != name:
        if stack[at].name not in implied:
            raise _Odd
        at -= 1
    del stack[at:]
