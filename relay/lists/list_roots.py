"""What words say of a person on a list by their roots, in the languages that lists come in. Pure.

A phrase is read by the ideas in it (``list_root_table``) and by what denies
them: a word (``nicht bestätigt``, ``brak zgody``), a beginning
(``niepotwierdzony``, ``obekräftad``) or an ending (``kinnitamata``).
``list_words`` has the words that are known as they stand and goes first; this
is for all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from relay.lists.list_root_table import AGAIN, ASIDE, BEGINNINGS, DENIES, ENDINGS, ROOTS, WANTS, Idea
from relay.lists.list_words import Said, plain

_MOST: Final = 12
"""Words of a text that is still read as one phrase."""


_WHOLE: Final = r"(?!\w)"


def _pattern(idea: Idea) -> re.Pattern[str]:
    roots = {(plain(root), root.endswith("!")) for line in ROOTS[idea] for root in line.split(",")}
    ordered = sorted(roots, key=lambda root: len(root[0]), reverse=True)
    return re.compile(rf"\b(?:{'|'.join(re.escape(root) + _WHOLE * whole for root, whole in ordered)})")


_PATTERNS: Final = {idea: _pattern(idea) for idea in Idea}
_BESIDE: Final = frozenset(plain(word) for word in ASIDE.split())
_DENIAL: Final = frozenset(plain(word) for word in DENIES.split())
_BAD: Final = (
    (Idea.COMPLAINT, Said.COMPLAINED),
    (Idea.OUT, Said.LEFT),
    (Idea.SOFT, Said.REFUSED),
    (Idea.BOUNCE, Said.BOUNCED),
    (Idea.STOP, Said.STOPPED),
    (Idea.BLOCK, Said.REFUSED),
    (Idea.WAIT, Said.REFUSED),
    (Idea.DEAD, Said.REFUSED),
)
_GOOD: Final = (Idea.ON, Idea.ACTIVE)
_UNDERSTOOD: Final = (*_GOOD, Idea.MAIL, Idea.STATE)
_UNLIKE: Final = re.compile(r"\b(?:filter|score|check(?:ed)?|rate|rating|count|(?:spam ?)?traps?|proof|risk)\b")


_ANY_ROOT: Final = re.compile("|".join(f"(?:{pattern.pattern})\\w*" for pattern in _PATTERNS.values()))


@lru_cache(maxsize=8192)
def ideas_in(text: str) -> frozenset[Idea]:
    """What a ``plain`` text is about."""
    return frozenset(idea for idea, pattern in _PATTERNS.items() if pattern.search(text))


def _begins(word: str, ideas: Iterable[Idea]) -> bool:
    return any(_PATTERNS[idea].match(word) for idea in ideas)


@lru_cache(maxsize=8192)
def _undenied(word: str) -> str:
    """The word without the beginning that denies it, as ``confirmed`` of ``unconfirmed``; empty: it has none."""
    if _begins(word, (idea for idea, _ in _BAD)):
        return ""  # it is a bad word by itself
    for start in BEGINNINGS:
        if word.startswith(start) and _begins(rest := word[len(start) :], (*_GOOD, Idea.DELIVER)):
            return rest
    return word if ENDINGS.search(word) and _begins(word, (*_GOOD, Idea.DELIVER)) else ""


@lru_cache(maxsize=8192)
def phrase(text: str) -> Said:
    """What a short text (``plain``) says of a person by its roots.

    One bad word is enough to say something bad; something good is said only
    where every word is understood. NOTHING: nothing that is certain.
    """
    if not text or text.count(" ") >= _MOST or _UNLIKE.search(text):
        return Said.NOTHING
    words = text.split()
    if (denied := _without_denial(text, words)) is not None:
        return _denied(text, ideas_in(denied))
    ideas = ideas_in(text)
    for idea, said in _BAD:
        if idea in ideas:
            return said
    if ideas.isdisjoint(_GOOD):
        return Said.NOTHING
    return Said.AGREED if all(_plainly(word, _UNDERSTOOD) for word in words) else Said.NOTHING


def _without_denial(text: str, words: Sequence[str]) -> str | None:
    """A text without what denies words of it; None where nothing does."""
    bare = {word: _undenied(word) for word in words}
    if any(bare.values()) or not _DENIAL.isdisjoint(words) or AGAIN.search(text):
        return " ".join(bare[word] or word for word in words)
    return None


_LONG: Final = 3


def _plainly(word: str, ideas: Iterable[Idea]) -> bool:
    return len(word) < _LONG or word in _BESIDE or _begins(word, ideas)


@lru_cache(maxsize=8192)
def certain(text: str) -> bool:
    """Is every word of a ``plain`` text understood?"""
    left = _ANY_ROOT.sub(" ", text).split()
    return all(len(word) < _LONG or word in _BESIDE or word in _DENIAL or _undenied(word) for word in left)


def understands(word: str) -> bool:
    """Is one word (``plain``) of a root that is known here, or one that denies?"""
    return word in _BESIDE or word in _DENIAL or _ANY_ROOT.fullmatch(word) is not None or bool(_undenied(word))


def _denied(text: str, ideas: frozenset[Idea]) -> Said:
    """``not …``: of something good it is a no, of something bad it says nothing."""
    if Idea.DELIVER in ideas or (Idea.ADDRESS in ideas and ideas.isdisjoint((Idea.ON, Idea.WAIT))):
        return Said.BOUNCED
    if AGAIN.search(text) and ideas & {Idea.ON, Idea.ACTIVE, Idea.MAIL}:
        return Said.LEFT
    if ideas & {Idea.COMPLAINT, Idea.OUT, Idea.BOUNCE, Idea.STOP, Idea.BLOCK}:
        return Said.NOTHING
    if WANTS.search(text):
        return Said.LEFT if Idea.MAIL in ideas else Said.REFUSED
    if ideas & {Idea.ON, Idea.ACTIVE, Idea.WAIT}:
        return Said.REFUSED
    return Said.LEFT if Idea.MAIL in ideas and Idea.STATE not in ideas else Said.NOTHING


def bad_name(name: str) -> Said:
    """What a column of yes and no, or of times, says where it is set, by its name (``plain``)."""
    said = phrase(name)
    if said is Said.REFUSED and Idea.WAIT in ideas_in(name) and Idea.ON not in ideas_in(name):
        return Said.NOTHING  # whoever was invited, or waited for something
    return Said.NOTHING if said is Said.AGREED else said


def good_name(name: str) -> bool:
    """Does the name (``plain``) of a column of yes and no ask whether the person agreed, or gets mail?"""
    return not ideas_in(name).isdisjoint((Idea.ON, Idea.MAIL)) and bad_name(name) is Said.NOTHING


def state_name(name: str) -> bool:
    """Is a column (``plain``) called a state, one of mail or agreement?"""
    ideas = ideas_in(name)
    return Idea.STATE in ideas and not ideas.isdisjoint((Idea.ON, Idea.MAIL, Idea.OUT))
