"""A quick look whether a cell may hold a word of leaving: most cells of a long list need no closer one. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from relay.lists.list_root_table import BEGINNINGS, DENIES, ENDINGS, ROOTS, Idea
from relay.lists.list_words import STRONG, plain

_BAD: Final = (Idea.OUT, Idea.SOFT, Idea.BOUNCE, Idea.COMPLAINT, Idea.STOP, Idea.BLOCK, Idea.WAIT, Idea.DEAD)
_DENIABLE: Final = (Idea.ON, Idea.ACTIVE, Idea.DELIVER)
_START: Final = 4
"""Letters by which a word is looked up."""
_COMBINING: Final = re.compile("[\u0300-\u036f]")
_WORDS: Final = re.compile(r"[^\W\d_]+")
_CAMEL: Final = re.compile(r"[a-z][A-Z]")


def _roots(ideas: tuple[Idea, ...]) -> list[str]:
    return [plain(root) for idea in ideas for line in ROOTS[idea] for root in line.split(",")]


_STARTS: Final = frozenset(
    word.split()[0][:_START]
    for word in (
        *_roots(_BAD),
        *STRONG,
        *(plain(word) for word in DENIES.split()),
        *(start + root for start in map(plain, BEGINNINGS) for root in _roots(_DENIABLE)),
    )
    if word
)

_SHORT: Final = tuple(root for root in _roots(_BAD) if " " not in root and len(root) < _START)


def may_alarm(cell: str) -> bool:
    """Has the cell a word that begins, or ends, as a word of leaving, bouncing or denial does?"""
    if _CAMEL.search(cell):
        return True
    text = cell if cell.isascii() else _COMBINING.sub("", unicodedata.normalize("NFKD", cell))
    return any(
        word[:_START] in _STARTS or word.startswith(_SHORT) or ENDINGS.search(word)
        for word in _WORDS.findall(text.casefold())
    )
