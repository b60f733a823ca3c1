"""Columns in which a list says of each person whether it may be written to (R4).

A column is found by its name, else by the words that stand in it. What it
says is never dropped: words that nobody knows are asked about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from relay.lists.list_heard import bad_part, elsewhere, good_part, is_reason, negative, spoken, stem
from relay.lists.list_status_names import (
    AGREEMENT,
    ANSWERS,
    ASKED,
    BAD_NAMES,
    MAYBE_STATES,
    NOT_STATES,
    OTHER_STATES,
    PREFIXED,
    STATE_NAMES,
    STATES,
    YES_NAMES,
)
from relay.lists.list_words import NO, NOTHING, STRONG, WEIGHT, YES, Said, meaning, plain, strong
from relay.values.moments import absent, moment_in


def _split(text: str) -> list[str]:
    return text.split()


MAX_KINDS: Final = 40
"""Different words that a column of states has at most in a sample."""
_CACHED: Final = 20_000


class StatusMode(StrEnum):
    """How a column speaks."""

    STATE = "state"
    """In words: ``subscribed``, ``cleaned``."""
    YES = "yes"
    """Set for those who agreed: ``Accepts Email Marketing``."""
    BAD = "bad"
    """Set for those who left or bounced: ``unsubscribed_at``."""
    LOOSE = "loose"
    """It is about something else, perhaps, but has words of that kind."""
    STRONG = "strong"
    """It is about something else; only words that are said of mail alone count."""
    ASKED = "asked"
    """Yes and no, and nothing says to what: a no is asked about."""


_TEXT_LEADS: Final = re.compile(r"[\"']+")
_APART: Final = re.compile(r"[;,|/\n()\[\]{}:]| [-\u2013\u2014] ")


@dataclass(slots=True)
class StatusColumn:
    """One column that says something of a person; ``find`` is the only maker."""

    index: int
    name: str
    mode: StatusMode
    bad: Said = Said.NOTHING
    """BAD: what it says where it is set."""
    answers: Mapping[str, Said] = field(default_factory=dict)
    """What whoever gave the list said of its words, by ``plain`` word."""
    empty: Said = Said.NOTHING
    """What an empty cell says."""
    texts: bool = False
    """LOOSE: longer texts are listened to, as a server's reply."""
    reasons: bool = False
    """LOOSE: it says why; a part of a short text counts."""
    known: dict[str, Said] = field(default_factory=dict)

    def said(self, cell: str) -> Said:
        """What a cell (as it stands in the file) says."""
        found = self.known.get(cell)
        if found is None:
            if len(self.known) >= _CACHED:
                self.known.clear()
            found = self.known[cell] = self._said(cell)
        return found

    def _said(self, cell: str) -> Said:
        word = _answer(cell)
        if word in self.answers:
            return self.answers[word]
        if word not in NO and (word in NOTHING or absent(cell.strip())):
            return self.empty
        if self.mode is StatusMode.STATE:
            return self._state(cell, word)
        if self.mode is StatusMode.YES:
            return self._yes(cell, word)
        if self.mode is StatusMode.BAD:
            return self._bad(cell, word)
        if self.mode is StatusMode.ASKED:
            return Said.UNKNOWN if word in NO else Said.NOTHING
        return self._loose(cell, word)

    def _state(self, cell: str, word: str) -> Said:
        said = meaning(word) or meaning(stem(word))
        if said:
            return said
        if len(word) == 1 and not word.isdigit():
            return Said.UNKNOWN  # each program has letters of its own
        if word in YES:
            return Said.AGREED
        if word in NO:
            return Said.REFUSED
        said = self._several(cell)
        if not said and (denied := _denied(word)) is not None:
            return denied
        return said or _heard(cell, word) or Said.UNKNOWN

    def _yes(self, cell: str, word: str) -> Said:
        word = short_answer(word)
        if word in NO:
            return Said.REFUSED
        if word in YES or _is_time(cell):
            return Said.AGREED
        return self._state(cell, word)

    def _bad(self, cell: str, word: str) -> Said:
        if word in NO or meaning(word) is Said.AGREED or _denied(word) is Said.NOTHING:
            return Said.NOTHING
        said = meaning(word) or self._several(cell)
        if said in (Said.LEFT, Said.STOPPED, Said.BOUNCED, Said.COMPLAINED):
            return said
        return Said.REFUSED if soft(cell) and self.bad is Said.BOUNCED else self.bad

    def _loose(self, cell: str, word: str) -> Said:
        if word in NO:
            return Said.NOTHING
        said = strong(word)
        if said:
            return said
        if _denied(word) is Said.NOTHING:
            return Said.NOTHING
        heard = self._several(cell, strong)
        if not heard and self.texts:
            heard = _heard(cell, word) if self.reasons else spoken(cell)
        if heard:
            return heard
        if self.mode is StatusMode.STRONG:
            return Said.NOTHING
        return Said.UNKNOWN if meaning(word) not in (Said.NOTHING, Said.AGREED) else Said.NOTHING

    def _several(self, cell: str, of: Callable[[str], Said] = meaning) -> Said:
        """The heaviest of the words that a cell lists, ``['UNSUBSCRIBE', 'BOUNCE']``; NOTHING if it lists none."""
        if len(cell) > 500:
            return Said.NOTHING
        parts = [of(plain(part)) for part in _APART.split(_TEXT_LEADS.sub(" ", cell)) if part.strip()]
        heaviest = max(parts, key=lambda said: WEIGHT[said], default=Said.NOTHING)
        if heaviest is Said.AGREED and any(said is Said.NOTHING for said in parts):
            return Said.NOTHING
        return heaviest


def soft(cell: str) -> bool:
    """Does a cell say that a bounce was no final one?"""
    return plain(cell).startswith(("soft", "transient", "temporary"))


_SHORT: Final = 6
"""Words of a text that says one thing."""


def _heard(cell: str, word: str) -> Said:
    """What a text says that is no known word, else a part of it, if it is short: ``Rebond définitif``."""
    said = spoken(cell)
    if said in (Said.NOTHING, Said.UNKNOWN) and word.count(" ") < _SHORT:
        said = bad_part(word) or said
    return said


def _undecided(cells: Sequence[str]) -> bool:
    """Yes and no in words, both of them."""
    kinds = {plain(cell) for cell in cells}
    return kinds <= (YES | NO) and bool(kinds & NO) and all(len(kind) > 1 for kind in kinds)


_NOT: Final = frozenset(
    _split("not no non never nicht nie kein keine keinen не нет нi немає без ei pole ilma un pas aucun sin ikke niet")
)


def _denied(word: str) -> Said | None:
    """``not …``, ``nicht …``, ``не …``: of something bad it says nothing, of anything else a no; None: no such word."""
    first, _, rest = word.partition(" ")
    if first not in _NOT or not rest:
        return None
    said = meaning(rest) or bad_part(rest)
    return Said.REFUSED if said in (Said.NOTHING, Said.AGREED) else Said.NOTHING


def _is_time(cell: str) -> bool:
    text = cell.strip()
    if text.isdigit() and len(text) == 5:
        return True  # a day as spreadsheets count
    if not any(letter.isdigit() for letter in text) or len(text) < 6:
        return False
    try:
        return moment_in(text, "dmy") is not None
    except ValueError:
        return False


# --- finding them -------------------------------------------------------------------------


def find(
    index: int, header: str, cells: Sequence[str], answers: Mapping[str, Said], *, unnamed: bool = False
) -> StatusColumn | None:
    """The column as one that says something of a person; None if it doesn't.

    ``cells`` are a sample of what stands in it, not empty.
    """
    name = plain(header)
    if elsewhere(name):
        return None
    if unnamed and _undecided(cells):
        return StatusColumn(index, f"column {index + 1}", StatusMode.ASKED, answers=answers)
    if name in NOT_STATES and not unnamed:
        return _by_words(index, header, cells, answers) if name == "source" else None
    other = OTHER_STATES.search(name) is not None
    column = None if other else _by_name(index, header, name, cells, answers)
    return column or _by_words(index, header, cells, answers, strong_only=other)


def _by_name(
    index: int, header: str, name: str, cells: Sequence[str], answers: Mapping[str, Said]
) -> StatusColumn | None:
    shown = " ".join(header.split())[:40]
    bad = BAD_NAMES.get(name) or negative(name)
    if not bad:
        bad = next((said for start, said in PREFIXED if name.startswith(start)), Said.NOTHING)
    if name in BAD_NAMES:
        return StatusColumn(index, shown, StatusMode.BAD, bad, answers)
    if name in STATES:
        return StatusColumn(index, shown, StatusMode.STATE, answers=answers, empty=_if_empty(cells))
    if ASKED.search(name) and any(meaning(plain(cell)) for cell in cells) and _few(cells):
        return StatusColumn(index, shown, StatusMode.STATE, answers=answers)
    if name in YES_NAMES or (_flagged(name) and not are_times(cells)):
        if name == "newsletter" and not _any_known(cells):
            return None
        return StatusColumn(index, shown, StatusMode.YES, answers=answers, empty=_if_empty(cells, no=True))
    if not bad and AGREEMENT.search(name) and _any_known(cells) and not are_times(cells):
        return StatusColumn(index, shown, StatusMode.YES, answers=answers, empty=_if_empty(cells, no=True))
    flags = any(is_flag(cell) for cell in cells) and all(is_flag(cell) or meaning(plain(cell)) for cell in cells)
    if not bad and (bad := bad_part(name)) and not flags and not is_reason(name):
        bad = (
            Said.UNKNOWN if any(map(_is_text, cells)) else Said.NOTHING
        )  # it names a bad thing, and says what we can't read
    if flags and not bad and good_part(name) and not are_times(cells):
        return StatusColumn(index, shown, StatusMode.YES, answers=answers, empty=_if_empty(cells, no=True))
    if bad:
        return StatusColumn(index, shown, StatusMode.BAD, bad, answers)
    if name in MAYBE_STATES and cells:
        kinds = {plain(cell) for cell in cells}
        known = [bool(meaning(kind)) for kind in kinds]
        if all(known) or (2 * sum(known) >= len(known) and kinds & STRONG.keys() and name in STATE_NAMES):
            return StatusColumn(index, shown, StatusMode.STATE, answers=answers)
        return StatusColumn(index, shown, StatusMode.LOOSE, answers=answers, texts=True, reasons=True)
    return None


def _by_words(
    index: int, header: str, cells: Sequence[str], answers: Mapping[str, Said], *, strong_only: bool = False
) -> StatusColumn | None:
    """By what stands in it: words that are said of mail alone, or nothing but words of states."""
    kinds = {plain(cell) for cell in cells}
    shown = " ".join(header.split())[:40] or f"column {index + 1}"
    certain = any(strong(word) for word in kinds) or any(
        strong(plain(part)) for cell in cells if len(cell) < 500 for part in _APART.split(_TEXT_LEADS.sub(" ", cell))
    )
    states = bool(kinds) and not strong_only and all(meaning(word) for word in kinds)
    if not strong_only and any(spoken(cell) for cell in cells):
        return StatusColumn(index, shown, StatusMode.LOOSE, answers=answers, texts=True)
    if certain or states:
        return StatusColumn(index, shown, StatusMode.STRONG if strong_only else StatusMode.LOOSE, answers=answers)
    return None


def _flagged(name: str) -> bool:
    return stem(name) in YES_NAMES and not name.endswith((" reason", " source", " url", " ip"))


def _is_text(cell: str) -> bool:
    """Is it no figure and no link?"""
    return "://" not in cell and any(letter.isalpha() for letter in cell)


def _few(cells: Sequence[str]) -> bool:
    return len(set(cells)) <= max(2, min(MAX_KINDS, len(cells) // 2)) or any(meaning(plain(cell)) for cell in cells)


def are_times(cells: Sequence[str]) -> bool:
    """Is there nothing but times?"""
    stated = [cell for cell in cells if not absent(cell)]
    return bool(stated) and all(_is_time(cell) for cell in stated)


_FEW_DIGITS: Final = 4


def are_counts(cells: Sequence[str]) -> bool:
    """Do small figures stand there, more than yes and no?"""
    return all(cell.isdigit() and len(cell) <= _FEW_DIGITS for cell in cells) and any(cell > "1" for cell in cells)


def says_when(name: str) -> bool:
    """Would times in a column (``plain``) be those of consents?"""
    return good_part(name) and not elsewhere(name) and not bad_part(name) and not negative(name)


def short_answer(word: str) -> str:
    """``yes`` of ``yes please``; anything else (``plain``) as it is."""
    first = word.partition(" ")[0]
    return first if first in ANSWERS else word


_TICKS: Final = frozenset("+✓✔☑✅√")


def _answer(cell: str) -> str:
    """The word (``plain``) of a cell; a tick is a yes."""
    return "yes" if cell.strip() in _TICKS else plain(cell)


def is_flag(cell: str) -> bool:
    """Yes, no, a time, or a dash for none of them."""
    word = short_answer(_answer(cell))
    return not word or word in YES or word in NO or _is_time(cell)


def _any_known(cells: Sequence[str]) -> bool:
    return any((word := short_answer(_answer(cell))) in YES or word in NO or meaning(word) for cell in cells)


def _if_empty(cells: Sequence[str], *, no: bool = False) -> Said:
    """An empty cell beside cells that are set says nothing good; a column that is empty all over says nothing."""
    if not cells:
        return Said.NOTHING
    return Said.REFUSED if no else Said.UNKNOWN


def in_groups(index: int, header: str, cells: Sequence[str], answers: Mapping[str, Said]) -> StatusColumn | None:
    """A column of groups or labels as one that says something of a person: only words that are said of mail alone."""
    return _by_words(index, header, cells, answers, strong_only=True)


def unproved(index: int, header: str, cells: Sequence[str]) -> StatusColumn | None:
    """A column of the times of confirmations, in a list that says nothing else of a person: who has none never did."""
    if not are_times(cells):
        return None
    shown = " ".join(header.split())[:40]
    return StatusColumn(index, shown, StatusMode.YES, empty=Said.REFUSED)
