"""A linear model of what offers read like: one more sign beside the lists, for wordings that no list has thought of.

Each word has a weight, made of those of its pieces of three to five letters, of its beginning and of itself; so has
each group of the lists that is met, whatever the language. The weights are learnt from the labelled samples (``make
content-model``), hashed into one table of octets, and kept in ``model.txt``; at run time there are additions alone.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from math import log2, sqrt
from pathlib import Path
from typing import Final, NamedTuple

OWN: Final = Path(__file__).parent / "model.txt"
BUCKETS: Final = 1 << 16
"""Of the table of weights."""
CLASS_BUCKETS: Final = 1 << 12
"""Of the table that tells the classes apart."""
BLOCK: Final = 12
"""Words that a window moves on by."""
WINDOWS: Final = (2, 4)
"""Blocks of a window: a sentence or two, a paragraph."""
LEAST_WORDS: Final = 8
"""A text of fewer is weighed as if it had so many."""
GROUP: Final = 0.7
"""What a group of the lists weighs beside a word."""
BEGINNING: Final = 5
"""Letters."""
LEAST_LETTERS: Final = 3
LONGEST: Final = 24
"""Letters of a word that are looked at."""


MOST: Final = 9
"""Points that the model adds to the lists' at most: alone it must be surer."""
CALMS: Final = 6
"""Points that it takes away at most: what the lists are sure of stays."""
LIKELY: Final = 3
"""Classes that a stretch is most like, of which points of the lists are raised."""
LOW: Final = -CALMS - 0.5
"""Score at and below which one window is like another."""
SURE: Final = 12.0
"""Score from which on the model says it alone, of a text of one window."""
MORE: Final = 2.0
"""So much more it takes in a text of twice the length: of many windows one reads oddly by chance."""


class Glimpse(NamedTuple):
    """What the model makes of a stretch of text."""

    score: float
    """Above 0: rather an offer than honest; in points."""
    first: int
    """Words from which to which it goes."""
    last: int


class Model:
    """Weights, and how points are made of them."""

    def __init__(self, weights: bytes, scale: float, bias: float, classes: Sequence[str], by_class: bytes) -> None:
        steps = [(octet - 128) * scale for octet in range(256)]
        self._weights: Final = [steps[octet] for octet in weights]
        self._bias: Final = bias
        self.classes: Final = tuple(classes)
        self._by_class: Final = by_class

    def weight(self, word: str) -> float:
        """Of one word in its plain form."""
        weights = self._weights
        places = pieces_of(word)
        if not places:
            return 0.0
        total = 0.0
        for place in places[2:]:
            total += weights[place]
        total /= sqrt(max(1, len(places) - 2))
        return total + weights[places[0]] + weights[places[1]]

    def group_weight(self, class_: str, group: str) -> float:
        return GROUP * self._weights[group_of(class_, group)]

    def glimpses(self, words: list[float], groups: dict[int, set[int]], of: list[float]) -> list[Glimpse]:
        """Of all windows of a text but those that are as honest as can be.

        ``words``: the weight of each. ``groups``: by the number of a block, which groups of the lists begin in it.
        ``of``: the weight of each group.
        """
        sums = [0.0]
        for start in range(0, len(words), BLOCK):
            sums.append(sums[-1] + sum(words[start : start + BLOCK]))
        blocks = len(sums) - 1
        found: list[Glimpse] = []
        for size in WINDOWS:
            if size > WINDOWS[0] and blocks <= WINDOWS[0]:
                break
            length = sqrt(size * BLOCK)
            for start in range(max(1, blocks - size + 1)):
                end = start + size
                if end >= blocks:
                    end = blocks
                    length = sqrt(max(LEAST_WORDS, len(words) - start * BLOCK))
                total = sums[end] - sums[start]
                met: set[int] | None = None
                for block in range(start, end):
                    there = groups.get(block)
                    if there is not None:
                        met = there if met is None else met | there
                if met is not None:
                    for group in met:
                        total += of[group]
                score = total / length + self._bias
                if score > LOW:
                    found.append(Glimpse(score, start * BLOCK, min(len(words), end * BLOCK) - 1))
        return found

    def score(self, total: float, words: int) -> float:
        """Of a stretch, by the sum of the weights in it."""
        return total / sqrt(max(LEAST_WORDS, words)) + self._bias

    def likely(self, words: Iterable[str], groups: Iterable[tuple[str, str]]) -> list[str]:
        """Classes that a stretch is most like, the likeliest first; ``groups``: of the lists, class and name."""
        sums = [0.0] * len(self.classes)
        for place in class_places(words, groups):
            start = place * len(sums)
            for number in range(len(sums)):
                sums[number] += self._by_class[start + number] - 128
        order = sorted(range(len(sums)), key=lambda number: -sums[number])
        return [self.classes[number] for number in order]


def allowance(words: int) -> float:
    """What a window's score must be higher in a text of so many words."""
    return MORE * log2(max(1.0, words / (WINDOWS[0] * BLOCK)))


def points_of(score: float, words: int) -> int:
    """What a window of a text of so many words is worth beside the points of the lists."""
    score = max(min(score, 0.0), score - allowance(words))
    return max(-CALMS, min(MOST, round(score)))


def pieces_of(word: str) -> list[int]:
    """Places in the table: of the word, of its beginning, and of all pieces of three to five letters.

    None of small words and numbers: they are everywhere, and few samples make too much of them.
    """
    if len(word) < LEAST_LETTERS:
        return []
    text = f"^{word[:LONGEST]}$"
    length = len(text)
    places = [_place(f"w{text}"), _place(f"p{text[: BEGINNING + 1]}")]
    codes = [ord(letter) for letter in text]
    for start in range(length - 2):
        hashed = 99
        for at in range(start, min(start + 5, length)):
            hashed = ((hashed ^ codes[at]) * 16777619) & 0xFFFFFFFF
            if at >= start + 2:
                places.append((hashed ^ (hashed >> 16)) & (BUCKETS - 1))
    return places


def group_of(class_: str, group: str) -> int:
    """The place of a group of the lists."""
    return _place(f"g{class_}.{group}")


def class_places(words: Iterable[str], groups: Iterable[tuple[str, str]]) -> list[int]:
    """Places in the table of classes."""
    found = [_place(f"c{word[:BEGINNING]}") & (CLASS_BUCKETS - 1) for word in words if len(word) > 2]
    # A group says more of its class than a word.
    return found + 2 * [_place(f"k{class_}.{group}") & (CLASS_BUCKETS - 1) for class_, group in groups]


def _place(text: str) -> int:
    hashed = 2166136261
    for letter in text:
        hashed = ((hashed ^ ord(letter)) * 16777619) & 0xFFFFFFFF
    return (hashed ^ (hashed >> 16)) & (BUCKETS - 1)


def read_model(path: Path = OWN) -> Model:
    """As ``make content-model`` writes it."""
    return parsed(path.read_text("ascii"))


def parsed(text: str) -> Model:
    """Lines of a name, a blank and a value; tables in Base64."""
    lines = dict(line.split(" ", 1) for line in text.splitlines() if line and line[0] != "#")
    weights, by_class = base64.b64decode(lines["weights"]), base64.b64decode(lines["by_class"])
    return Model(weights, float(lines["scale"]), float(lines["bias"]), lines["classes"].split(), by_class)
