"""What the model makes of a text beside the lists: a second look at their passages, and what it is sure of alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from policies.forbidden.model import BLOCK, LIKELY, SURE, Glimpse, Model, allowance, points_of
from policies.forbidden.word_lists import ENOUGH

CLOSE: Final = 3
"""Words around a passage of the lists that the model judges with it."""
SHOWN: Final = 5
"""Words that are said to weigh most."""


class Passage(NamedTuple):
    """A class and the words that it stands in."""

    name: str
    points: int
    first: int
    last: int
    rules: tuple[str, ...]
    like: tuple[str, ...] = ()
    """As ``Suspicion`` has it."""


class SecondLook:
    """A text as the model sees it."""

    __slots__ = ("_glimpses", "_group_weights", "_groups", "_model", "_weights", "_words")

    def __init__(
        self,
        model: Model,
        words: list[str],
        weights: list[float],
        groups: dict[tuple[str, str], list[int]],
        group_weights: Mapping[tuple[str, str], float],
    ) -> None:
        """``weights``: of each word; ``groups``: by class and group of the lists the numbers of the words where it
        begins."""
        self._model: Final = model
        self._words: Final = words
        self._weights: Final = weights
        self._groups: Final = groups
        self._group_weights: Final = group_weights
        by_block: dict[int, set[int]] = {}
        for number, begins in enumerate(groups.values()):
            for begin in begins:
                there = by_block.setdefault(begin // BLOCK, set())
                there.add(number)
        self._glimpses: Final = model.glimpses(weights, by_block, [group_weights[group] for group in groups])

    def beside(self, one: Passage, least: int) -> Passage:
        """What the lists found, with the points of the model; these raise a class alone that the passage is like."""
        if one.name not in self._model.classes:
            return one
        there = [glimpse for glimpse in self._glimpses if glimpse.first <= one.first and glimpse.last >= one.first]
        best = max([*there, self._close(one)], key=_by_score)
        points = points_of(best.score, len(self._words))
        if points < 0 or one.points + points < least or one.name in self._likely(best)[:LIKELY]:
            return one._replace(points=max(0, one.points + points), rules=(*one.rules, self._words_for(best, points)))
        return one

    def alone(self) -> Passage | None:
        """What it is sure of without the lists."""
        if not self._glimpses:
            return None
        best = max(self._glimpses, key=_by_score)
        if best.score - allowance(len(self._words)) < SURE:
            return None
        name, *like = self._likely(best)[:LIKELY]
        return Passage(name, ENOUGH, best.first, best.last, (self._words_for(best, ENOUGH),), tuple(like))

    def _close(self, one: Passage) -> Glimpse:
        """What the lists looked at, and little around it: an honest paragraph before an offer excuses nothing."""
        first, last = max(0, one.first - CLOSE), min(len(self._words) - 1, one.last + CLOSE)
        total = sum(self._weights[first : last + 1])
        for group, begins in self._groups.items():
            if any(first <= begin <= last for begin in begins):
                total += self._group_weights[group]
        return Glimpse(self._model.score(total, last + 1 - first), first, last)

    def _likely(self, glimpse: Glimpse) -> list[str]:
        words = self._words[glimpse.first : glimpse.last + 1]
        groups = [
            group
            for group, begins in self._groups.items()
            if any(glimpse.first <= begin <= glimpse.last for begin in begins)
        ]
        return self._model.likely(words, groups)

    def _words_for(self, glimpse: Glimpse, points: int) -> str:
        """For a person: which words of the stretch say most."""
        stretch = range(glimpse.first, glimpse.last + 1)
        sign = 1 if points >= 0 else -1
        by_word = {self._words[number]: sign * self._weights[number] for number in stretch}
        most = [word for word in sorted(by_word, key=lambda word: -by_word[word])[:SHOWN] if by_word[word] > 0]
        like = "an offer" if points >= 0 else "honest mail"
        return f"{points}: reads like {like} ({' '.join(most)})"


def _by_score(glimpse: Glimpse) -> float:
    return glimpse.score
