"""Which styles keep an element from a reader's eyes, as far as that can be told without drawing the page.

In doubt it is seen: ``hidden`` is what an author hides on purpose (preheaders,
words for filters), not what some program may fail to show.
"""

from __future__ import annotations

import functools
import re
from typing import Final, NamedTuple

_HIDES: Final = re.compile(
    r"(?:^|;)(?:display:none|visibility:(?:hidden|collapse)|opacity:0*\.?0*(?=[;!]|$)|font-size:0*(?:\.[0-9]+|[01]?)"
    r"(?:px|pt)?(?=[;!]|$)|font-size:0(?:em|rem|%)|text-indent:-[0-9]{3,}|(?:left|top):-[0-9]{4,}|color:transparent"
    r"|clip:rect\(0)"
)
_FLAT: Final = re.compile(r"(?:^|;)(?:max-)?(?:height|width):0*(?:\.0+)?(?:px|pt|em|%)?(?=[;!]|$)")
_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_PIECE: Final = re.compile(r"([^{}]*+)([{}]|\Z)")
_SELECTOR: Final = re.compile(r"\s*([a-z][a-z0-9]*)?((?:[.#][\w-]+)?)\s*\Z", re.IGNORECASE)
_COLOUR: Final = re.compile(r"(?:^|;)color:([^;!]{1,40})")
_GROUND: Final = re.compile(r"(?:^|;)background(?:-color)?:([^;!]{1,200})")
_HEX: Final = re.compile(r"#([0-9a-f]{6}|[0-9a-f]{3})(?![0-9a-z])")
_RGB: Final = re.compile(r"rgba?\(([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3})")
_NAMED: Final = {"white": (255, 255, 255), "black": (0, 0, 0), "snow": (255, 250, 250), "ivory": (255, 255, 240)}
_NEAR: Final = 24
"""Of 765: the sum of differences below which nobody tells two colours apart."""
MOST_SHEET: Final = 100_000
MOST_RULES: Final = 2_000
TextColour = tuple[int, int, int]
WHITE: Final[TextColour] = (255, 255, 255)


def plain(style: str) -> str:
    """A style in lower case without blanks and comments."""
    return "".join(_COMMENT.sub("", style).lower().split())


def hides(style: str) -> bool:
    """Whether a ``plain`` style keeps an element unseen."""
    if _HIDES.search(style):
        return True
    return "overflow:hidden" in style and _FLAT.search(style) is not None


def colour(style: str) -> TextColour | None:
    found = _COLOUR.search(style)
    return None if found is None else colour_of(found[1])


def ground(style: str) -> tuple[bool, TextColour | None]:
    """Whether the style sets a background, and which colour that is, if it is a plain one."""
    found = _GROUND.search(style)
    if found is None:
        return "background-image:" in style, None
    return True, None if "url(" in found[1] or "gradient" in found[1] else colour_of(found[1])


@functools.lru_cache(maxsize=512)
def colour_of(text: str) -> TextColour | None:
    """A colour by name, ``#fff``, ``#ffffff`` or ``rgb(…)``."""
    text = text.strip().lower()
    if text in _NAMED:
        return _NAMED[text]
    found = _HEX.search(text)
    if found is not None:
        digits = found[1] if len(found[1]) == 6 else "".join(2 * digit for digit in found[1])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    found = _RGB.search(text)
    return None if found is None else (int(found[1]), int(found[2]), int(found[3]))


def alike(one: TextColour, other: TextColour) -> bool:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) <= _NEAR


class StyleFacts(NamedTuple):
    """What an element's own style says of how it is seen."""

    sets_ground: bool
    ground: TextColour | None
    hides: bool
    colour: TextColour | None
    keeps_blanks: bool


@functools.lru_cache(maxsize=2048)
def style_facts(style: str) -> StyleFacts:
    """Remembered: all cells of a page are styled in a few ways."""
    style = plain(style)
    sets, behind = ground(style)
    return StyleFacts(sets, behind, hides(style), colour(style), "white-space:pre" in style)


class Sheet:
    """What a document's style sheets hide, by simple selectors; rules for some screens only don't count."""

    __slots__ = ("_hidden", "draws")

    def __init__(self) -> None:
        self._hidden: set[str] = set()
        self.draws = False
        """It may give elements another background."""

    def read(self, css: str) -> None:
        css = _COMMENT.sub("", css[:MOST_SHEET])
        self.draws = self.draws or "background" in css.lower()
        depth, prelude = 0, ""
        for number, match in enumerate(_PIECE.finditer(css)):
            if number > 2 * MOST_RULES:
                return
            if match[2] == "{":
                depth, prelude = depth + 1, match[1]
            elif match[2] == "}":
                if depth == 1 and hides(plain(match[1][:MOST_SHEET])):
                    self._take(prelude)
                depth = max(0, depth - 1)

    def _take(self, prelude: str) -> None:
        for selector in prelude.split(","):
            found = _SELECTOR.match(selector.rpartition(";")[2])
            if found is not None and (found[1] or found[2]):
                self._hidden.add(f"{(found[1] or '').lower()}{found[2]}")

    def hides(self, name: str, ident: str, classes: str) -> bool:
        """Whether an element of that name, id and classes is kept unseen."""
        hidden = self._hidden
        if not hidden:
            return False
        if name in hidden or (ident and (f"#{ident}" in hidden or f"{name}#{ident}" in hidden)):
            return True
        return any(f".{one}" in hidden or f"{name}.{one}" in hidden for one in classes.split()[:20])
