"""HTML as a reader sees it: its text, what is hidden in it, and its links with their words.

Cut into tokens as a browser does it; one pass, no recursion, within limits.
Sources: HTML Living Standard §13.2, §15.3 (what is displayed how).
"""

from __future__ import annotations

import functools
import html
import re
from collections import Counter
from typing import Final, NamedTuple

from relay.mail.content_links import MOST_WORDS, Link, address_of, in_text, may_hold
from relay.mail.content_style import WHITE, Sheet, TextColour, alike, colour_of, style_facts
from relay.mail.html_tokens import RAW, Token, TokenKind, attributes, raw_attributes, tokens

MOST_DEPTH: Final = 500
"""Elements open at a time that are told apart; deeper ones count as what is around them."""
MOST_TOKENS: Final = 200_000
MOST_LINKS: Final = 2_000

_VOID_NAMES: Final = (
    "area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr"
)
_VOID: Final = frozenset(_VOID_NAMES.split())
_BLOCKS_NAMES: Final = (
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset "
    "figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html li main menu nav ol p pre section "
    "summary table tbody tfoot thead tr ul"
)
_BLOCKS: Final = frozenset(_BLOCKS_NAMES.split())
_CELLS: Final = frozenset(("td", "th"))
_SHOWN_RAW: Final = frozenset(("textarea", "xmp", "plaintext"))
_UNSEEN: Final = frozenset(("template", "datalist"))
_CLOSES: Final = {
    "li": frozenset(("li",)),
    "dt": frozenset(("dt", "dd")),
    "dd": frozenset(("dt", "dd")),
    "td": frozenset(("td", "th")),
    "th": frozenset(("td", "th")),
    "tr": frozenset(("tr", "td", "th")),
    "tbody": frozenset(("tbody", "thead", "tfoot", "tr", "td", "th")),
    "tfoot": frozenset(("tbody", "thead", "tfoot", "tr", "td", "th")),
    "option": frozenset(("option",)),
}
"""Whose start tag ends which open elements, as their end tags may be left out."""
_P: Final = frozenset(("p",))
_SCOPE_NAMES: Final = "table td th ul ol dl select button caption object template marquee applet body"
_SCOPE: Final = frozenset(_SCOPE_NAMES.split())
_LOOK_UP: Final = 20
"""Elements looked at for one that a start tag ends."""
_CONDITIONAL: Final = re.compile(r"<!--\[if[^\]]{0,200}\]>(.*?)(?:<!\[endif\]-->|-->|\Z)", re.DOTALL | re.IGNORECASE)
_GAPS: Final = re.compile(r"\n{3,}")
_INVISIBLE: Final = dict.fromkeys(
    map(
        ord,
        "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2060\u2061\u2062\u2063\u2064"
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u3164\ufeff\uffa0",
    )
) | dict.fromkeys(range(0xE0000, 0xE0080))
"""Characters that don't show and join nothing: words are taken apart with them for programs, not for readers."""
_ANY_INVISIBLE: Final = re.compile(f"[{''.join(chr(one) for one in _INVISIBLE if one < 0x10000)}]")
_ANY_BEYOND: Final = re.compile("[\U000e0000-\U000e007f]")
"""Apart from the others: sets of characters within the first plane are searched for ten times as fast."""


LONGEST_KNOWN: Final = 1_000
"""Characters of a tag that is remembered."""
_OF_ITS_OWN: Final = frozenset(("a", "area", "img", "form", "button", "input", "base"))
"""Elements that lead somewhere, so that hardly two are alike."""
_NONE: Final[dict[str, str]] = {}


@functools.lru_cache(maxsize=2048)
def _known(name: str, tag: str) -> dict[str, str]:
    """Attributes of a start tag, not to be changed. Remembered: cells and paragraphs of a page are a few, repeated."""
    return attributes(tag, Token(TokenKind.START, 0, len(tag), name))


class ContentPage(NamedTuple):
    text: str
    hidden: str
    links: list[Link]
    complete: bool
    """False if a limit cut it short."""


class _Frame(NamedTuple):
    """What holds within an open element."""

    name: str
    hidden: bool
    ground: TextColour | None
    pre: bool


def visible(text: str) -> str:
    """Without characters that nobody sees."""
    if text.isascii() or (_ANY_INVISIBLE.search(text) is None and _ANY_BEYOND.search(text) is None):
        return text
    return text.translate(_INVISIBLE)


def tidy(pieces: list[str]) -> str:
    """One text, with single blanks and at most one empty line in a row."""
    lines = [" ".join(line.split()) for line in "".join(pieces).split("\n")]
    return _GAPS.sub("\n\n", "\n".join(lines)).strip()


def read(markup: str) -> ContentPage:
    """The document's page; never raises."""
    reader = _Reader(markup)
    reader.run()
    later = reader.conditional
    for fragment in later:
        inner = _Reader(fragment, hidden=True, base=reader.base)
        inner.run()
        reader.hidden += inner.hidden
        reader.links += inner.links
        reader.complete = reader.complete and inner.complete
    text = tidy(reader.text)
    links = reader.links[:MOST_LINKS]
    if len(links) < MOST_LINKS and may_hold("".join(reader.loose)):
        links += [one for one, _ in zip(in_text(tidy(reader.loose)), range(MOST_LINKS - len(links)), strict=False)]
    complete = reader.complete and len(links) < MOST_LINKS
    return ContentPage(text, tidy(reader.hidden), links, complete)


class _Reader:
    def __init__(self, markup: str, *, hidden: bool = False, base: str = "") -> None:
        self._markup = markup
        self.text: list[str] = []
        self.hidden: list[str] = []
        self.loose: list[str] = []
        """What is seen outside of links: programs make links of addresses there."""
        self.links: list[Link] = []
        self.conditional: list[str] = []
        """What is for some programs only."""
        self.base = base
        self.complete = True
        self._sheet = Sheet()
        self._open: list[_Frame] = [_Frame("", hidden, WHITE, False)]
        self._count: Counter[str] = Counter()
        self._url = ""
        self._url_hidden = False
        self._words: list[str] = []

    def run(self) -> None:
        markup = self._markup
        for number, token in enumerate(tokens(markup, RAW)):
            if number >= MOST_TOKENS:
                self.complete = False
                break
            kind = token.kind
            if kind is TokenKind.TEXT:
                self._say(markup[token.start : token.end])
            elif kind is TokenKind.START:
                self._start(token)
            elif kind is TokenKind.END:
                self._end(token.name)
            elif kind is TokenKind.RAW:
                self._raw(token)
            elif kind is TokenKind.COMMENT and len(self.conditional) < 100:
                found = _CONDITIONAL.match(markup[token.start : token.end])
                if found is not None:
                    self.conditional.append(found[1])
        self._end_link()

    def _raw(self, token: Token) -> None:
        content = self._markup[token.start : token.end]
        if token.name == "style":
            self._sheet.read(content)
        elif token.name in _SHOWN_RAW:
            self._say(content)

    def _say(self, text: str) -> None:
        frame = self._open[-1]
        if "&" in text:
            text = html.unescape(text)
        text = visible(text)
        if not frame.pre:
            text = text.replace("\n", " ")
        if frame.hidden:
            self.hidden.append(text)
            if self._url and self._url_hidden:
                self._words.append(text)
            return
        self.text.append(text)
        if self._url:
            self._words.append(text)
        else:
            self.loose.append(text)

    def _break(self, mark: str) -> None:
        frame = self._open[-1]
        (self.hidden if frame.hidden else self.text).append(mark)
        if not frame.hidden:
            (self._words if self._url else self.loose).append(mark)

    # -- tags --------------------------------------------------------------------

    def _start(self, token: Token) -> None:
        name = token.name
        if name in _BLOCKS or name == "br":
            self._break("\n")
        elif name in _CELLS:
            self._break(" ")
        markup = self._markup
        bare = token.end - token.start <= len(name) + 2
        found: dict[str, str] = _NONE
        if not bare:
            if name in _OF_ITS_OWN or token.end - token.start > LONGEST_KNOWN:
                found = attributes(markup, token)
            else:
                found = _known(name, markup[token.start : token.end])
        if name in _CLOSES or (name in _BLOCKS and self._count["p"]):
            self._close(_CLOSES.get(name, _P), name)
        if name not in _VOID:
            self._push(name, found)
        if name == "a":
            self._end_link()
            self._begin_link(token)
        elif name in _OF_ITS_OWN:
            self._other(name, token, found)

    def _close(self, names: frozenset[str], by: str) -> None:
        """End the outermost open element of these names, if one is open in this place."""
        opened, reach = self._open, 0
        for back in range(1, min(_LOOK_UP, len(opened) - 1) + 1):
            name = opened[-back].name
            if name in names:
                reach = back
            elif name in _SCOPE and not (by in ("tr", "tbody", "tfoot") and name in ("td", "th")):
                break
        for _ in range(reach):
            self._count[opened.pop().name] -= 1

    def _push(self, name: str, found: dict[str, str]) -> None:
        if len(self._open) > MOST_DEPTH:
            return
        above = self._open[-1]
        if not found and not self._sheet.hides(name, "", ""):
            frame = above._replace(name=name, hidden=above.hidden or name in _UNSEEN, pre=above.pre or name == "pre")
        else:
            frame = self._styled(name, found, above)
        self._open.append(frame)
        self._count[name] += 1

    def _styled(self, name: str, found: dict[str, str], above: _Frame) -> _Frame:
        style = style_facts(found.get("style", "")[:4000])
        sets, back = style.sets_ground, style.ground
        if "bgcolor" in found and not sets:
            sets, back = True, colour_of(found["bgcolor"])
        if "background" in found or (self._sheet.draws and not sets and ("class" in found or "id" in found)):
            sets, back = True, None
        behind = back if sets else above.ground
        hidden = (
            above.hidden
            or name in _UNSEEN
            or "hidden" in found
            or style.hides
            or self._sheet.hides(name, found.get("id", ""), found.get("class", ""))
        )
        if not hidden and behind is not None:
            front = style.colour or (colour_of(found["color"]) if "color" in found else None)
            hidden = front is not None and alike(front, behind)
        if hidden and not above.hidden:
            self.hidden.append("\n")
        return _Frame(name, hidden, behind, above.pre or name == "pre" or style.keeps_blanks)

    def _end(self, name: str) -> None:
        if name == "a":
            self._end_link()
        if not self._count[name]:
            if name in ("p", "br"):
                self._break("\n")
            return
        while True:
            frame = self._open.pop()
            self._count[frame.name] -= 1
            if frame.name == name:
                break
        if name in _BLOCKS:
            self._break("\n")

    # -- links -------------------------------------------------------------------

    def _value(self, token: Token, *names: str) -> str:
        """An attribute's value with all its references resolved."""
        for name, value, _ in raw_attributes(self._markup, token):
            if name in names:
                return html.unescape(value) if "&" in value else value
        return ""

    def _begin_link(self, token: Token) -> None:
        self._url = address_of(self._value(token, "href", "xlink:href"), self.base)
        self._url_hidden = self._open[-1].hidden
        self._words = []

    def _end_link(self) -> None:
        if not self._url:
            return
        words = " ".join("".join(self._words).split())[:MOST_WORDS]
        self._add(self._url, words, self._url_hidden)
        self._url = ""

    def _add(self, url: str, words: str, hidden: bool, form: bool = False) -> None:
        if len(self.links) >= MOST_LINKS:
            self.complete = False
        elif url:
            self.links.append(Link(url, words, hidden, form))

    def _other(self, name: str, token: Token, found: dict[str, str]) -> None:
        hidden = self._open[-1].hidden
        if name == "base":
            self.base = self.base or address_of(self._value(token, "href"))
        elif name == "area":
            words = html.unescape(found.get("alt", ""))[:MOST_WORDS]
            self._add(address_of(self._value(token, "href"), self.base), words, hidden)
        elif name == "img":
            if found.get("alt"):
                self._say(found["alt"])
        else:
            self._add(address_of(self._value(token, "action", "formaction"), self.base), "", hidden, form=True)
