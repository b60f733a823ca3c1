"""Where and how a footer goes into HTML that may be broken or hostile.

``plan`` looks at a document once and says where the footer stands so that a
browser shows it: what must be closed before it, what must stand first in the
document so that html and body can't hide it, or that no place in this part is
safe. ``guard`` wraps the footer itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from relay.mail import html_guard
from relay.mail.html_css import Sheets, remote_sheet
from relay.mail.html_guard import guard
from relay.mail.html_tokens import RAW, Kind, Token, attributes, raw_attributes, tokens
from relay.mail.html_tree import OpenElements, TreeError

__all__ = ["Insertion", "Placeholder", "guard", "plan"]

PLACEHOLDER = re.compile(r"\{\{[ \t]*relay_footer[ \t]*\}\}")
_TELLING = re.compile(
    r"[\s/\"'](?:style|hidden|on[a-z]+|srcdoc|rel|http-equiv|inert|popover|src|data)\b", re.IGNORECASE
)
_SLOT_IN_MARKUP = re.compile(r"<(?:[/?]|!-?)?\{\{(?![ \t]*relay_footer[ \t]*\}\})")
_LINK_SLOT = re.compile(r"\{\{\w+_(?:url|mailto)\}\}")
_BLANK = re.compile(r"[\t\n\f\r ]*")
_DOCTYPE = re.compile(
    r"[\t\n\f\r ]*(?:<!--(?!-?>)(?:(?!--!?>).)*+-->[\t\n\f\r ]*)*+<!doctype[^>]*+>", re.IGNORECASE | re.DOTALL
)
_HOLDERS = frozenset({"div", "center", "p", "span", "font", "section", "article", "main", "footer", "header", "aside"})
_HOLDERS |= {"table", "tbody", "thead", "tfoot", "tr", "td", "th", "ul", "ol", "li", "blockquote"}
_HOLDERS |= {"b", "i", "strong", "em", "small", "big", "u"}
_NO_FLOW = frozenset({"table", "tbody", "thead", "tfoot", "tr", "ul", "ol"})
_MOST_TAGS = 100_000
_DATA_SCRIPTS = ("application/json", "application/ld+json")


class _Hostile(Exception):
    """No place in this part is safe; the text says why."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A ``{{relay_footer}}``: its offsets, and whether a footer in its place would be seen."""

    start: int
    end: int
    safe: bool


@dataclass(frozen=True, slots=True)
class Insertion:
    """Where a footer goes. Offsets are octets of the part as ``plan`` got it.

    ``prologue`` (often empty) is to be written at ``prologue_offset``, then at
    ``offset`` what ``block`` gives. A safe placeholder takes ``guard(footer)``
    in its place instead, then nothing else is written; unsafe ones are removed.
    If ``hostile``, nothing in this part is safe: the message must be wrapped so
    that the footer has a part of its own; ``reason`` says why.
    """

    offset: int
    before: str = ""
    after: str = ""
    prologue: str = ""
    prologue_offset: int = 0
    placeholders: tuple[Placeholder, ...] = ()
    hostile: bool = False
    reason: str = ""

    @property
    def place(self) -> Placeholder | None:
        """The placeholder that takes the footer, if one can."""
        return None if self.hostile else next((p for p in self.placeholders if p.safe), None)

    def block(self, footer_html: str) -> str:
        """What is written at ``offset``: closing tags and the guarded footer."""
        return self.before + guard(footer_html, detached=bool(self.prologue)) + self.after


@dataclass(slots=True)
class _Page:
    """What one reading of a document found."""

    offset: int
    before: str
    candidates: list[tuple[int, int, list[tuple[str, int]] | None]] = field(default_factory=list)
    roots: dict[str, dict[str, str]] = field(default_factory=dict)
    sheets: Sheets = field(default_factory=Sheets)
    root_risky: bool = False
    frameset: bool = False
    noscript: bool = False


def plan(html: str) -> Insertion:
    """Where the footer goes in ``html``, the latin-1 view of a decoded text/html part.

    The part's charset must be one whose ASCII octets mean ASCII everywhere (not
    UTF-16, UTF-7 or ISO-2022-*). Linear in time; never raises.
    """
    spans = [match.span() for match in PLACEHOLDER.finditer(html)]
    if not spans:
        return _plan(html, [])
    # What is judged is the document as it will be, since taking a placeholder out may join what stood around it.
    place = _plan(html, spans).place
    if place is not None:
        others = [span for span in spans if span != (place.start, place.end)]
        rest = _without(html, others)
        start = place.start - sum(end - start for start, end in others if end <= place.start)
        found = _plan(rest, [(start, start + place.end - place.start)])
        if found.place is not None:
            return replace(found, offset=len(html), before="", placeholders=tuple(_marked(spans, place)))
    found = _plan(_without(html, spans), [])
    return replace(
        found,
        offset=_original(found.offset, spans),
        prologue_offset=_original(found.prologue_offset, spans),
        placeholders=tuple(_marked(spans, None)),
    )


def _marked(spans: list[tuple[int, int]], place: Placeholder | None) -> Iterator[Placeholder]:
    for start, end in spans:
        yield Placeholder(start, end, place is not None and start == place.start)


def _without(html: str, spans: list[tuple[int, int]]) -> str:
    ends = [0, *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), len(html)]
    return "".join(html[end:start] for end, start in zip(ends, starts, strict=True))


def _original(offset: int, spans: list[tuple[int, int]]) -> int:
    """An offset in the document without ``spans``, as one in the document with them."""
    for start, end in spans:
        if start <= offset:
            offset += end - start
    return offset


def _plan(html: str, spans: list[tuple[int, int]]) -> Insertion:
    """``plan`` for a document whose only placeholders are at ``spans``."""
    try:
        page = _Reader(html, spans, RAW).read()
        if page.noscript:
            other = _Reader(html, spans, RAW | {"noscript"}).read()
            if (page.offset, page.before) != (other.offset, other.before):
                raise _Hostile("a noscript element is cut differently with and without scripts")
    except (_Hostile, TreeError) as error:
        return Insertion(len(html), hostile=True, reason=str(error))
    sheets = page.sheets
    touched = any(sheets.may_touch(name, page.roots.get(name, {})) for name in ("html", "body"))
    needed = touched or page.root_risky or page.frameset or sheets.pseudo or sheets.pulls or sheets.opaque
    first = ""
    if needed:
        first = html_guard.prologue(*(page.roots.get(name, {}).get("style", "") for name in ("html", "body")))
    doctype = _DOCTYPE.match(html)
    calm = not (needed or sheets.floats_over)
    holders = tuple(
        Placeholder(start, end, calm and chain is not None and _seen(html, chain, sheets))
        for start, end, chain in page.candidates
    )
    return Insertion(page.offset, page.before, "", first, doctype.end() if doctype else 0, holders)


def _seen(html: str, chain: list[tuple[str, int]], sheets: Sheets) -> bool:
    """Whether nothing that is open around a placeholder can hide it."""
    for name, start in chain:
        tag = next(tokens(html[start : start + 4096]), None)
        if tag is None or tag.missing:
            return False
        found = attributes(html[start : start + 4096], tag)
        if "hidden" in found or "popover" in found or not sheets.read_style(found.get("style", "")):
            return False
        if sheets.may_touch(name, found):
            return False
    return True


class _Reader:
    """One pass over the tokens."""

    def __init__(self, html: str, spans: list[tuple[int, int]], raw: frozenset[str]) -> None:
        self.html = html
        self.spans = spans
        self.raw = raw
        self.tree = OpenElements()
        self.page = _Page(len(html), "")
        self.tail: tuple[int, str] | None = None
        self.tails = 0
        self.span = 0
        self.head = False
        self.missing = ""
        self.style_start = 0

    def read(self) -> _Page:
        if _SLOT_IN_MARKUP.search(self.html):
            raise _Hostile("a {{…}} where a tag's name would be")
        for number, token in enumerate(tokens(self.html, self.raw)):
            if number > 2 * _MOST_TAGS:
                raise _Hostile("too many tags")
            self._placeholders(token)
            if token.missing and token.kind not in (Kind.RAW, Kind.COMMENT):
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
        if token.kind is Kind.CDATA:
            raise _Hostile("CDATA section without an end")
        if self.tail is not None:
            return
        completed = Token(token.kind, token.start, token.end, token.name)
        self._take(completed)
        if token.kind is Kind.START and token.name in self.raw:
            self.missing += f"</{token.name}>"

    def _placeholders(self, token: Token) -> None:
        while self.span < len(self.spans) and self.spans[self.span][0] < token.end:
            start, end = self.spans[self.span]
            self.span += 1
            names = self.tree.names
            flow = (
                token.kind is Kind.TEXT
                and end <= token.end
                and not self.tree.misnested
                and all(name in _HOLDERS for name in names)
                and (not names or names[-1] not in _NO_FLOW)
            )
            chain = (
                list(zip(names, self.tree.starts, strict=True))
                if flow and len(names) <= 100 and len(self.page.candidates) < 8
                else None
            )
            self.page.candidates.append((start, end, chain))

    def _take(self, token: Token) -> None:
        kind, name = token.kind, token.name
        if kind is Kind.TEXT:
            blank = _BLANK.match(self.html, token.start, token.end)
            if blank is None or blank.end() < token.end:
                self.tail, self.head = None, False
        elif kind is Kind.CDATA:
            if self.tree.foreign:
                raise _Hostile("CDATA section in SVG or MathML")
        elif kind is Kind.RAW:
            if name == "style":
                self.page.sheets.read(self.html[token.start : token.end])
        elif kind is Kind.START:
            self.tail = None
            self._start(token)
        elif kind is Kind.END:
            self._end(token)

    def _start(self, token: Token) -> None:
        name = token.name
        if self.html.find("{{", token.start, token.end) >= 0:
            self._refuse_slots(token)
        found = attributes(self.html, token) if self._telling(token) else {}
        self._refuse_active(name, found)
        if name in ("html", "body", "head", "meta"):
            self.tree.break_out(name)
        if name in ("html", "body"):
            known = self.page.roots.setdefault(name, {})
            for key, value in found.items():
                known[key] = (
                    f"{known[key]} {value}" if key in ("class", "id") and key in known else known.get(key, value)
                )
            self._root(found)
            self.head = False
        elif name == "head":
            self.head = True
        elif name == "frameset":
            self.page.frameset = True
        elif name == "link":
            if "stylesheet" in found.get("rel", "").lower() and remote_sheet(found.get("href", "")):
                self.page.sheets.opaque = True
        elif name in self.raw:
            names = self.tree.names
            misplaced = self.tree.in_foreign() or "select" in names or "template" in names
            if misplaced or (self.tree.misnested and (self.tree.foreign or "select" in self.tree.loose)):
                raise _Hostile(f"{name} element within SVG, MathML, select or template")
        else:
            if "style" in found:
                self.page.sheets.read_style(found["style"])
            self.page.noscript = self.page.noscript or name == "noscript"
            self.tree.start(name, token.start, self.html.endswith("/>", token.start, token.end))

    def _telling(self, token: Token) -> bool:
        if token.name in ("html", "body", "meta", "link", "script"):
            return True
        return _TELLING.search(self.html, token.start, token.end) is not None

    def _refuse_active(self, name: str, found: dict[str, str]) -> None:
        """What acts by itself can take the footer away again."""
        if name == "script" and found.get("type", "").strip().lower() not in _DATA_SCRIPTS:
            raise _Hostile("script element")
        if name == "plaintext":
            raise _Hostile("plaintext element")
        for key, value in found.items():
            if key.startswith("on") and len(key) > 3:
                raise _Hostile(f"{key} attribute")
            if key == "srcdoc" or (key in ("src", "data") and value.strip().lower().startswith("javascript:")):
                raise _Hostile(f"script in a {key} attribute")
        if name == "meta" and found.get("http-equiv", "").strip().lower() in ("refresh", "content-security-policy"):
            raise _Hostile(f"meta {found['http-equiv'].strip().lower()}")

    def _root(self, found: dict[str, str]) -> None:
        """html's and body's own attributes."""
        for key in ("inert", "popover", "contenteditable"):
            if key in found:
                raise _Hostile(f"{key} attribute on html or body")
        if found.get("aria-hidden", "").lower() == "true":
            raise _Hostile("aria-hidden attribute on html or body")
        if "hidden" in found or not self.page.sheets.read_style(found.get("style", "")):
            self.page.root_risky = True

    def _refuse_slots(self, token: Token) -> None:
        """A slot's value may hold blanks: within quotes it stays what it is, elsewhere it may cut the tag anew."""
        if "{{" in token.name or token.name in ("html", "body"):
            raise _Hostile(f"a {{{{…}}}} in the {token.name.split('{')[0]} tag")
        for name, value, quoted in raw_attributes(self.html, token):
            if "{{" in name or ("{{" in value and not quoted and not _LINK_SLOT.fullmatch(value)):
                raise _Hostile("a {{…}} in a tag, outside of quotes")

    def _end(self, token: Token) -> None:
        name = token.name
        if "{{" in name:
            raise _Hostile("a {{…}} in an end tag")
        if name in ("body", "html"):
            if self.tail is None and self.tails < 64 and "template" not in self.tree.names:
                self.tails += 1
                self.tail = (token.start, self.tree.closers())
            return
        if name in ("p", "br"):
            self.tail = None
        if name == "head":
            self.head = False
        else:
            self.tree.end(name)
