"""A message's HTML made harmless: to look at, with nothing that loads, runs, leads anywhere or steers the page.

Written anew from what a reader would see: known elements, few attributes, text
escaped. Links don't lead anywhere, their target stands behind their words;
pictures are boxes with their text. A policy for the browser stands before it
all (Content Security Policy 3, in ``meta``), should something have been missed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from relay.exemplars.exemplar import host_of
from relay.mail.content_links import address_of
from relay.mail.html_tokens import RAW, Token, TokenKind, attributes, tokens

MOST_LETTERS: Final = 512 * 1024
MOST_DEPTH: Final = 200
HEAD: Final = (
    '<!doctype html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="'
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'\">"
    '<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width">'
    "<title>{title}</title></head><body>"
)
TAIL: Final = "</body></html>"
_KEPT: Final = frozenset(
    [
        "a",
        "abbr",
        "address",
        "article",
        "aside",
        "b",
        "big",
        "blockquote",
        "br",
        "caption",
        "center",
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "del",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "font",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "i",
        "ins",
        "kbd",
        "li",
        "main",
        "mark",
        "nav",
        "ol",
        "p",
        "pre",
        "q",
        "s",
        "samp",
        "section",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "time",
        "tr",
        "tt",
        "u",
        "ul",
        "var",
        "wbr",
    ]
)
_VOID: Final = frozenset(("br", "hr", "col", "wbr"))
_GONE: Final = frozenset(
    ("template", "datalist", "svg", "math", "object", "applet", "audio", "video", "canvas", "select")
)
"""Elements whose content is left out with them."""
_SHOWN_RAW: Final = frozenset(("textarea", "xmp", "plaintext"))
_ATTRIBUTES: Final = frozenset(
    [
        "align",
        "valign",
        "width",
        "height",
        "bgcolor",
        "color",
        "border",
        "cellpadding",
        "cellspacing",
        "colspan",
        "rowspan",
        "title",
        "face",
        "size",
        "dir",
        "lang",
        "start",
        "type",
    ]
)
_VALUE: Final = re.compile(r"[\w #%.,()'\u2019-]{0,200}\Z")
_HARMFUL: Final = re.compile(
    r"url|image|expression|behaviou?r|binding|import(?!ant)|@|\\|position|var\(|attr\(|env\(|content|z-index|/\*|<|javascript"
    r"|transform|animation|transition|cursor|clip|mask|filter",
    re.IGNORECASE,
)
"""In a declaration: it is left out."""


def page(markup: str, title: str = "") -> str:
    """A whole document of one HTML part. Linear; never raises."""
    body = "".join(HarmlessWriter(markup[:MOST_LETTERS]).run())
    return HEAD.format(title=html.escape(title)) + body + TAIL


def page_of_text(text: str, title: str = "") -> str:
    """The same of a part of plain text."""
    return HEAD.format(title=html.escape(title)) + f"<pre>{html.escape(text[:MOST_LETTERS])}</pre>" + TAIL


class HarmlessWriter:
    """Writes one document anew, piece by piece."""

    def __init__(self, markup: str) -> None:
        self._markup = markup
        self._open: list[str] = []
        self._gone: list[str] = []
        """Open elements that are left out with their content."""
        self._target = ""
        self._base = ""

    def run(self) -> Iterator[str]:
        for token in tokens(self._markup, RAW):
            if token.missing and token.kind is not TokenKind.RAW:
                break
            if token.kind is TokenKind.TEXT and not self._gone:
                yield html.escape(html.unescape(self._markup[token.start : token.end]), quote=False)
            elif token.kind is TokenKind.RAW and not self._gone:
                yield from self.raw(token)
            elif token.kind is TokenKind.START:
                yield from self._start(token)
            elif token.kind is TokenKind.END:
                yield from self._end(token.name)
        yield from self._close_all()

    # -- what another way of showing it may do otherwise ---------------------------------

    def raw(self, token: Token) -> Iterator[str]:
        """The content of an element that is text."""
        if token.name in _SHOWN_RAW:
            yield html.escape(self._markup[token.start : token.end], quote=False)

    def kept_attributes(self, found: dict[str, str]) -> str:
        """With their blanks before them."""
        return _attributes(found)

    def link(self, target: str) -> tuple[str, str]:
        """What stands for an ``a``: its start tag's inside, and what comes before its end."""
        told = f" <small>[{html.escape(host_of(target) or target[:100])}]</small>" if target else ""
        return 'span class="link"' if target else "span", told

    def box(self, name: str, found: dict[str, str]) -> Iterator[str]:
        """What stands for a picture, a form or a part of one."""
        words = html.unescape(found.get("alt", "") or found.get("value", ""))[:200]
        source = html.unescape(found.get("src", "") or found.get("action", ""))
        host = host_of(address_of(source, self._base))
        what = {"img": "picture", "form": "form", "input": "field", "button": "button", "area": "area"}[name]
        told = ", ".join(one for one in (what, words, host) if one)
        yield f'<span style="border:1px dashed #888;color:#555">[{html.escape(told)}]</span>'

    # -- the document ----------------------------------------------------------------------

    def _start(self, token: Token) -> Iterator[str]:
        name = token.name
        if name in _GONE:
            if len(self._gone) < MOST_DEPTH:
                self._gone.append(name)
            return
        if self._gone:
            return
        found = attributes(self._markup, token)
        if name == "base":
            self._base = self._base or address_of(found.get("href", ""))
        elif name in ("img", "input", "button", "form", "area"):
            yield from self.box(name, found)
        elif name in ("body", "html"):
            style = _style(found)
            yield f"<div{style}>" if style and len(self._open) < MOST_DEPTH else ""
            if style and len(self._open) < MOST_DEPTH:
                self._open.append("div")
        elif name in _KEPT:
            yield from self._kept(name, found)

    def _kept(self, name: str, found: dict[str, str]) -> Iterator[str]:
        if name == "a":
            yield from self._end("a")
            self._target = address_of(html.unescape(found.get("href", "")), self._base)
        if name in _VOID:
            yield f"<{name}{self.kept_attributes(found)}>"
        elif len(self._open) < MOST_DEPTH:
            self._open.append(name)
            yield f"<{self.link(self._target)[0] if name == 'a' else name}{self.kept_attributes(found)}>"

    def _end(self, name: str) -> Iterator[str]:
        if self._gone:
            if name == self._gone[-1]:
                self._gone.pop()
            return
        if name not in self._open:
            return
        while self._open:
            last = self._open.pop()
            yield from self._closed(last)
            if last == name:
                return

    def _close_all(self) -> Iterator[str]:
        while self._open:
            yield from self._closed(self._open.pop())

    def _closed(self, name: str) -> Iterator[str]:
        if name == "a":
            begun, told = self.link(self._target)
            self._target = ""
            yield f"{told}</{begun.partition(' ')[0]}>"
        else:
            yield f"</{name}>"


def _attributes(found: dict[str, str]) -> str:
    plain = [(name, html.unescape(value)) for name, value in found.items() if name in _ATTRIBUTES]
    kept = [f' {name}="{html.escape(value)}"' for name, value in plain if _VALUE.match(value)]
    return "".join(kept) + _style(found)


def _style(found: dict[str, str]) -> str:
    """Declarations that do nothing but look."""
    written = html.unescape(found.get("style", ""))[:4_000]
    kept = [one.strip() for one in written.split(";") if ":" in one and not _HARMFUL.search(one) and "\x00" not in one]
    return f' style="{html.escape("; ".join(kept))}"' if kept else ""
