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


class _Term(NamedTuple):
    """One of the words and phrases of a list."""

    class_: int
    group: tuple[str, str]
    """Its name and language."""
    ids: tuple[int, ...]
    """The numbers of its words."""
    rarest: int
    """Which of these the fewest other terms have."""


_Beside = dict[int, dict[int, list[_Term]]]


class _Met(NamedTuple):
    """What a word of the text makes think of."""

    terms: tuple[_Term, ...]
    """Those of this word alone."""
    before: dict[int, list[_Term]]
    """Those of several words: by the one that stands before it."""
    after: dict[int, list[_Term]]
    """By the one behind it."""


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
        self._terms: list[_Term] = []
        words: dict[str, int] = {}
        for number, one in enumerate(self._classes):
            for group, terms in one.groups.items():
                for words_of_term in terms:
                    numbers = tuple(words.setdefault(word, len(words)) for word in words_of_term)
                    self._terms.append(_Term(number, group, numbers, 0))
        # A term is thought of where its word is met that the fewest others have: small words say little.
        often = Counter(word for term in self._terms for word in set(term.ids))
        self._alone: dict[int, list[int]] = defaultdict(list)
        """Word → terms that it is."""
        self._before: _Beside = {}
        """Rarest word → the one before it → terms."""
        self._after: _Beside = {}
        for place, one_term in enumerate(self._terms):
            ids = one_term.ids
            rarest = ids.index(min(ids, key=often.__getitem__))
            term = self._terms[place] = one_term._replace(rarest=rarest)
            if len(ids) == 1:
                self._alone[ids[0]].append(place)
            elif rarest + 1 < len(ids):
                self._after.setdefault(ids[rarest], {}).setdefault(ids[rarest + 1], []).append(term)
            else:
                self._before.setdefault(ids[rarest], {}).setdefault(ids[rarest - 1], []).append(term)
        self._thought_of: dict[frozenset[str], dict[str, _Met]] = {}
        self._kept = 0
        self._automaton = AhoCorasick([_pattern(word) for word in words]) if words else None
        self._known: dict[str, tuple[int, ...]] = {}
        glued = dict.fromkeys("".join(t).replace("$", "") for c in classes for ts in c.groups.values() for t in ts)
        self._long = [one for one in glued if len(one) >= LEAST_GLUED and "#" not in one]
        self._glued = AhoCorasick(self._long) if self._long else None
        self._glued_terms: dict[str, list[tuple[int, tuple[str, str]]]] = defaultdict(list)
        for number, one in enumerate(self._classes):
            for group, terms in one.groups.items():
                for words_of_term in terms:
                    self._glued_terms["".join(words_of_term).replace("$", "")].append((number, group))

    def suspicions(self, text: str, least: int = ENOUGH) -> list[Suspicion]:
        """Classes with at least so many points, the surest first."""
        read = read_text(text)
        found = self._groups_found(read)
        told = [self._weighed(number, groups, read, text, least) for number, groups in found.items()]
        return sorted((one for one in told if one.points >= least), key=lambda one: -one.points)

    def _groups_found(self, read: ReadText) -> dict[int, dict[tuple[str, str], list[int]]]:
        """Class → group and language → numbers of the words at which its terms begin, ascending."""
        words, others = read.words, read.others
        times = Counter(words)
        spoken = languages_of(times)
        found: dict[tuple[int, tuple[str, str]], set[int]] = {}
        begun = {}
        for word in times:
            met = self._met(word, spoken)
            if met.terms or met.before or met.after:
                begun[word] = met
        for number, word in enumerate(words):
            if word in begun:
                self._begin(number, begun[word], read, found)
        for number, word in others.items():
            self._begin(number, self._met(word, spoken), read, found)
        for number in read.glued:
            self._within(words[number], number, found)
        places: dict[int, dict[tuple[str, str], list[int]]] = defaultdict(dict)
        for (class_, group), numbers in found.items():
            places[class_][group] = sorted(numbers)[:MOST_HITS]
        return places

    def _met(self, word: str, spoken: frozenset[str]) -> _Met:
        """What is thought of where this word stands; remembered."""
        kept = self._thought_of.get(spoken)
        if kept is None:
            kept = self._thought_of[spoken] = {}
        met = kept.get(word)
        if met is None:
            if self._kept >= MOST_KEPT:
                self._thought_of = {spoken: (kept := {})}
                self._kept = 0
            patterns = self._patterns(word)
            terms = [self._terms[number] for pattern in patterns for number in self._alone.get(pattern, ())]
            met = _Met(
                tuple(term for term in terms if term.group[1] in spoken),
                _beside(self._before, patterns, spoken),
                _beside(self._after, patterns, spoken),
            )
            kept[word] = met
            self._kept += 1
        return met

    def _begin(
        self, number: int, met: _Met, read: ReadText, found: dict[tuple[int, tuple[str, str]], set[int]]
    ) -> None:
        """Note those terms that begin with this word, or whose other words stand around it."""
        for term in met.terms:
            _note(found, term, number)
        if met.before and number:
            self._around(number, met.before, number - 1, read, found)
        if met.after and number + 1 < len(read.words):
            self._around(number, met.after, number + 1, read, found)

    def _around(
        self,
        number: int,
        thought_of: dict[int, list[_Term]],
        beside: int,
        read: ReadText,
        found: dict[tuple[int, tuple[str, str]], set[int]],
    ) -> None:
        patterns = self._patterns(read.words[beside])
        other = read.others.get(beside)
        if other is not None:
            patterns += self._patterns(other)
        for pattern in patterns:
            terms = thought_of.get(pattern)
            if terms is not None:
                for term in terms:
                    start = number - term.rarest
                    if len(term.ids) == 2 or self._runs(term, start, read):
                        _note(found, term, start)

    def _runs(self, term: _Term, start: int, read: ReadText) -> bool:
        """Whether its words stand one behind the other from there on."""
        words, others = read.words, read.others
        if start < 0 or start + len(term.ids) > len(words):
            return False
        for step, id_ in enumerate(term.ids):
            place = start + step
            if step != term.rarest and id_ not in self._patterns(words[place]):
                other = others.get(place)
                if other is None or id_ not in self._patterns(other):
                    return False
        return True

    def _patterns(self, word: str) -> tuple[int, ...]:
        found = self._known.get(word)
        return self._look_up(word) if found is None else found

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

    def _within(self, word: str, number: int, found: dict[tuple[int, tuple[str, str]], set[int]]) -> None:
        """Terms in letters that were set apart without gaps between the words."""
        if self._glued is None:
            return
        for pattern, _, _ in self._glued.find_matches_as_indexes(word, overlapping=True):
            for key in self._glued_terms[self._long[pattern]]:
                found.setdefault(key, set()).add(number)

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


def _beside(all_of_them: _Beside, patterns: tuple[int, ...], spoken: frozenset[str]) -> dict[int, list[_Term]]:
    """Terms in these languages that some of the words are thought of by, by the word beside them."""
    made: dict[int, list[_Term]] = {}
    for pattern in patterns:
        for near, terms in all_of_them.get(pattern, {}).items():
            chosen = [term for term in terms if term.group[1] in spoken]
            if chosen:
                made.setdefault(near, []).extend(chosen)
    return made


def _note(found: dict[tuple[int, tuple[str, str]], set[int]], term: _Term, start: int) -> None:
    there = found.get((term.class_, term.group))
    if there is None:
        found[term.class_, term.group] = {start}
    else:
        there.add(start)


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
