"""What an author's style sheets could do to a footer at the end of the body.

Only three questions are asked, and in doubt the answer is yes: may a rule change
html or body (or another given element) beyond what is known to be harmless; does
the sheet draw pseudo-elements; does anything pull what follows it up or lie
over it. CSS Syntax Level 3 is read as far as these questions need.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import final

_URL = r"[rR][lL]\(\s*+(?![\"'])(?:[^)\\]|\\.)*+(?:\)|\Z)"
# Each alternative begins with one plain character: then the regex engine jumps from one such character to the next.
_SKIPPED = re.compile(
    r"/\*.*?(?:\*/|\Z)"
    rf"|u(?<![\w-]u){_URL}|U(?<![\w-]U){_URL}"
    r"|\"(?:[^\"\\\n]|\\.)*+(?:\"|(?=\n)|\\?\Z)|'(?:[^'\\\n]|\\.)*+(?:'|(?=\n)|\\?\Z)",
    re.DOTALL,
)
HARMFUL, PULLS, FLOATS_OVER, OPAQUE, PSEUDO = 1, 2, 4, 8, 16
"""What a declaration or a sheet does, as bits; see ``Sheets``. HARMFUL: it may hide what it stands on."""
_CACHED_SHEET, _CACHED_STYLE = 65_536, 400
"""Octets of the longest sheet and the longest style that are remembered: letters of one sender have the same ones."""
_MOST_OCTETS, _MOST_RULES = 200_000, 500
_PIECE = re.compile(r"([^{};]*+)([{};]|\Z)")
_IMPORT = re.compile(r"@import\s+(?:url\(\s*)?[\"']?\s*([^\"')\s;]*)", re.IGNORECASE)
_FONT_HOSTS = re.compile(
    r"(?:https?:)?//(?:fonts\.googleapis\.com|fonts\.bunny\.net|use\.typekit\.net)/", re.IGNORECASE
)
_PSEUDO_ELEMENT = re.compile(r"::|:(?:before|after|first-line|first-letter)\b", re.IGNORECASE)
_NEGATIVE = re.compile(r"(?:^|[\s,(])-\s*\.?\d")
_LENGTH = re.compile(r"\s*([\d.]+)\s*(px|%|em|rem|vw|pt|)\s*\Z")
_SUBJECT = re.compile(r"([A-Za-z*][\w-]*)?((?:[.#][\w-]+)*)")
_WIDE = {"px": 200.0, "": 200.0, "pt": 150.0, "em": 12.0, "rem": 12.0, "%": 50.0, "vw": 50.0}
_HARMLESS = re.compile(
    r"background(?:-(?:color|image|repeat|position|size|attachment))?|color|font(?:-[a-z-]+)?|line-height|letter-spacing"
    r"|word-(?:spacing|break|wrap)|overflow-wrap|hyphens|white-space|vertical-align|color-scheme|supported-color-schemes"
    r"|text-(?:align|decoration[a-z-]*|transform|size-adjust|rendering|indent|shadow)|padding(?:-[a-z]+)?"
    r"|border(?:-(?:top|right|bottom|left))?(?:-(?:color|style|width|collapse|spacing|radius))?"
    r"|border-(?:top|bottom)-(?:left|right)-radius|height|min-height|box-sizing|direction|list-style(?:-[a-z]+)?"
    r"|-(?:webkit|ms|moz)-text-size-adjust|-webkit-font-smoothing|-moz-osx-font-smoothing|-webkit-tap-highlight-color"
    r"|mso-[a-z-]+|--[\w-]+|scroll-behavior|cursor|page-break-[a-z]+|-webkit-print-color-adjust|print-color-adjust"
)
_HARMLESS_VALUES = {
    "display": {"block", "inline", "inline-block", "table", "table-row", "table-cell", "table-row-group"},
    "position": {"static", "relative"},
    "visibility": {"visible"},
    "opacity": {"1", "1.0"},
    "overflow": {"visible"},
    "overflow-x": {"visible", "hidden"},
    "zoom": {"1", "100%"},
    "outline": {"0", "none"},
    "float": {"none"},
}


@final
class Sheets:
    """What was found in all style sheets and style attributes of a document."""

    def __init__(self) -> None:
        self.opaque = False
        """A sheet that can't be read: on another host, or written with escapes."""
        self.pseudo = False
        self.pulls = False
        self.floats_over = False
        self.risky: set[str] = set()
        """What rules that do something not known to be harmless apply to, as compound selectors; ``*``: anything."""
        self.octets = 0

    def read(self, css: str) -> None:
        """Take in one sheet."""
        self.octets += len(css)
        if self.octets > _MOST_OCTETS or "{{" in css:  # too much, or a slot that may say anything
            self.opaque = True
            return
        flags, risky = _known_sheet(css) if len(css) <= _CACHED_SHEET else _sheet(css)
        self.add(flags)
        self.risky |= risky
        self.opaque = self.opaque or len(self.risky) > _MOST_RULES

    def read_style(self, style: str) -> bool:
        """Take in a style attribute; True if all in it is harmless on an ancestor of the footer."""
        flags = style_flags(style)
        self.add(flags)
        return not flags & HARMFUL

    def add(self, flags: int) -> None:
        """Take in what ``style_flags`` said."""
        if not flags:
            return
        self.opaque = self.opaque or bool(flags & OPAQUE)
        self.pseudo = self.pseudo or bool(flags & PSEUDO)
        self.pulls = self.pulls or bool(flags & PULLS)
        self.floats_over = self.floats_over or bool(flags & FLOATS_OVER)

    def may_touch(self, name: str, attributes: dict[str, str]) -> bool:
        """Whether a risky rule may match an element (its attributes as the document gives them)."""
        if self.opaque:
            return True
        if not self.risky:
            return False
        classes = set(attributes.get("class", "").lower().split())
        ident = attributes.get("id", "").strip().lower()
        return any(_may_match(subject, name, ident, classes) for subject in self.risky)


class _SheetReader:
    """One sheet, rule by rule."""

    def __init__(self) -> None:
        self.flags = 0
        self.risky: set[str] = set()
        self.open_rules: list[str | None] = []  # None: an at-rule that lets its content through
        self.rule_risky: list[bool] = []

    def read(self, css: str) -> None:
        open_rules, rule_risky = self.open_rules, self.rule_risky
        for text, end in _PIECE.findall(css):
            text = text.strip()
            if end == "{":
                self._open(text)
                continue
            if text and open_rules and not text.startswith("@"):
                flags = declaration_flags(text)
                self.flags |= flags & ~HARMFUL
                if flags & HARMFUL:
                    rule_risky[-1] = True
            if end != ";" and open_rules:
                self._close()
            if not end:
                break
        while open_rules:
            self._close()

    def _open(self, prelude: str) -> None:
        self.rule_risky.append(False)
        if prelude.startswith("@"):
            self.open_rules.append(None)
            return
        if ":" in prelude and _PSEUDO_ELEMENT.search(prelude):
            self.flags |= PSEUDO
        self.open_rules.append(prelude)

    def _close(self) -> None:
        selector, risky = self.open_rules.pop(), self.rule_risky.pop()
        if not risky:
            return
        if selector is not None:
            self.risky.update(_subject(one) for one in selector.split(","))
        elif any(rule is not None for rule in self.open_rules):
            self.risky.add("*")


def _sheet(css: str) -> tuple[int, frozenset[str]]:
    """What one sheet does, and the compound selectors of its risky rules."""
    flags = 0
    for imported in _IMPORT.finditer(css):
        if not _FONT_HOSTS.match(imported[1]):
            flags |= OPAQUE
    css = _bare(css).replace("<!--", " ").replace("-->", " ")
    if "\\" in css:
        flags |= OPAQUE
    reader = _SheetReader()
    reader.read(css)
    return flags | reader.flags, frozenset(reader.risky)


_known_sheet = lru_cache(maxsize=64)(_sheet)


def style_flags(style: str) -> int:
    """What a style attribute does."""
    return _known_style(style) if len(style) <= _CACHED_STYLE else _style(style)


def _style(style: str) -> int:
    flags = OPAQUE if "{{" in style else 0
    for piece in _bare(style).split(";"):
        text = piece.strip()
        if text:
            flags |= declaration_flags(text)
    return flags


_known_style = lru_cache(maxsize=2048)(_style)


def declaration_flags(declaration: str) -> int:
    """What a declaration does; HARMFUL unless it surely can't hide, shrink or move what is inside its element."""
    return _known_declaration(declaration) if len(declaration) <= _CACHED_STYLE else _declaration(declaration)


def _declaration(declaration: str) -> int:
    name, colon, value = declaration.partition(":")
    name, value = name.strip().lower(), value.strip().lower()
    if not colon:
        return HARMFUL if "\\" in name else 0
    if "\\" in declaration:
        return HARMFUL | PULLS | FLOATS_OVER
    value = value.replace("!", " !").split("!")[0].strip()
    if name.startswith(("margin", "-webkit-margin", "-moz-margin")):
        return HARMFUL | PULLS if _NEGATIVE.search(value) or "(" in value else 0
    if name in ("width", "min-width", "max-width"):
        length = _LENGTH.match(value)
        wide = length is not None and float_of(length[1]) >= _WIDE[length[2]]
        return 0 if wide or value in ("auto", "none", "initial", "inherit") else HARMFUL
    if name in _HARMLESS_VALUES:
        if value in _HARMLESS_VALUES[name]:
            return 0
        return HARMFUL | FLOATS_OVER if name == "position" else HARMFUL
    flags = 0 if _HARMLESS.fullmatch(name) else HARMFUL
    if name in ("z-index", "transform", "translate", "inset", "top", "bottom", "scale", "rotate"):
        flags |= FLOATS_OVER
    return flags


_known_declaration = lru_cache(maxsize=4096)(_declaration)


def _bare(css: str) -> str:
    """Without comments, and with strings and URLs emptied, so that braces and semicolons mean what they say."""
    css = css.replace("\r", "\n").replace("\f", "\n")
    return _SKIPPED.sub(_skipped, css)


def _skipped(found: re.Match[str]) -> str:
    first = found[0][0]
    return " " if first == "/" else "url()" if first in "uU" else '""'


def float_of(text: str) -> float:
    """A CSS number; 0 for what isn't one, which counts as too small."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def remote_sheet(href: str) -> bool:
    """Whether a linked sheet may hold anything (font services give only fonts)."""
    return not _FONT_HOSTS.match(href.strip())


def _subject(selector: str) -> str:
    """The last compound: what the selector's declarations apply to."""
    if "(" in selector or ")" in selector or "[" in selector or "]" in selector or "&" in selector:
        # Commas and combinators inside brackets: only a plain type selector before them is trusted.
        head = re.split(r"[(\[&]", selector, maxsplit=1)[0]
        if re.search(r"[)\]&]\s*[\s>+~]", selector) or ")" in head or "]" in head:
            return "*"
        selector = head
    parts = re.split(r"[\s>+~|]+", selector.strip())
    return parts[-1] if parts[-1] else "*"


def _may_match(compound: str, name: str, ident: str, classes: set[str]) -> bool:
    match = _SUBJECT.match(compound)
    if match is None:
        return True
    if match[1] and match[1] != "*" and match[1].lower() != name:
        return False
    for mark in re.findall(r"[.#][\w-]+", match[2]):
        known = mark[1:].lower() in classes if mark[0] == "." else mark[1:].lower() == ident
        if not known:
            return False
    return True
