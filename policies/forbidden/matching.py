"""Finding the lists' words in a text, all in one pass (Aho and Corasick, 1975), and weighing what stands together."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from ahocorasick_rs import AhoCorasick

from policies.forbidden.languages import languages_of
from policies.forbidden.model import Model
from policies.forbidden.reading import MOST_KEPT, ReadText, read_text
from policies.forbidden.second_look import Passage, SecondLook
from policies.forbidden.word_lists import ENOUGH, LANGUAGES, LEAST_STEM, Rule, WordClass

PASSAGE: Final = 70
"""Words within which points are added up."""
MOST_HITS: Final = 400
"""Of one rule that are looked at."""
AROUND: Final = 60
"""Characters shown before and behind."""
LEAST_GLUED: Final = 6
RAISED: Final = 3
"""Points of the lists from which on the model is asked about a class."""
_BITS: Final = {language: 1 << place for place, language in enumerate(LANGUAGES)}


class _Term:
    """One of the words and phrases of a list."""

    __slots__ = ("ids", "language", "rarest", "slot")

    def __init__(self, slot: int, language: int, ids: tuple[int, ...], rarest: int) -> None:
        self.slot: Final = slot
        """Of which group it is, by its place among all."""
        self.language: Final = language
        """A bit."""
        self.ids: Final = ids
        """The numbers of its words, where it has several."""
        self.rarest: Final = rarest
        """Which of these the fewest other terms have."""


_Terms = dict[int, tuple[_Term, ...]]
"""By a word. There are tens of thousands, so what is kept of them is packed close."""
_Beside = dict[int, list[_Term]]


class _Word:
    """What a word of a text makes think of; worked out once for all languages, as each text has its own few."""

    __slots__ = ("after", "alone", "before", "languages", "patterns", "weight")

    def __init__(
        self, patterns: tuple[int, ...], alone: list[_Term], before: _Beside, after: _Beside, weight: float
    ) -> None:
        self.patterns: Final = patterns
        """The words of the lists that it begins with."""
        self.alone: Final = alone
        """Terms of this word alone."""
        self.before: Final = before
        """Those of several words: by the one that stands before it."""
        self.after: Final = after
        """By the one behind it."""
        self.weight: Final = weight
        """How much it speaks for an offer, by the model."""
        several = [term for by_word in (before, after) for terms in by_word.values() for term in terms]
        languages = 0
        for term in (*alone, *several):
            languages |= term.language
        self.languages: Final = languages
        """Of all these terms, as bits."""


class Suspicion(NamedTuple):
    """One class found in a text."""

    name: str
    points: int
    passage: str
    rules: tuple[str, ...]
    like: tuple[str, ...] = ()
    """Other classes that it may as well be: the model alone tells an offer, but not always of what."""


class Matcher:
    """Of some classes; made once, used by one thread or many: all that changes is what it remembers of words."""

    def __init__(self, classes: Sequence[WordClass], model: Model | None = None) -> None:
        self._classes = tuple(classes)
        self._model: Final = model
        self._names: Final = frozenset(one.name for one in self._classes)
        self._rules: list[dict[str, list[Rule]]] = [{} for _ in self._classes]
        """Of each class, by the group that a rule begins with."""
        for rules, one in zip(self._rules, self._classes, strict=True):
            for rule in one.rules:
                rules.setdefault(rule.first, []).append(rule)
        self._slots: list[tuple[int, tuple[str, str]]] = []
        """Class, and name and language of a group."""
        words: dict[str, int] = {}
        listed: list[tuple[int, tuple[int, ...]]] = []
        for number, one in enumerate(self._classes):
            for group, terms in one.groups.items():
                self._slots.append((number, group))
                for words_of_term in terms:
                    numbers = tuple(words.setdefault(word, len(words)) for word in words_of_term)
                    listed.append((len(self._slots) - 1, numbers))
        # A term is thought of where its word is met that the fewest others have: small words say little.
        often = Counter(word for _, ids in listed for word in set(ids))
        alone: _Beside = defaultdict(list)
        before: _Beside = defaultdict(list)
        after: _Beside = defaultdict(list)
        for slot, ids in listed:
            rarest = ids.index(min(ids, key=often.__getitem__))
            term = _Term(slot, _BITS[self._slots[slot][1][1]], ids if len(ids) > 1 else (), rarest)
            where = alone if len(ids) == 1 else after if rarest + 1 < len(ids) else before
            where[ids[rarest]].append(term)
        self._alone: Final = _packed(alone)
        """Word → terms that it is."""
        self._before: Final = _packed(before)
        """Rarest word → terms in which another stands before it."""
        self._after: Final = _packed(after)
        """Rarest word → those in which one stands behind it."""
        groups_of_all = {(self._classes[number].name, group) for number, (group, _) in self._slots}
        self._group_weights: Final = (
            {} if model is None else {group: model.group_weight(*group) for group in groups_of_all}
        )
        """What the model makes of each group."""
        self._known: dict[str, _Word] = {}
        self._automaton = AhoCorasick([_pattern(word) for word in words]) if words else None
        glued = _glued(self._slots, self._classes)
        self._glued = AhoCorasick(list(glued)) if glued else None
        self._glued_slots: Final = list(glued.values())
        """Of each word of that automaton the groups, by their places among all."""

    def suspicions(self, text: str, least: int = ENOUGH) -> list[Suspicion]:
        """Classes with at least so many points, the surest first."""
        read = read_text(text)
        known = [self._known.get(word) or self._met(word) for word in read.words]
        places = self._groups_found(read, known)
        found = [self._weighed(number, groups) for number, groups in places.items()]
        if self._model is None:
            return _told([one for one in found if one.points >= least], read)
        seen = self._second_look(self._model, read, known, places)
        told = {one.name: seen.beside(one, least) for one in found if one.points >= min(least, RAISED)}
        alone = seen.alone()
        if alone is not None and self._names.issuperset((alone.name, *alone.like)):
            before = told.get(alone.name)
            if before is None or before.points < alone.points:
                told[alone.name] = alone
        return _told([one for one in told.values() if one.points >= least], read)

    def noticed(self, text: str) -> tuple[list[str], set[tuple[str, str]]]:
        """Its words, and the groups of the lists in it, by class and name: what a model is made of."""
        read = read_text(text)
        places = self._groups_found(read, [self._met(word) for word in read.words])
        return read.words, {(self._classes[number].name, name) for number, met in places.items() for name, _ in met}

    def _groups_found(self, read: ReadText, known: list[_Word]) -> dict[int, dict[tuple[str, str], list[int]]]:
        """Class → group and language → numbers of the words at which its terms begin, ascending."""
        spoken = 0
        for language in languages_of(Counter(read.words)):
            spoken |= _BITS[language]
        others = {number: self._met(word) for number, word in read.others.items()}
        found: dict[int, set[int]] = {}
        for number, word in enumerate(known):
            if word.languages & spoken:
                self._begin(number, word, known, others, spoken, found)
        for number, word in others.items():
            self._begin(number, word, known, others, spoken, found)
        for number in read.glued:
            self._within(read.words[number], number, found)
        places: dict[int, dict[tuple[str, str], list[int]]] = defaultdict(dict)
        for slot, numbers in found.items():
            class_, group = self._slots[slot]
            places[class_][group] = sorted(numbers)[:MOST_HITS]
        return places

    def _met(self, word: str) -> _Word:
        """What this word makes think of. Remembered: most words of most mail are the same few thousand."""
        kept = self._known.get(word)
        if kept is None:
            patterns = self._look_up(word)
            alone = [term for pattern in patterns for term in self._alone.get(pattern, ())]
            weight = 0.0 if self._model is None else self._model.weight(word)
            kept = _Word(
                patterns, alone, _beside(self._before, patterns, -1), _beside(self._after, patterns, 1), weight
            )
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            self._known[word] = kept
        return kept

    def _begin(
        self,
        number: int,
        word: _Word,
        known: list[_Word],
        others: dict[int, _Word],
        spoken: int,
        found: dict[int, set[int]],
    ) -> None:
        """Note those terms that begin with this word, or whose other words stand around it."""
        for term in word.alone:
            if term.language & spoken:
                _note(found, term.slot, number)
        if word.before and number:
            self._around(number, word.before, number - 1, known, others, spoken, found)
        if word.after and number + 1 < len(known):
            self._around(number, word.after, number + 1, known, others, spoken, found)

    def _around(
        self,
        number: int,
        thought_of: _Beside,
        beside: int,
        known: list[_Word],
        others: dict[int, _Word],
        spoken: int,
        found: dict[int, set[int]],
    ) -> None:
        patterns = known[beside].patterns
        if others and beside in others:
            patterns += others[beside].patterns
        for pattern in patterns:
            terms = thought_of.get(pattern)
            if terms is not None:
                for term in terms:
                    if term.language & spoken:
                        start = number - term.rarest
                        if len(term.ids) == 2 or _runs(term, start, known, others):
                            _note(found, term.slot, start)

    def _look_up(self, word: str) -> tuple[int, ...]:
        """Which words of the lists it begins with."""
        if self._automaton is None:
            return ()
        hits = self._automaton.find_matches_as_indexes(f" {word} ", overlapping=True)
        return tuple(pattern for pattern, start, _ in hits if start == 0)

    def _within(self, word: str, number: int, found: dict[int, set[int]]) -> None:
        """Terms in letters that were set apart without gaps between the words."""
        if self._glued is None:
            return
        for pattern, _, _ in self._glued.find_matches_as_indexes(word, overlapping=True):
            for slot in self._glued_slots[pattern]:
                _note(found, slot, number)

    def _second_look(
        self, model: Model, read: ReadText, known: list[_Word], places: dict[int, dict[tuple[str, str], list[int]]]
    ) -> SecondLook:
        groups: dict[tuple[str, str], list[int]] = {}
        for number, met in places.items():
            class_ = self._classes[number].name
            for (name, _), begins in met.items():
                groups.setdefault((class_, name), []).extend(begins)
        weights = [word.weight for word in known]
        return SecondLook(model, read.words, weights, groups, self._group_weights)

    def _weighed(self, number: int, groups: dict[tuple[str, str], list[int]]) -> Passage:
        one, rules = self._classes[number], self._rules[number]
        fired: list[tuple[int, int, int, str]] = []
        """Where from, where to, points, rule."""
        for (name, language), first in groups.items():
            for rule in rules.get(name, ()):
                if not rule.second:
                    fired += [(place, place, rule.points, rule.text) for place in first]
                    continue
                second = groups.get((rule.second, language))
                if second:
                    fired += [(a, b, rule.points, rule.text) for a, b in _pairs(first, second, rule.within)]
        return _best(one.name, fired)


def _told(found: list[Passage], read: ReadText) -> list[Suspicion]:
    """For people; the surest first."""
    found.sort(key=lambda one: -one.points)
    return [Suspicion(one.name, one.points, _shown(read, one.first, one.last), one.rules, one.like) for one in found]


def _shown(read: ReadText, first: int, last: int) -> str:
    start, end = read.span(first, last)
    return " ".join(read.text[max(0, start - AROUND // 3) : end + AROUND].split())


def _pattern(word: str) -> str:
    """As it is looked for among words with a blank before and behind each."""
    if word.endswith("$"):
        return f" {word[:-1]} "
    return f" {word} " if len(word) < LEAST_STEM else f" {word}"


def _packed(terms: _Beside) -> _Terms:
    return {word: tuple(those) for word, those in terms.items()}


def _glued(slots: Sequence[tuple[int, tuple[str, str]]], classes: Sequence[WordClass]) -> dict[str, tuple[int, ...]]:
    """Terms as one word, so far as they are long enough → their groups; one tuple for all that have the same."""
    found: dict[str, tuple[int, ...]] = {}
    one_of: dict[tuple[int, ...], tuple[int, ...]] = {}
    for slot, (number, group) in enumerate(slots):
        for words in classes[number].groups[group]:
            whole = "".join(words).replace("$", "")
            if len(whole) >= LEAST_GLUED and "#" not in whole:
                groups = (*found.get(whole, ()), slot)
                found[whole] = one_of.setdefault(groups, groups)
    return found


def _beside(terms: _Terms, patterns: tuple[int, ...], step: int) -> _Beside:
    """Terms that some of the words are thought of by, by the word so many steps from it."""
    made: _Beside = {}
    for pattern in patterns:
        for term in terms.get(pattern, ()):
            made.setdefault(term.ids[term.rarest + step], []).append(term)
    return made


def _runs(term: _Term, start: int, known: list[_Word], others: dict[int, _Word]) -> bool:
    """Whether its words stand one behind the other from there on."""
    if start < 0 or start + len(term.ids) > len(known):
        return False
    for step, id_ in enumerate(term.ids):
        place = start + step
        if step != term.rarest and id_ not in known[place].patterns:
            other = others.get(place)
            if other is None or id_ not in other.patterns:
                return False
    return True


def _note(found: dict[int, set[int]], slot: int, start: int) -> None:
    there = found.get(slot)
    if there is None:
        found[slot] = {start}
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


def _best(name: str, fired: list[tuple[int, int, int, str]]) -> Passage:
    """The passage with the most points; each rule counts once in it."""
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
    return Passage(name, best, chosen[0], chosen[1], why)
