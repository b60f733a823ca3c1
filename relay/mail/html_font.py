"""The font that a message's text has, for the footer that stands with it (R7). Pure.

Only what a reader's machine has by itself is taken over: a document that
brings fonts or sheets of its own could make any name's letters blank, so of
such a one the kind is kept alone (serif, sans-serif, monospace).
"""

from __future__ import annotations

import html as entities
import re
from typing import Final, NamedTuple

PLAIN: Final = "sans-serif"
"""Where nothing is said."""
MOST_NAMES: Final = 3
MOST_OCTETS: Final = 72
"""Of a list of names; all of a footer is to be within 3 KB."""
MOST_LOOKED: Final = 64 * 1024
"""Octets of a document that are looked at for its first text."""
MOST_STYLE: Final = 2_000
"""Characters of a list of declarations that are looked at."""
MOST_AROUND: Final = 500
"""Elements around a text that are looked at."""
_SAID: Final = re.compile(r"font-family|font\s*:|face\s*=", re.IGNORECASE)
_OWN: Final = re.compile(r"@font-face|@import|<link\b|<svg\b|<math\b", re.IGNORECASE)
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_FAMILY: Final = re.compile(r"(?:^|;)\s*font-family\s*:\s*([^;]+)", re.IGNORECASE)
_SHORT: Final = re.compile(
    r"(?:^|;)\s*font\s*:\s*[^;]*?(?:\d[\w.%]*+|\b(?:xx?-)?(?:small|large)|\bmedium|\bsmaller|\blarger)"
    r"(?:\s*/\s*[\w.%]+)?\s+([^;]+)",
    re.IGNORECASE,
)
_SHEET_BEGINS: Final = re.compile(r"<style\b[^<>]*+>", re.IGNORECASE)
_BODY_RULE: Final = re.compile(r"(?:^|[},])\s*(?:html\s+)?body\s*(?:,[^{}@]*)?\{([^{}]*)\}", re.IGNORECASE)
_TAG: Final = re.compile(r"<(/?)([a-z][a-z0-9]*+)((?:[^<>\"']|\"[^\"]*+\"|'[^']*+')*+)>", re.IGNORECASE)
_RAW_ENDS: Final = {
    name: re.compile(rf"</{name}[\s/>]", re.IGNORECASE)
    for name in ("style", "script", "title", "noscript", "template", "textarea")
}
_STYLE: Final = re.compile(r"\sstyle\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
_FACE: Final = re.compile(r"\sface\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
_HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)
_VOID: Final = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9 -]{0,39}")
_UNREADABLE: Final = re.compile(
    r"dings|symbol|icon|emoji|awesome|blank|barcode|redact|braille|marlett|bookshelf|invisible|notdef|code ?(?:39|128)"
    r"|\bmt extra\b|glyph",
    re.IGNORECASE,
)
_KINDS: Final = {"serif": "serif", "sans-serif": PLAIN, "monospace": "monospace", "system-ui": PLAIN}
_NO_NAMES: Final = frozenset(("inherit", "initial", "unset", "revert", "revert-layer", "cursive", "fantasy", "math"))
_SERIF: Final = re.compile(
    r"georgia|times|garamond|palatino|book antiqua|cambria|baskerville|didot|bodoni|merriweather|\blora\b|playfair|"
    r"century|caslon|constantia|\bserif\b(?<!sans.serif)|slab",
    re.IGNORECASE,
)
_MONO: Final = re.compile(r"courier|consolas|menlo|monaco|\bmono\b|monospace|lucida console|typewriter", re.IGNORECASE)


class _Open(NamedTuple):
    """An element that is open; ``font`` is its own or that of what is around it."""

    name: str
    font: str
    hidden: bool


def main_font(document: str, body_style: str, *, opaque: bool) -> str:
    """A CSS list of families for a style attribute in double quotes; ``PLAIN`` where nothing is said.

    ``body_style`` is body's style attribute; ``opaque``: there are sheets that can't be read.
    """
    # A look for words in octets is a tenth of a pattern's time, and most documents say nothing.
    octets = document.encode("latin-1", "replace").lower()
    if (b"font" not in octets and b"face" not in octets) or not _SAID.search(document):
        return PLAIN
    for said in (_declared(body_style), _ruled(document), _first_text(document)):
        found = _safe(said, own=opaque or bool(_OWN.search(document)))
        if found:
            return found
    return PLAIN


def _declared(style: str) -> str:
    """The families that a list of declarations names; the last word counts."""
    style = _COMMENT.sub("", entities.unescape(style[:MOST_STYLE]))
    last = max((*_FAMILY.finditer(style), *_SHORT.finditer(style)), key=_start, default=None)
    return "" if last is None else last[1]


def _start(found: re.Match[str]) -> int:
    return found.start()


def _ruled(document: str) -> str:
    """What the document's sheets say of body."""
    said, place = "", 0
    while (begin := _SHEET_BEGINS.search(document, place, MOST_LOOKED)) is not None:
        end = _RAW_ENDS["style"].search(document, begin.end(), MOST_LOOKED)
        if end is None:
            break
        for rule in _BODY_RULE.finditer(_COMMENT.sub("", document[begin.end() : end.start()])):
            said = _declared(rule[1]) or said
        place = end.end()
    return said


def _first_text(document: str) -> str:
    """The families of the first text that a reader sees."""
    around: list[_Open] = [_Open("", "", False)]
    place, limit = 0, min(len(document), MOST_LOOKED)
    while place < limit:
        begin = document.find("<", place, limit)
        text = document[place : limit if begin < 0 else begin]
        if not around[-1].hidden and any(c.isalpha() for c in entities.unescape(text)):
            return around[-1].font
        if begin < 0:
            break
        place = _past(document, begin, limit, around)
    return ""


def _past(document: str, begin: int, limit: int, around: list[_Open]) -> int:
    """Where it goes on behind the comment, the tag or the bare ``<`` at ``begin``."""
    if document.startswith("<!--", begin):
        end = document.find("-->", begin + 4, limit)
        return limit if end < 0 else end + 3
    tag = _TAG.match(document, begin, limit)
    if tag is None:
        return begin + 1
    name = tag[2].lower()
    if tag[1]:
        _close(around, name)
    elif name in _RAW_ENDS:
        ends = _RAW_ENDS[name].search(document, tag.end(), limit)
        return limit if ends is None else ends.start()
    elif name not in _VOID and len(around) < MOST_AROUND:
        around.append(_opened(around[-1], name, tag[3]))
    return tag.end()


def _opened(above: _Open, name: str, attributes: str) -> _Open:
    style = _attribute(_STYLE, attributes)
    font = _declared(style) or (_attribute(_FACE, attributes) if name == "font" else "")
    return _Open(name, font or above.font, above.hidden or bool(_HIDDEN.search(style)))


def _close(around: list[_Open], name: str) -> None:
    """Up to the element that ends; an end without a beginning ends nothing."""
    for place in range(len(around) - 1, 0, -1):
        if around[place].name == name:
            del around[place:]
            return


def _attribute(pattern: re.Pattern[str], attributes: str) -> str:
    found = pattern.search(attributes)
    return entities.unescape(found[1] or found[2] or found[3] or "") if found else ""


def _safe(said: str, *, own: bool) -> str:
    """The list as it may stand in the footer's style; ``""`` for none that can be used."""
    names: list[str] = []
    kind = ""
    for part in said.replace("!important", "").split(","):
        name = " ".join(part.strip().strip("'\"").split())
        if name.lower() in _KINDS:
            kind = _KINDS[name.lower()]
            break
        if name.lower() not in _NO_NAMES and _NAME.fullmatch(name) and not _UNREADABLE.search(name):
            names.append(name)
    if not names and not kind:
        return ""
    kind = kind or ("monospace" if _MONO.search(names[0]) else "serif" if _SERIF.search(names[0]) else PLAIN)
    kept = [] if own else [f"'{name}'" if " " in name else name for name in names[:MOST_NAMES]]
    while kept and len(",".join([*kept, kind])) > MOST_OCTETS:
        kept.pop()
    return ",".join([*kept, kind])
