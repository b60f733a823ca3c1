"""What stands in the cells of a column: yes and no, times, numbers, states. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from relay.lists.list_roots import phrase
from relay.lists.list_status import DENIALS, answer_of, denied, is_time, known, short_answer
from relay.lists.list_status_names import ANSWERS
from relay.lists.list_words import NO, OFFERS, YES, Said, meaning, plain
from relay.values.moments import absent

MAX_CHOICES: Final = 5
"""Different answers to a question that yes and no answer."""
MAX_KINDS: Final = 40
"""Different words that a column of states has at most in a sample."""
_FEW_DIGITS: Final = 4
_SHORT_WORD: Final = 5
"""Letters of a yes or a no."""


def is_flag(cell: str) -> bool:
    """Yes, no, a time, or a dash for none of them."""
    word = short_answer(answer_of(cell))
    return not word or word in YES or word in NO or is_time(cell)


def are_flags(cells: Sequence[str]) -> bool:
    """Is there nothing but yes and no?"""
    words = {short_answer(answer_of(cell)) for cell in cells}
    return bool(words) and words <= YES | NO


def are_times(cells: Sequence[str]) -> bool:
    """Is there nothing but times?"""
    stated = [cell for cell in cells if not absent(cell)]
    return bool(stated) and all(is_time(cell) for cell in stated)


def are_counts(cells: Sequence[str]) -> bool:
    """Do small figures stand there, more than yes and no?"""
    return all(cell.isdigit() and len(cell) <= _FEW_DIGITS for cell in cells) and any(cell > "1" for cell in cells)


def are_choices(cells: Sequence[str]) -> bool:
    """Do single figures stand there, more than yes and no, as of a legend: 1, 2, 3?"""
    return all(cell in "123456789" for cell in cells) and 1 < len(set(cells)) < _FEW_DIGITS and "2" in cells


def are_two_words(cells: Sequence[str]) -> bool:
    """Are there two short words that nobody knows, as a yes and a no of another language?"""
    kinds = {plain(cell) for cell in cells}
    return len(kinds) == 2 and all(kind.isalpha() and len(kind) <= _SHORT_WORD for kind in kinds - YES - NO)


def are_states(cells: Sequence[str]) -> bool:
    """Is what stands there mostly states, good ones and bad ones?"""
    kinds = set(cells)
    if not 1 < len(kinds) <= MAX_KINDS:
        return False
    meant = [said for cell in kinds if (said := known(cell))]
    return 2 * len(meant) >= len(kinds) and Said.AGREED in meant and any(said is not Said.AGREED for said in meant)


def undecided(cells: Sequence[str]) -> bool:
    """Yes and no, both of them; or no alone, in words."""
    kinds = {plain(cell) for cell in cells}
    return kinds <= (YES | NO) and bool(kinds & NO) and (bool(kinds & YES) or all(len(kind) > 1 for kind in kinds))


def are_few(cells: Sequence[str]) -> bool:
    return len(set(cells)) <= max(2, min(MAX_KINDS, len(cells) // 2)) or any(meaning(plain(cell)) for cell in cells)


def is_text(cell: str) -> bool:
    """Is it no figure and no link?"""
    return "://" not in cell and any(letter.isalpha() for letter in cell)


def any_known(cells: Sequence[str]) -> bool:
    return any(
        (word := short_answer(answer_of(cell))) in YES or word in NO or meaning(word) or denied(word) for cell in cells
    )


def agreement_of(cell: str) -> Said:
    """What a yes or a no says of an agreement."""
    word = short_answer(answer_of(cell))
    return Said.REFUSED if word in NO else Said.AGREED if word in YES & ANSWERS else Said.NOTHING


def has_answer(cells: Sequence[str], of: frozenset[str]) -> bool:
    """Does an answer in words, as people write it, stand there?"""
    return any(plain(cell) in of & ANSWERS for cell in cells)


def denied_pair(cells: Sequence[str]) -> dict[str, Said]:
    """Answers of which one is the other denied: ``gewünscht``, ``nicht gewünscht``; empty where there are none."""
    kinds = {plain(cell) for cell in cells}
    if kinds == {"in", "out"}:
        return {"in": Said.AGREED, "out": Said.LEFT}
    for kind in kinds:
        first, _, rest = kind.partition(" ")
        if rest in kinds and first in DENIALS and meaning(rest) is Said.NOTHING and phrase(kind) not in OFFERS:
            return {rest: Said.AGREED, kind: Said.REFUSED}
    return {}
