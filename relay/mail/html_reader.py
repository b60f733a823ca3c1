"""The thorough reading of an HTML document: every token, and a model of the browser's tree.

Whatever is odd ends here; a document without oddities is read by ``html_lane``
with the same result.
"""

from __future__ import annotations

import re

from relay.mail.html_css import remote_sheet
from relay.mail.html_page import (
    MOST_PLACES,
    MOST_TAG_OCTETS,
    MOST_TAILS,
    MOST_TOKENS,
    Hostile,
    Page,
    holds_blocks,
    judged,
)
from relay.mail.html_tokens import RAW, Token, TokenKind, tokens
from relay.mail.html_tree import OpenElements

_BLANK = re.compile(r"[\t\n\f\r ]*")


def read(html: str, spans: list[tuple[int, int]], raw: frozenset[str] = RAW) -> Page:
    """What a document with its placeholders at ``spans`` is like; ``raw`` names the elements that hold text.

    Raises Hostile or TreeError where no place is safe.
    """
    return _Reader(html, spans, raw).read()


class _Reader:
    """One pass over the tokens."""

    def __init__(self, html: str, spans: list[tuple[int, int]], raw: frozenset[str]) -> None:
        self.html = html
        self.spans = spans
        self.raw = raw
        self.tree = OpenElements()
        self.page = Page(len(html))
        self.tail: tuple[int, str] | None = None
        self.tails = 0
        self.span = 0
        self.missing = ""

    def read(self) -> Page:
        for number, token in enumerate(tokens(self.html, self.raw)):
            if number > MOST_TOKENS:
                raise Hostile("too many tags")
            if self.span < len(self.spans):
                self._placeholders(token)
            if token.missing and token.kind not in (TokenKind.RAW, TokenKind.COMMENT):
                self._incomplete(token)
                break
            self.missing = token.missing
            self._take(token)
        page = self.page
        for start, end in self.spans[self.span :]:
            page.candidates.append((start, end, None))
        if self.tail is not None:
            page.offset, page.before = self.tail
        else:
            page.before = self.missing + self.tree.closers()
        return page

    def _incomplete(self, token: Token) -> None:
        """The document ends inside a tag: complete it, and what it opens."""
        self.missing = token.missing
        if token.kind is TokenKind.CDATA:
            raise Hostile("CDATA section without an end")
        if self.tail is not None:
            return
        completed = Token(token.kind, token.start, token.end, token.name)
        self._take(completed)
        if token.kind is TokenKind.START and token.name in self.raw:
            self.missing += f"</{token.name}>"

    def _placeholders(self, token: Token) -> None:
        while self.span < len(self.spans) and self.spans[self.span][0] < token.end:
            start, end = self.spans[self.span]
            self.span += 1
            tree = self.tree
            few = len(self.page.candidates) < MOST_PLACES
            chain = None
            if (
                few
                and token.kind is TokenKind.TEXT
                and end <= token.end
                and not tree.misnested
                and holds_blocks(tree.names)
            ):
                chain = [self.html[tag : tag + MOST_TAG_OCTETS] for tag in tree.starts]
            self.page.candidates.append((start, end, chain))

    def _take(self, token: Token) -> None:
        kind, name = token.kind, token.name
        if kind is TokenKind.TEXT:
            blank = _BLANK.match(self.html, token.start, token.end)
            if blank is None or blank.end() < token.end:
                self.tail = None
        elif kind is TokenKind.CDATA:
            if self.tree.foreign:
                raise Hostile("CDATA section in SVG or MathML")
        elif kind is TokenKind.RAW:
            if name == "style":
                self.page.sheets.read(self.html[token.start : token.end])
        elif kind is TokenKind.START:
            self.tail = None
            self._start(token)
        elif kind is TokenKind.END:
            self._end(token)

    def _start(self, token: Token) -> None:
        name, page, tree = token.name, self.page, self.tree
        found = judged(self.html, token)
        if name in ("html", "body", "head", "meta"):
            tree.break_out(name)
        if name in ("html", "body"):
            page.root(name, found)
        elif name == "frameset":
            page.frameset = True
        elif name == "link":
            if "stylesheet" in found.get("rel", "").lower() and remote_sheet(found.get("href", "")):
                page.sheets.opaque = True
        elif name in self.raw:
            if tree.misplaces_text():
                raise Hostile(f"{name} element within SVG, MathML, select or template")
        elif name != "head":
            if "style" in found:
                page.sheets.read_style(found["style"])
            page.noscript = page.noscript or name == "noscript"
            tree.start(name, token.start, self.html.endswith("/>", token.start, token.end))

    def _end(self, token: Token) -> None:
        name = token.name
        if "{{" in name:
            raise Hostile("a {{…}} in an end tag")
        if name in ("body", "html"):
            if self.tail is None and self.tails < MOST_TAILS and "template" not in self.tree.names:
                self.tails += 1
                self.tail = (token.start, self.tree.closers())
            return
        if name in ("p", "br"):
            self.tail = None
        if name != "head":
            self.tree.end(name)
