"""What an author's style sheets could do to a footer at the end of the body.

Only three questions are asked, and in doubt the answer is yes: may a rule change
html or body (or another given element) beyond what is known to be harmless; does
the sheet draw pseudo-elements; does anything pull what follows it up or lie
over it. CSS Syntax Level 3 is read as far as these questions need.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SKIPPED = re.compile(
    r"(/\*.*?(?:\*/|\Z))"
    r"|((?<![\w-])url\(\s*+(?![\"'])(?:[^)\\]|\\.)*+(?:\)|\Z))"
    r"|(?:\"(?:[^\"\\\n]|\\.)*+(?:\"|(?=\n)|\\?\Z)|'(?:[^'\\\n]|\\.)*+(?:'|(?=\n)|\\?\Z))",
    re.DOTALL | re.IGNORECASE,
)
_MOST_OCTETS, _MOST_RULES = 1_000_000, 500
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


@dataclass(slots=True)
class Sheets:
    """What was found in all style sheets and style attributes of a document."""

    opaque: bool = False
    """A sheet that can't be read: on another host, or written with escapes."""
    pseudo: bool = False
    pulls: bool = False
    floats_over: bool = False
    risky: set[str] = field(default_factory=set)
    """What rules that do something not known to be harmless apply to, as compound selectors; ``*``: anything."""
    octets: int = 0

    def read(self, css: str) -> None:
        """Take in one sheet."""
        self.octets += len(css)
        if self.octets > _MOST_OCTETS or "{{" in css:  # too much, or a slot that may say anything
            self.opaque = True
            return
        for imported in _IMPORT.finditer(css):
            self.opaque = self.opaque or not _FONT_HOSTS.match(imported[1])
        css = _bare(css).replace("<!--", " ").replace("-->", " ")
        self.opaque = self.opaque or "\\" in css
        open_rules: list[str | None] = []  # None: an at-rule that lets its content through
        rule_risky: list[bool] = []
        for piece in _PIECE.finditer(css):
            text, end = piece[1].strip(), piece[2]
            if end == "{":
                self._open(text, open_rules)
                rule_risky.append(False)
                continue
            if text and not text.startswith("@") and open_rules:
                rule_risky[-1] |= not self.harmless(text)
            if end != ";" and open_rules and (end == "}" or not end):
                self._close(open_rules, rule_risky)
            if not end:
                break
        while open_rules:
            self._close(open_rules, rule_risky)

    def _open(self, prelude: str, open_rules: list[str | None]) -> None:
        if prelude.startswith("@"):
            open_rules.append(None)
            return
        if _PSEUDO_ELEMENT.search(prelude):
            self.pseudo = True
        open_rules.append(prelude)

    def _close(self, open_rules: list[str | None], rule_risky: list[bool]) -> None:
        selector, risky = open_rules.pop(), rule_risky.pop()
        if not risky:
            return
        if selector is not None:
            self.risky.update(_subject(one) for one in selector.split(","))
        elif any(rule is not None for rule in open_rules):
            self.risky.add("*")
        self.opaque = self.opaque or len(self.risky) > _MOST_RULES

    def read_style(self, style: str) -> bool:
        """Take in a style attribute; True if all in it is harmless on an ancestor of the footer."""
        if "{{" in style:
            self.opaque = True
        results = [self.harmless(piece) for piece in _bare(style).split(";") if piece.strip()]
        return all(results)

    def harmless(self, declaration: str) -> bool:
        """Whether a declaration can't hide, shrink or move what is inside the element it stands on."""
        name, colon, value = declaration.partition(":")
        name, value = name.strip().lower(), value.strip().lower()
        if not colon:
            return "\\" not in name
        if "\\" in declaration:
            self.pulls = self.floats_over = True
            return False
        value = value.replace("!", " !").split("!")[0].strip()
        if name.startswith(("margin", "-webkit-margin", "-moz-margin")):
            if _NEGATIVE.search(value) or "(" in value:
                self.pulls = True
                return False
            return True
        if name in ("width", "min-width", "max-width"):
            length = _LENGTH.match(value)
            return value in ("auto", "none", "initial", "inherit") or bool(
                length and float_of(length[1]) >= _WIDE[length[2]]
            )
        if name in _HARMLESS_VALUES:
            calm = value in _HARMLESS_VALUES[name]
            if name == "position" and not calm:
                self.floats_over = True
            return calm
        if name in ("z-index", "transform", "translate", "inset", "top", "bottom", "scale", "rotate"):
            self.floats_over = True
        return _HARMLESS.fullmatch(name) is not None

    def may_touch(self, name: str, attributes: dict[str, str]) -> bool:
        """Whether a risky rule may match an element (its attributes as the document gives them)."""
        if self.opaque:
            return True
        classes = set(attributes.get("class", "").lower().split())
        ident = attributes.get("id", "").strip().lower()
        return any(_may_match(subject, name, ident, classes) for subject in self.risky)


def _bare(css: str) -> str:
    """Without comments, and with strings and URLs emptied, so that braces and semicolons mean what they say."""
    css = css.replace("\r", "\n").replace("\f", "\n")
    return _SKIPPED.sub(lambda found: " " if found[1] else "url()" if found[2] else '""', css)


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
