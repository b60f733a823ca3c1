"""How the fast reading treats each element: what an ordinary, well nested document is made of.

The tables follow from ``html_tree``: an element may be pushed without a closer
look where the thorough reading would push it and change nothing else.
"""

from __future__ import annotations

import re

from relay.mail.html_tokens import RAW
from relay.mail.html_tree import CELLS, FORMATTING, HEADINGS, ROW_GROUPS, TREATED, VOID, named

BOTTOM = ""
"""Stands for body, below all open elements."""

_INLINE = (FORMATTING - {"nobr"}) | named(
    "abbr acronym bdi bdo cite del dfn ins kbd label mark o:p q samp span sub sup time var"
)
_BLOCKS = named(
    "address article aside blockquote center div figcaption figure footer header main nav section ul ol dl pre"
)
_TABLE_ONLY = ROW_GROUPS | {"table", "tr", "colgroup"}
_BLOCK_TOPS = _BLOCKS | HEADINGS | CELLS | {"li", "dd", "dt", BOTTOM}
FLOW_TOPS = _BLOCK_TOPS | _INLINE | {"p"}
_UNKNOWN = re.compile(r"[a-z][a-z0-9:_-]{,15}")
_NOT_UNKNOWN = TREATED | RAW | {"html", "head", "body", "frameset", "noscript", "textarea"}

CLOSES_P = _BLOCKS | HEADINGS | {"p", "li", "dd", "dt", "hr"}
"""Elements that end an open paragraph."""

FITS: dict[str, frozenset[str]] = {
    **dict.fromkeys(_INLINE | {"table"}, FLOW_TOPS),
    **dict.fromkeys(_BLOCKS | {"p", "hr"}, _BLOCK_TOPS),
    **dict.fromkeys(HEADINGS, _BLOCK_TOPS - HEADINGS),
    **dict.fromkeys(ROW_GROUPS | {"caption", "colgroup"}, frozenset({"table"})),
    **dict.fromkeys({"dd", "dt"}, frozenset({"dl"})),
    "li": frozenset({"ul", "ol"}),
    "tr": ROW_GROUPS | {"table"},
    "td": frozenset({"tr"}),
    "th": frozenset({"tr"}),
}
"""For each element that is read fast: the innermost open elements in which its start tag just nests."""

ENDS_LOOSE = _TABLE_ONLY | CELLS
"""End tags of table parts go through paragraphs, items and other parts of the table; those of blocks only
through paragraphs and items."""
ENDS_ITEMS = _BLOCKS | {"li"}
IMPLIED_ITEMS = frozenset({"p", "li"})
IMPLIED_PARTS = frozenset({"p", "li", "dd", "dt"}) | ROW_GROUPS | {"tr", "td", "th", "colgroup"}

PASSED = VOID - {"br", "hr", "frame", "input", "keygen", "link", "meta", "command", "bgsound"}
"""Void elements whose tags change nothing; ``br``, ``hr``, ``link`` and ``meta`` need a look."""


def fits(name: str) -> frozenset[str] | None:
    """``FITS``, also for elements that no standard treats in any way; None for those that need a thorough look."""
    if name in FITS:
        return FITS[name]
    return FLOW_TOPS if name not in _NOT_UNKNOWN and _UNKNOWN.fullmatch(name) else None


def inline(name: str) -> bool:
    """Whether an element that is read fast lets a paragraph around it be open."""
    return name in _INLINE or (name not in FITS and name != BOTTOM)
