"""The fast reading of HTML that is well enough formed, as almost all mail is.

The document is cut at each ``<`` and each tag's text looked up in a table of
tags judged before, so that little is done per tag. Whatever is not plainly
ordinary (elements crossing each other, scripts, SVG, forms, tags cut short,
``>`` within an attribute …) ends the attempt, and ``html_reader`` reads the
document; where both can, both find the same.
"""

from __future__ import annotations

import re

from relay.mail.html_known import (
    BOGUS,
    COMMENT,
    EMPTY,
    END,
    END_LINK,
    END_ROOT,
    FONTS,
    KNOWN,
    OPEN,
    OPEN_LINK,
    RAW,
    ROOT,
    RULE,
    SHORT,
    SHORT_OCTETS,
    TEXT,
    Tag,
    judge,
    remember,
)
from relay.mail.html_names import (
    BOTTOM,
    CLOSES_P,
    ENDS_ITEMS,
    ENDS_LOOSE,
    FLOW_TOPS,
    IMPLIED_ITEMS,
    IMPLIED_PARTS,
    inline,
)
from relay.mail.html_page import MOST_PLACES, MOST_TAG_OCTETS, MOST_TAILS, Hostile, Page, holds_blocks
from relay.mail.html_tree import CELLS, FORMATTING, HEADINGS

_BLANKS = "\t\n\f\r "
_COMMENT_END = re.compile(r"--!?>")
_RAW_END = {name: re.compile(rf"/{name}[{_BLANKS}/>]", re.IGNORECASE) for name in ("style", "title")}
_DEEPEST = 400
"""Elements within each other; the closing tags of so many are always short enough."""
_MOST_PIECES = 60_000
_MOST_WORK = 500_000
"""Tags that don't just nest, times the elements open at each."""


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
        self.at = 1
        """The piece to read next; the first has no ``<`` before it."""
        self.page = Page(len(html))
        self.page.fonts = False
        self.stack: list[Tag] = [Tag(OPEN, BOTTOM)]
        self.linked = False
        self.work = 0
        self.tail: tuple[int, str] | None = None
        """Where the body ends, and what is open there."""
        self.tails = 0
        self.spans = spans
        self.chains: dict[int, list[str]] = {}
        self.measured = 0
        self.octets = 0
        """Where the piece ``measured`` begins."""

    def read(self) -> Page:
        self._walk()
        page = self.page
        if self.tail is None:
            page.before = self._closers()
        else:
            page.offset, page.before = self.tail
        page.candidates = [(start, end, self.chains.get(start)) for start, end in self.spans]
        return page

    def _walk(self) -> None:
        """Read all pieces."""
        pieces, stack = self.pieces, self.stack
        looked_for = bool(self.spans)
        if looked_for and "{{" in pieces[0]:
            self._text(pieces[0])
        flags, count = 0, len(pieces)
        while self.at < count:
            piece = pieces[self.at]
            self.at += 1
            tag = SHORT.get(piece) if len(piece) <= SHORT_OCTETS else None
            if tag is None:
                name, closed, text = piece.partition(">")
                tag = KNOWN.get(name)
                if tag is None:
                    tag = judge(name)
                if closed and len(piece) <= SHORT_OCTETS:
                    remember(piece, text, tag)
            else:
                closed = ">"
                text = ""
            op = tag.op
            if op == OPEN:
                if stack[-1].name not in tag.tops:
                    self._fit(tag)
                stack.append(tag)
                flags |= tag.flags
                self.tail = None
                if len(stack) > _DEEPEST:
                    raise _Odd
            elif op == END:
                if stack[-1].name == tag.name:
                    del stack[-1]
                else:
                    self._close(tag.name)
            elif op == EMPTY:
                flags |= tag.flags
                if piece[0] != "/":
                    self.tail = None
            elif op <= RULE:
                flags |= tag.flags
                self._link_or_paragraph(tag)
            elif op == TEXT:
                text, closed, self.tail = piece, ">", None
            elif closed or op == COMMENT:
                flags |= tag.flags
                text = self._other(tag, piece, text)
                closed = ">"
            if not closed:
                raise _Odd
            if self.tail is not None and text.strip(_BLANKS):
                self.tail = None
            if looked_for and "{{" in text:
                self._text(text)
        self.page.sheets.add(flags)
        if flags & FONTS:
            self.page.fonts = True

    def _link_or_paragraph(self, tag: Tag) -> None:
        """Links, ends of paragraphs, rules."""
        op, stack = tag.op, self.stack
        if op == END_LINK:
            if stack[-1].name == "a":
                stack.pop()
                self.linked = False
            elif self.linked:
                raise _Odd
            return
        self.tail = None
        if op == OPEN_LINK:
            if self.linked:
                raise _Odd
            if stack[-1].name not in tag.tops:
                self._fit(tag)
            stack.append(tag)
            self.linked = True
        elif op == RULE:
            if stack[-1].name not in tag.tops:
                self._fit(tag)
        elif stack[-1].name == "p":
            stack.pop()
        else:
            self._close("p")

    def _other(self, tag: Tag, piece: str, text: str) -> str:
        """What is no ordinary tag; the text after it."""
        op = tag.op
        if op == COMMENT:
            self.page.fonts = True  # sheets in it are some programs' own
            return self._after_comment(piece)
        if op == BOGUS:
            return text
        if op == END_ROOT:
            if self.tail is None and self.tails < MOST_TAILS:
                self.tails += 1
                self.tail = (self._measure(), self._closers())
            return text
        self.tail = None
        if op == RAW:
            return self._raw(tag.name, text)
        if op != ROOT:
            raise _Odd
        try:
            self.page.root(tag.name, tag.found or {})
        except Hostile:
            raise _Odd from None
        return text

    def _raw(self, name: str, text: str) -> str:
        """Go past a style's or title's content and end tag; the text after that."""
        content = [text]
        while (piece := self._next()) is not None:
            if _RAW_END[name].match(piece):
                ending, closed, text = piece.partition(">")
                if not closed or (KNOWN.get(ending) or judge(ending)).op != EMPTY:
                    raise _Odd
                if name == "style":
                    self.page.fonts = True
                    self.page.sheets.read("<".join(content))
                return text
            content.append(piece)
        raise _Odd

    def _next(self) -> str | None:
        """The next piece as it stands; None at the end."""
        if self.at >= len(self.pieces):
            return None
        self.at += 1
        return self.pieces[self.at - 1]

    def _after_comment(self, piece: str) -> str:
        """The text after a comment that begins with ``piece`` and may go on in others."""
        for abrupt in ("!-->", "!--->"):
            if piece.startswith(abrupt):
                return piece[len(abrupt) :]
        end = _COMMENT_END.search(piece, 3)
        while end is None:
            more = self._next()
            while more is not None and "--" not in more:
                more = self._next()
            if more is None:
                raise _Odd
            piece = more
            end = _COMMENT_END.search(piece)
        return piece[end.end() :]

    def _fit(self, tag: Tag) -> None:
        """Close what a start tag closes besides; _Odd where that is not plain."""
        stack, name = self.stack, tag.name
        self._spend()
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

    def _close(self, name: str) -> None:
        """An end tag that doesn't fit the innermost element: it closes what may stay open, or nothing."""
        stack = self.stack
        self._spend()
        if not any(tag.name == name for tag in stack):
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

    def _spend(self) -> None:
        self.work += len(self.stack)
        if self.work > _MOST_WORK:
            raise _Odd

    def _measure(self) -> int:
        """Where the ``<`` before the piece being read stands; each piece is counted once."""
        while self.measured < self.at - 1:
            self.octets += len(self.pieces[self.measured]) + 1
            self.measured += 1
        return self.octets - 1

    def _text(self, text: str) -> None:
        """Note what is open around placeholders in the text that ends the piece being read."""
        end = self._measure() + 1 + len(self.pieces[self.measured])
        start = end - len(text)
        found = [first for first, _ in self.spans[:MOST_PLACES] if start <= first < end]
        if found and holds_blocks([tag.name for tag in self.stack[1:]]):
            chain = [f"<{tag.text}>"[:MOST_TAG_OCTETS] for tag in self.stack[1:]]
            self.chains.update(dict.fromkeys(found, chain))

    def _closers(self) -> str:
        names = [tag.name for tag in self.stack[:0:-1]]
        if not FORMATTING.isdisjoint(names):
            raise _Odd
        return "".join([f"</{name}>" for name in names])
