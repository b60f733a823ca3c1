"""Finding the lists' words in a text, all in one pass (Aho and Corasick, 1975), and weighing what stands together."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from ahocorasick_rs import AhoCorasick

from policies.forbidden.languages import languages_of
from policies.forbidden.reading import MOST_KEPT, ReadText, read_text
from policies.forbidden.word_lists import ENOUGH, LEAST_STEM, WordClass

PASSAGE: Final = 70
"""Words within which points are added up."""
MOST_HITS: Final = 400
"""Of one rule that are looked at."""
AROUND: Final = 60
"""Characters shown before and behind."""
LEAST_GLUED: Final = 6
_NOWHERE: Final[set[int]] = set()


class Suspicion(NamedTuple):
    """One class found in a text."""

    name: str
    points: int
    passage: str
    rules: tuple[str, ...]


class Matcher:
    """Of some classes; made once, used by one thread or many: all that changes is what it remembers of words."""

    def __init__(self, classes: Sequence[WordClass]) -> None:
        self._classes = tuple(classes)
        self._terms: list[tuple[int, tuple[str, str], tuple[int, ...]]] = []
        """Class, group, and the numbers of the term's words."""
        words: dict[str, int] = {}
        self._by_rarest: dict[int, list[int]] = defaultdict(list)
        for number, one in enumerate(self._classes):
            for group, terms in one.groups.items():
                for term in terms:
                    ids = tuple(words.setdefault(word, len(words)) for word in term)
                    self._terms.append((number, group, ids))
        # A term is thought of where its word is met that the fewest others have: small words say little.
        often = Counter(word for _, _, ids in self._terms for word in set(ids))
        for place, (_, _, ids) in enumerate(self._terms):
            self._by_rarest[min(ids, key=often.__getitem__)].append(place)
        self._automaton = AhoCorasick([_pattern(word) for word in words]) if words else None
        self._known: dict[str, tuple[int, ...]] = {}
        glued = dict.fromkeys("".join(t).replace("$", "") for c in classes for ts in c.groups.values() for t in ts)
        self._long = [one for one in glued if len(one) >= LEAST_GLUED and "#" not in one]
        self._glued = AhoCorasick(self._long) if self._long else None
        self._glued_terms: dict[str, list[tuple[int, tuple[str, str]]]] = defaultdict(list)
        for number, one in enumerate(self._classes):
            for group, terms in one.groups.items():
                for term in terms:
                    self._glued_terms["".join(term).replace("$", "")].append((number, group))

    def suspicions(self, text: str, least: int = ENOUGH) -> list[Suspicion]:
        """Classes with at least so many points, the surest first."""
        read = read_text(text)
        found = self._groups_found(read)
        told = [self._weighed(number, groups, read, text, least) for number, groups in found.items()]
        return sorted((one for one in told if one.points >= least), key=lambda one: -one.points)

    def _groups_found(self, read: ReadText) -> dict[int, dict[tuple[str, str], list[int]]]:
        """Class → group and language → numbers of the words at which its terms begin, ascending."""
        at: dict[int, set[int]] = defaultdict(set)
        times = Counter(read.words)
        self._scan(times, enumerate(read.words), at)
        self._scan(set(read.others.values()), read.others.items(), at)
        spoken = languages_of(times)
        places: dict[int, dict[tuple[str, str], set[int]]] = defaultdict(lambda: defaultdict(set))
        for met, starts in at.items():
            for number in self._by_rarest.get(met, ()):
                class_, group, ids = self._terms[number]
                if group[1] not in spoken:
                    continue
                whole = starts if len(ids) == 1 else _runs(ids, at)
                if whole:
                    places[class_][group] |= whole
        for number in read.glued:
            self._within(read.words[number], number, places)
        return {c: {g: sorted(p)[:MOST_HITS] for g, p in groups.items()} for c, groups in places.items()}

    def _scan(self, different: Iterable[str], words: Iterable[tuple[int, str]], at: dict[int, set[int]]) -> None:
        """Where each word of the lists begins a word of the text; ``words`` with their numbers."""
        met: dict[str, list[set[int]]] = {}
        for word in different:
            found = self._known.get(word)
            if found is None:
                found = self._look_up(word)
            if found:
                met[word] = [at[pattern] for pattern in found]
        for number, word in words:
            if word in met:
                for places in met[word]:
                    places.add(number)

    def _look_up(self, word: str) -> tuple[int, ...]:
        """Which words of the lists it begins with. Remembered: most words of most mail are the same few thousand."""
        if self._automaton is None:
            return ()
        hits = self._automaton.find_matches_as_indexes(f" {word} ", overlapping=True)
        found = tuple(pattern for pattern, start, _ in hits if start == 0)
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        self._known[word] = found
        return found

    def _within(self, word: str, number: int, places: dict[int, dict[tuple[str, str], set[int]]]) -> None:
        """Terms in letters that were set apart without gaps between the words."""
        if self._glued is None:
            return
        for pattern, _, _ in self._glued.find_matches_as_indexes(word, overlapping=True):
            for class_, group in self._glued_terms[self._long[pattern]]:
                places[class_][group].add(number)

    def _weighed(
        self, number: int, groups: dict[tuple[str, str], list[int]], read: ReadText, text: str, least: int
    ) -> Suspicion:
        one = self._classes[number]
        fired: list[tuple[int, int, int, str]] = []
        """Where from, where to, points, rule."""
        spoken = {language for _, language in groups}
        for rule in one.rules:
            for language in spoken:
                first = groups.get((rule.first, language))
                if not first:
                    continue
                if not rule.second:
                    fired += [(place, place, rule.points, rule.text) for place in first]
                    continue
                second = groups.get((rule.second, language))
                if second:
                    fired += [(a, b, rule.points, rule.text) for a, b in _pairs(first, second, rule.within)]
        return _best(one.name, fired, read, text, least)


def _pattern(word: str) -> str:
    """As it is looked for among words with a blank before and behind each."""
    if word.endswith("$"):
        return f" {word[:-1]} "
    return f" {word} " if len(word) < LEAST_STEM else f" {word}"


def _runs(ids: tuple[int, ...], at: dict[int, set[int]]) -> set[int]:
    """Beginnings of the words one behind the other."""
    starts: set[int] = set()
    for step, id_ in enumerate(ids):
        there = at.get(id_)
        if not there:
            return _NOWHERE
        if not step:
            starts = there
        elif len(there) < len(starts):
            starts = {place - step for place in there if place - step in starts}
        else:
            starts = {start for start in starts if start + step in there}
        if not starts:
            return _NOWHERE
    return starts


def _pairs(first: list[int], second: list[int], within: int) -> Iterable[tuple[int, int]]:
    """For each of the first the nearest other word of the second, if it is near enough."""
    for place in first:
        at = bisect_left(second, place)
        near = [p for p in second[max(0, at - 2) : at + 2] if p != place and abs(p - place) <= within]
        if near:
            other = min(near, key=lambda p: abs(p - place))
            yield min(place, other), max(place, other)


def _best(name: str, fired: list[tuple[int, int, int, str]], read: ReadText, text: str, least: int) -> Suspicion:
    """The passage with the most points; each rule counts once in it. Less than ``least`` isn't shown."""
    best, chosen = 0, (0, 0)
    why: tuple[str, ...] = ()
    fired.sort()
    for start, (begin, _, points, _) in enumerate(fired):
        if points <= 0:
            continue
        sums: dict[str, int] = {}
        end = begin
        for a, b, value, rule in fired[start:]:
            if a > begin + PASSAGE:
                break
            if rule not in sums:
                sums[rule] = value
                end = max(end, b) if value > 0 else end
        before = fired[max(0, start - 40) : start]
        calm = {rule: value for a, _, value, rule in before if value < 0 and a >= begin - PASSAGE}
        total = sum((sums | calm).values())
        if total > best:
            best, chosen, why = total, (begin, end), tuple(sums)
    if best < max(1, least):
        return Suspicion(name, 0, "", ())
    start, end = read.span(*chosen)
    return Suspicion(name, best, " ".join(text[max(0, start - AROUND // 3) : end + AROUND].split()), why)
