"""Where a footer goes into HTML that may be broken or hostile.

``plan`` looks at a document once and says where the footer stands so that a
browser shows it: what must be closed before it, what must stand first in the
document so that html and body can't hide it, or that no place in this part is
safe.
"""

from __future__ import annotations

import re
from typing import NamedTuple, final

from relay.mail import html_guard, html_lane, html_reader
from relay.mail.html_css import Sheets
from relay.mail.html_font import PLAIN, main_font
from relay.mail.html_page import Hostile, Page
from relay.mail.html_tokens import RAW, attributes, tokens
from relay.mail.html_tree import TreeError

PLACEHOLDER = re.compile(r"(\{(?=\{\{))?\{\{[ \t]*relay_footer[ \t]*\}\}(?(1)\})")
_SLOT_IN_MARKUP = re.compile(r"<(?:[/?]|!-?)?\{\{(?!\{?[ \t]*relay_footer[ \t]*\}\})")
_DOCTYPE = re.compile(
    r"[\t\n\f\r ]*(?:<!--(?!-?>)(?:(?!--!?>).)*+-->[\t\n\f\r ]*)*+<!doctype[^>]*+>", re.IGNORECASE | re.DOTALL
)


class Placeholder(NamedTuple):
    """A ``{{relay_footer}}``: its offsets, and whether a footer in its place would be seen."""

    start: int
    end: int
    safe: bool


@final
class Insertion:
    """Where a footer goes. Offsets are octets of the part as ``plan`` got it.

    ``prologue`` (often empty) is to be written at ``prologue_offset``, then at
    ``offset`` what ``html.block`` gives. A safe placeholder takes what ``html.in_place``
    gives instead, then nothing else is written; unsafe ones are removed.
    If ``hostile``, nothing in this part is safe: the message must be wrapped so
    that the footer has a part of its own; ``reason`` says why.
    """

    def __init__(
        self,
        offset: int,
        before: str = "",
        prologue: str = "",
        prologue_offset: int = 0,
        placeholders: tuple[Placeholder, ...] = (),
        hostile: bool = False,
        reason: str = "",
        font: str = PLAIN,
    ) -> None:
        """``font``: families of the footer's letters, the message's own."""
        self.offset = offset
        self.before = before
        self.prologue = prologue
        self.prologue_offset = prologue_offset
        self.placeholders = placeholders
        self.hostile = hostile
        self.reason = reason
        self.font = font

    @property
    def place(self) -> Placeholder | None:
        """The placeholder that takes the footer, if one can."""
        if not self.hostile:
            for one in self.placeholders:
                if one.safe:
                    return one
        return None


def plan(html: str) -> Insertion:
    """Where the footer goes in ``html``, the latin-1 view of a decoded text/html part.

    The part's charset must be one whose ASCII octets mean ASCII everywhere (not
    UTF-16, UTF-7 or ISO-2022-*). Linear in time; never raises.
    """
    spans = [match.span() for match in PLACEHOLDER.finditer(html)] if "{" in html else []
    if not spans:
        return _plan(html, [])
    # What is judged is the document as it will be, since taking a placeholder out may join what stood around it.
    found = _plan(html, spans)
    place = found.place
    if place is not None:
        others = [span for span in spans if span != (place.start, place.end)]
        if others:
            rest = _without(html, others)
            start = place.start - sum(end - start for start, end in others if end <= place.start)
            found = _plan(rest, [(start, start + place.end - place.start)])
        if found.place is not None:
            return _with(found, len(html), "", found.prologue_offset, _marked(spans, place))
    found = _plan(_without(html, spans), [])
    offset, prologue_offset = _original(found.offset, spans), _original(found.prologue_offset, spans)
    return _with(found, offset, found.before, prologue_offset, _marked(spans, None))


def _with(found: Insertion, offset: int, before: str, first: int, holders: list[Placeholder]) -> Insertion:
    """The same with other places in it."""
    return Insertion(offset, before, found.prologue, first, tuple(holders), found.hostile, found.reason, found.font)


def _marked(spans: list[tuple[int, int]], place: Placeholder | None) -> list[Placeholder]:
    return [Placeholder(start, end, place is not None and start == place.start) for start, end in spans]


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
        page = _read(html, spans)
    except (Hostile, TreeError) as error:
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
        Placeholder(start, end, calm and chain is not None and _seen(chain, sheets))
        for start, end, chain in page.candidates
    )
    font = PLAIN
    if page.fonts:
        font = main_font(html, page.roots.get("body", {}).get("style", ""), opaque=sheets.opaque)
    return Insertion(page.offset, page.before, first, doctype.end() if doctype else 0, holders, font=font)


def read_page(html: str) -> Page:
    """What is found in a document without placeholders. Raises Hostile and TreeError where no place is safe."""
    return _read(html, [])


def _read(html: str, spans: list[tuple[int, int]]) -> Page:
    """The document's page, by the fast way where that is able to read it. Raises Hostile and TreeError."""
    if "{" in html and _SLOT_IN_MARKUP.search(html):
        raise Hostile("a {{…}} where a tag's name would be")
    page = html_lane.read(html, spans)
    if page is not None:
        return page
    page = html_reader.read(html, spans)
    if page.noscript:
        other = html_reader.read(html, spans, RAW | {"noscript"})
        if (page.offset, page.before) != (other.offset, other.before):
            raise Hostile("a noscript element is cut differently with and without scripts")
    return page


def _seen(chain: list[str], sheets: Sheets) -> bool:
    """Whether none of the elements around a placeholder can hide it; ``chain`` has their start tags."""
    for text in chain:
        tag = next(tokens(text), None)
        if tag is None or tag.missing:
            return False
        found = attributes(text, tag)
        if "hidden" in found or "popover" in found or not sheets.read_style(found.get("style", "")):
            return False
        if sheets.may_touch(tag.name, found):
            return False
    return True
