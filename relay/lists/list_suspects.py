"""Columns of which nobody knows what they say: what may speak of leaving is asked about, and never an agreement."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from relay.lists.list_heard import elsewhere, is_code, is_figure
from relay.lists.list_matters import is_other_flag, is_personal
from relay.lists.list_root_table import Idea
from relay.lists.list_roots import ideas_in
from relay.lists.list_shapes import MAX_CHOICES, agreement_of, are_flags, are_times, are_two_words, has_answer, is_flag
from relay.lists.list_status import StatusColumn, StatusMode, answer_of, called, short_answer
from relay.lists.list_status_names import OTHER_STATES
from relay.lists.list_unclear import (
    is_leaving,
    is_place_on_list,
    is_understood,
    is_unknown,
    may_speak,
    speaks_of_leaving,
)
from relay.lists.list_words import NO, OPEN, YES, Said, meaning, plain

_TICK: Final = re.compile(
    r"\b(?:check ?box|tick ?box|tick|haken|case a cocher|casilla|галочка|флажок|прапорец|marke\w*ruut)\b"
)
"""What is not set there was not agreed to, perhaps."""
_STATE_SHORT: Final = re.compile(r"\b\w{0,3}(?:stat|sts|stts|stat[eu]s?)\b")
"""How columns of states are called for short: ``zz_lstat``."""
_SENTENCE: Final = 4
"""Blanks from which on a name is a sentence that people answered."""


def coded(
    index: int, header: str, cells: Sequence[str], answers: Mapping[str, Said], *, beside: bool = False
) -> StatusColumn | None:
    """A column of yes and no whose name says nothing known, in a list that says nothing else of a person.

    ``beside``: other columns say who is out; then only a question that people answered both ways is one.
    """
    name = plain(header)
    asks = header.rstrip().endswith("?") or is_unknown(name)
    if beside and not (asks and has_answer(cells, NO) and has_answer(cells, YES)):
        return None
    answered = [cell for cell in cells if plain(cell) not in OPEN]
    if header.rstrip().endswith("?") and any(map(agreement_of, cells)) and len(set(cells)) <= MAX_CHOICES:
        others = {plain(cell) for cell in answered if not is_flag(cell)}
        answered = [cell for cell in answered if is_flag(cell)]
        answers = {**dict.fromkeys(others, Said.UNKNOWN), **answers}
    if elsewhere(name) or not are_flags(answered) or not (is_code(name) or _may_ask(name, answered)):
        return None
    if is_leaving(name):
        return StatusColumn(index, called(header), StatusMode.BAD, Said.UNKNOWN, answers)
    if is_unknown(name) and not _TICK.search(name) and name.count(" ") < _SENTENCE:
        return unclear(index, header, answers)
    answers = {**dict.fromkeys(OPEN, Said.UNKNOWN), **answers}
    empty = Said.UNKNOWN if _TICK.search(name) else Said.NOTHING
    return StatusColumn(index, called(header), StatusMode.ASKED, answers=answers, empty=empty)


def _may_ask(name: str, cells: Sequence[str]) -> bool:
    """May an unknown question, answered with yes and with no, be that for the consent?"""
    words = {short_answer(answer_of(cell)) for cell in cells}
    mixed = bool(words & NO) and (bool(words & YES) or any(len(word) > 1 for word in words))
    return mixed and not is_other_flag(name) and not is_figure(name) and OTHER_STATES.search(name) is None


def unclear(index: int, header: str, answers: Mapping[str, Said]) -> StatusColumn:
    """A column of which nobody knows what it says: every answer is asked about, one that is missing too.

    What whoever gave the list said of one answer tells what the others say.
    """
    said = [answers[word] for word in answers if word in YES or word in NO or not word]
    other = Said.UNKNOWN if not said else Said.REFUSED if Said.AGREED in said else Said.NOTHING
    answers = {**dict.fromkeys((*YES, *NO, *OPEN), other), **answers}
    shown = called(header)
    return StatusColumn(index, shown, StatusMode.ASKED, answers=answers, empty=answers.get("", other), both=not said)


def suspect(
    index: int, header: str, cells: Sequence[str], answers: Mapping[str, Said], *, gaps: bool, alone: bool
) -> StatusColumn | None:
    """A column of yes and no that nobody knows, whatever else the list says of a person: it may say who left.

    Several of whole words beside each other (not ``alone``) are a table of other matters: courses, wishes. One that has
    the same answer everywhere (no ``gaps``) tells nobody from others, as long as that is so.
    """
    name = plain(header)
    if elsewhere(name) or not is_unknown(name) or not (alone or may_speak(name) or is_place_on_list(name)):
        return None
    if are_two_words(cells) and Idea.MAIL in ideas_in(name):
        return StatusColumn(index, called(header), StatusMode.STATE, answers=answers, empty=Said.UNKNOWN)
    if not are_flags(cells):
        if _STATE_SHORT.search(name) and all(len(cell) == 1 for cell in cells) and 1 < len(set(cells)) <= MAX_CHOICES:
            shown = called(header)
            return StatusColumn(index, shown, StatusMode.STATE, answers=answers, empty=Said.UNKNOWN, codes=True)
        return _doubted(index, header, cells, answers, gaps=gaps) if may_speak(name) else None
    if is_place_on_list(name):
        return StatusColumn(index, called(header), StatusMode.ASKED, answers=answers)
    if is_leaving(name):
        return StatusColumn(index, called(header), StatusMode.BAD, Said.UNKNOWN, answers)
    same = {plain(cell) for cell in cells}
    if len(same) == 1 and not gaps:
        answers = {**dict.fromkeys(YES | NO, Said.UNKNOWN), **dict.fromkeys(same, Said.NOTHING), **answers}
        shown = called(header)
        return StatusColumn(index, shown, StatusMode.ASKED, answers=answers)
    return unclear(index, header, answers)


def _doubted(
    index: int, header: str, cells: Sequence[str], answers: Mapping[str, Said], *, gaps: bool
) -> StatusColumn | None:
    """An unknown column of words of which some are states, or of days that not everybody (``gaps``) has."""
    kinds, shown = {plain(cell) for cell in cells}, called(header)
    if are_times(cells):
        named = gaps and speaks_of_leaving(plain(header))
        return StatusColumn(index, shown, StatusMode.BAD, Said.UNKNOWN, answers) if named else None
    if not 1 < len(kinds) <= MAX_CHOICES or not any(map(meaning, kinds)):
        return None
    answers = {**dict.fromkeys((kind for kind in kinds if meaning(kind) is not Said.AGREED), Said.UNKNOWN), **answers}
    return StatusColumn(index, shown, StatusMode.LOOSE, answers=answers)


def dated(column: StatusColumn, name: str, cells: Sequence[str], *, gaps: bool) -> StatusColumn:
    """A column that would be one of agreements: days that not everybody has, under a name (``plain``) that isn't
    understood, may be those of leaving as well."""
    if column.mode is StatusMode.YES and gaps and are_times(cells) and not is_understood(name):
        return StatusColumn(column.index, column.name, StatusMode.BAD, Said.UNKNOWN, column.answers)
    return column


def guard(index: int, header: str, answers: Mapping[str, Said]) -> StatusColumn | None:
    """A column that is kept as it stands, watched for words of leaving; None: such words would be a name there."""
    name = plain(header)
    if is_personal(name) or elsewhere(name) or OTHER_STATES.search(name) is not None:
        return None
    shown = called(header) or f"column {index + 1}"
    return StatusColumn(index, shown, StatusMode.GUARD, answers=answers)


def unproved(index: int, header: str, cells: Sequence[str]) -> StatusColumn | None:
    """A column of the times of confirmations,
    in a list that says nothing else of a person: who has none never did."""
    if not are_times(cells):
        return None
    shown = called(header)
    return StatusColumn(index, shown, StatusMode.YES, empty=Said.REFUSED)
