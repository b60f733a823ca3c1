"""What one reading of an HTML document finds, and what is judged of each tag on the way."""

from __future__ import annotations

import re
from typing import final

from relay.mail.html_css import Sheets
from relay.mail.html_tokens import Token, attributes, raw_attributes

MOST_TOKENS = 60_000
MOST_TAILS = 64
"""How often a body may end and go on again; later ends don't count, the footer then goes to the very end."""
MOST_TAG_OCTETS = 4096
"""A tag around a placeholder is looked at if it is no longer."""
MOST_PLACES = 8
"""How many placeholders are looked at."""
_TELLING = re.compile(
    r"[\s/\"'](?:style|hidden|on[a-z]+|srcdoc|rel|http-equiv|inert|popover|src|data)\b", re.IGNORECASE
)
_ALWAYS_TOLD = frozenset({"html", "body", "meta", "link", "script"})
_LINK_SLOT = re.compile(r"(\{(?=\{\{))?\{\{\w+_(?:url|mailto)\}\}(?(1)\})")
_HOLDERS = frozenset({"div", "center", "p", "span", "font", "section", "article", "main", "footer", "header", "aside"})
_HOLDERS |= {"table", "tbody", "thead", "tfoot", "tr", "td", "th", "ul", "ol", "li", "blockquote"}
_HOLDERS |= {"b", "i", "strong", "em", "small", "big", "u"}
_NO_FLOW = frozenset({"table", "tbody", "thead", "tfoot", "tr", "ul", "ol"})
_DATA_SCRIPTS = ("application/json", "application/ld+json")


class Hostile(Exception):
    """No place in this part is safe; the text says why."""


@final
class Page:
    """What one reading of a document found."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        """Where the footer goes, and in ``before`` what must be closed first."""
        self.before = ""
        self.candidates: list[tuple[int, int, list[str] | None]] = []
        """Placeholders: start, end, and the start tags around them, outermost first, if a block may stand there."""
        self.roots: dict[str, dict[str, str]] = {}
        """Attributes of html and body."""
        self.sheets = Sheets()
        self.fonts = True
        """Something may name a font."""
        self.root_risky = False
        self.frameset = False
        self.noscript = False

    def root(self, name: str, found: dict[str, str]) -> None:
        """Take in a tag of html or body; later ones add what the first lacks."""
        known = self.roots.setdefault(name, {})
        for key, value in found.items():
            both = key in ("class", "id") and key in known
            known[key] = f"{known[key]} {value}" if both else known.get(key, value)
        for key in ("inert", "popover", "contenteditable"):
            if key in found:
                raise Hostile(f"{key} attribute on html or body")
        if found.get("aria-hidden", "").lower() == "true":
            raise Hostile("aria-hidden attribute on html or body")
        if "hidden" in found or not self.sheets.read_style(found.get("style", "")):
            self.root_risky = True


def holds_blocks(names: list[str]) -> bool:
    """Whether a footer within these open elements, outermost first, could be seen at all."""
    return len(names) <= 100 and _HOLDERS.issuperset(names) and (not names or names[-1] not in _NO_FLOW)


def judged(html: str, token: Token) -> dict[str, str]:
    """A start tag's attributes, empty where none of them tells anything; raises Hostile for what acts by itself."""
    name = token.name
    if html.find("{{", token.start, token.end) >= 0:
        _refuse_slots(html, token)
    telling = name in _ALWAYS_TOLD or _TELLING.search(html, token.start, token.end) is not None
    found = attributes(html, token) if telling else {}
    if name == "script" and found.get("type", "").strip().lower() not in _DATA_SCRIPTS:
        raise Hostile("script element")
    if name == "plaintext":
        raise Hostile("plaintext element")
    for key, value in found.items():
        if key.startswith("on") and len(key) > 3:
            raise Hostile(f"{key} attribute")
        if key == "srcdoc" or (key in ("src", "data") and value.strip().lower().startswith("javascript:")):
            raise Hostile(f"script in a {key} attribute")
    if name == "meta" and found.get("http-equiv", "").strip().lower() in ("refresh", "content-security-policy"):
        raise Hostile(f"meta {found['http-equiv'].strip().lower()}")
    return found


def _refuse_slots(html: str, token: Token) -> None:
    """A slot's value may hold blanks: within quotes it stays what it is, elsewhere it may cut the tag anew."""
    if "{{" in token.name or token.name in ("html", "body"):
        raise Hostile(f"a {{{{…}}}} in the {token.name.split('{')[0]} tag")
    for name, value, quoted in raw_attributes(html, token):
        if "{{" in name or ("{{" in value and not quoted and not _LINK_SLOT.fullmatch(value)):
            raise Hostile("a {{…}} in a tag, outside of quotes")
