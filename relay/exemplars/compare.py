"""What several texts have in common, and what stands in its place where they differ. Pure; linear in their length.

A word is common if all other texts have it with the same neighbour before or
behind it. What isn't is personal, or a variant: it becomes a mark.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

MARK: Final = "«{}»"
GAP: Final = "«…»"
_TOKEN: Final = re.compile(r"\w+|[^\w\s]|\n+")
_URL_TOKEN: Final = re.compile(r"[A-Za-z0-9%]+|[^A-Za-z0-9%]")
_EDGE: Final = ""


class Compared(NamedTuple):
    text: str
    """The first text, marks in place of what differs."""
    marks: tuple[tuple[str, tuple[str, ...]], ...]
    """Each mark with what the texts have there, the first one's first; only its own where they can't be matched."""
    common: int
    """Words that all have."""
    words: int


def compare(texts: Sequence[str], first: int = 1, *, mark: str = MARK) -> Compared:
    """``texts``: at least one; marks are numbered from ``first``."""
    runs = [_runs(text, [one for place, one in enumerate(texts) if place != own], _TOKEN) for own, text in _each(texts)]
    mine = runs[0]
    matched = all(len(one.spans) == len(mine.spans) for one in runs)
    text, marks, out, last = texts[0], [], [], 0
    for number, (start, end) in enumerate(mine.spans):
        name = mark.format(first + number)
        out += [text[last:start], name]
        last = end
        sources = list(zip(texts, runs, strict=True)) if matched else [(text, mine)]
        found = dict.fromkeys(one[slice(*run.spans[number])] for one, run in sources)
        marks.append((name, tuple(found)))
    return Compared("".join([*out, text[last:]]), tuple(marks), mine.common, mine.words)


def blanked(urls: Sequence[str]) -> str:
    """The first address with gaps where others differ."""
    spans = _runs(urls[0], urls[1:], _URL_TOKEN).spans
    out, last = [], 0
    for start, end in spans:
        out += [urls[0][last:start], GAP]
        last = end
    return "".join([*out, urls[0][last:]])


def _each(texts: Sequence[str]) -> list[tuple[int, str]]:
    return list(enumerate(texts))


class _Runs(NamedTuple):
    spans: list[tuple[int, int]]
    common: int
    words: int


def _runs(text: str, others: Sequence[str], pattern: re.Pattern[str]) -> _Runs:
    """Where ``text`` says what not all others say; words next to each other are one place."""
    found = [(match.group(), *match.span()) for match in pattern.finditer(text)]
    names = [_EDGE, *(one[0] for one in found), _EDGE]
    known = [_pairs(one, pattern) for one in dict.fromkeys(others) if one != text]
    spans: list[tuple[int, int]] = []
    common = 0
    for place, (token, start, end) in enumerate(found, 1):
        before, behind = (names[place - 1], token), (token, names[place + 1])
        if all(before in pairs or behind in pairs for pairs in known):
            common += 1
        elif spans and not text[spans[-1][1] : start].strip(" \t"):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return _Runs(spans, common, len(found))


def _pairs(text: str, pattern: re.Pattern[str]) -> frozenset[tuple[str, str]]:
    names = [_EDGE, *pattern.findall(text), _EDGE]
    return frozenset(itertools.pairwise(names))
