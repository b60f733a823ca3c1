"""Columns in which a list says of each person whether it may be written to (R4).

What a column says is never dropped: words that nobody knows are asked about.
``list_finding`` finds the columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from relay.lists.list_alarm import may_alarm
from relay.lists.list_heard import bad_part, spoken, stem, text_part
from relay.lists.list_root_table import WANTS, Idea
from relay.lists.list_roots import certain, ideas_in, phrase
from relay.lists.list_status_names import ANSWERS
from relay.lists.list_words import NO, NOTHING, OFFERS, OPEN, WEIGHT, YES, Said, bare, meaning, plain
from relay.lists.list_words import strong as strongly
from relay.values.moments import ORDERS, absent, moment_in


def _split(text: str) -> list[str]:
    return text.split()


_CACHED: Final = 20_000
SHOWN: Final = 40
"""Letters of a column's name."""
_DAY: Final = 86_400.0
"""The day that a date without a clock names is within."""


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
    GUARD = "guard"
    """Nothing is known of it: words of leaving that stand there are asked about."""
    UNTIL = "until"
    """When the consent ends."""


_TEXT_LEADS: Final = re.compile(r"[\"']+")
_APART: Final = re.compile(r"[;,|/\n()\[\]{}:]| [-\u2013\u2014] ")


@dataclass(slots=True)
class StatusColumn:
    """One column that says something of a person; ``list_finding`` makes them."""

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
    """LOOSE: longer texts are listened to, as a server's reply; YES: words that nobody knows say how, not whether."""
    reasons: bool = False
    """LOOSE, BAD: it says why; a part of a short text counts."""
    now: float = 0.0
    """UNTIL: what is before that is over (seconds UTC)."""
    codes: bool = False
    """STATE: it has numbers of states, which each program has of its own."""
    both: bool = False
    """ASKED: a yes is asked about as well; an answer for one of them tells what the other says."""
    order: str = ""
    """UNTIL: how dates are read that can be read in two ways (``moments.ORDERS``)."""
    known: dict[str, Said] = field(default_factory=dict)

    def said(self, cell: str) -> Said:
        """What a cell (as it stands in the file) says."""
        if self.mode is StatusMode.GUARD and not may_alarm(cell):
            return Said.NOTHING
        found = self.known.get(cell)
        if found is None:
            if len(self.known) >= _CACHED:
                self.known.clear()
            found = self.known[cell] = self._said(cell)
        return found

    def _said(self, cell: str) -> Said:
        word = answer_of(cell)
        if word in self.answers:
            return self.answers[word]
        if word in OPEN and self.mode in (StatusMode.STATE, StatusMode.YES, StatusMode.LOOSE):
            return Said.UNKNOWN
        if word not in NO and (word in NOTHING or absent(cell.strip())):
            return self.empty
        if self.mode is StatusMode.STATE:
            return self._state(cell, word)
        if self.mode is StatusMode.YES:
            return self._yes(cell, word)
        if self.mode is StatusMode.BAD:
            return self._bad(cell, word)
        if self.mode is StatusMode.UNTIL:
            return self._until(cell.strip(), word)
        if self.mode is StatusMode.ASKED:
            return Said.UNKNOWN if self.both or short_answer(word) in NO or alarming(cell, word) else Said.NOTHING
        if self.mode is StatusMode.GUARD:
            return Said.UNKNOWN if alarming(cell, word) else Said.NOTHING
        return self._loose(cell, word)

    def _state(self, cell: str, word: str) -> Said:
        if word in _STILL_TO_DO:
            return Said.REFUSED
        said = meaning(word) or meaning(stem(word))
        if said:
            return said
        if self.codes or (len(word) == 1 and not word.isdigit()):
            return Said.UNKNOWN  # each program has letters of its own
        if word in YES:
            return Said.AGREED
        if word in NO:
            return Said.REFUSED
        said = self._several(cell) or (phrase(word) if certain(word) else Said.NOTHING)
        if not said and (no := denied(word)) is not None:
            said = phrase(word) or (text_part(word) if no else Said.NOTHING)
            return said if no and said in (Said.BOUNCED, Said.LEFT) else no
        if said:
            return said
        heard = _heard(cell, word)
        if heard not in OFFERS:
            heard = bare(word) or (phrase(word) if heard in (Said.NOTHING, Said.UNKNOWN) else heard) or heard
        if (
            not heard
            and (parts := parts_of(cell))
            and all(certain(part) and Idea.MAIL in ideas_in(part) for part in parts)
        ):
            return Said.AGREED  # to which mail
        return heard or Said.UNKNOWN

    def _yes(self, cell: str, word: str) -> Said:
        if said := meaning(word):
            return said
        word = short_answer(word)
        if word in NO:
            return Said.REFUSED
        if word in YES or is_time(cell):
            return Said.AGREED
        said = self._state(cell, word)
        return Said.NOTHING if self.texts and said is Said.UNKNOWN and not _ONLY.search(word) else said

    def _bad(self, cell: str, word: str) -> Said:
        if word in NO and phrase(word) is Said.REFUSED:
            return Said.REFUSED
        if word in NO or meaning(word) is Said.AGREED or denied(word) is Said.NOTHING or phrase(word) is Said.AGREED:
            return Said.NOTHING
        said = meaning(word) or self._several(cell) or (_heard(cell, word) if self.reasons else Said.NOTHING)
        if said in (Said.LEFT, Said.STOPPED, Said.BOUNCED, Said.COMPLAINED):
            return said
        return Said.REFUSED if soft(cell) and self.bad is Said.BOUNCED else self.bad

    def _until(self, cell: str, word: str) -> Said:
        """Over for certain, not over for certain, or asked about."""
        if said := meaning(word):
            return Said.NOTHING if said is Said.AGREED else said
        ends = set()
        for order in (self.order,) if self.order else ORDERS:
            try:
                ends.add(moment_in(cell, order).timestamp() + _DAY * (":" not in cell) <= self.now)
            except (ValueError, OverflowError):
                continue
        if len(ends) != 1:
            return Said.UNKNOWN
        return Said.REFUSED if ends.pop() else Said.NOTHING

    def _loose(self, cell: str, word: str) -> Said:
        if word in NO and phrase(word) is not Said.REFUSED:
            return Said.NOTHING
        said = strongly(word)
        if said:
            return said
        if denied(word) is Said.NOTHING:
            return Said.NOTHING
        heard = self._several(cell, strongly)
        if not heard and self.texts:
            heard = _heard(cell, word) if self.reasons else spoken(cell)
            if self.reasons and heard in (Said.NOTHING, Said.UNKNOWN) and phrase(word) in OFFERS:
                heard = phrase(word)
        if heard:
            return heard
        if self.mode is StatusMode.STRONG:
            return Said.NOTHING
        bad = meaning(word) not in (Said.NOTHING, Said.AGREED) or alarming(cell, word)
        return Said.UNKNOWN if bad else Said.NOTHING

    def _several(self, cell: str, of: Callable[[str], Said] = meaning) -> Said:
        """The heaviest of the words that a cell lists, ``['UNSUBSCRIBE', 'BOUNCE']``; NOTHING if it lists none."""
        if len(cell) > 500:
            return Said.NOTHING
        parts = [of(part) for part in parts_of(cell)]
        heaviest = max(parts, key=lambda said: WEIGHT[said], default=Said.NOTHING)
        if heaviest is Said.AGREED and any(said is Said.NOTHING for said in parts):
            return Said.NOTHING
        return heaviest


def parts_of(cell: str) -> list[str]:
    """The words (``plain``) that a cell lists."""
    return [plain(part) for part in _APART.split(_TEXT_LEADS.sub(" ", cell)) if part.strip()]


def soft(cell: str) -> bool:
    """Does a cell say that a bounce was no final one?"""
    return plain(cell).startswith(("soft", "transient", "temporary"))


_SHORT: Final = 6
"""Words of a text that says one thing."""


def _heard(cell: str, word: str) -> Said:
    """What a text says that is no known word, else a part of it, if it is short: ``Rebond définitif``."""
    said = spoken(cell)
    if said in (Said.NOTHING, Said.UNKNOWN) and word.count(" ") < _SHORT:
        said = text_part(word) or said
    return said


def known(cell: str) -> Said:
    """What a cell says as a state."""
    word = plain(cell)
    said = meaning(word) or meaning(stem(word)) or bare(word)
    return said or (phrase(word) if certain(word) else Said.NOTHING) or _heard(cell, word) or phrase(word)


def alarming(cell: str, word: str) -> bool:
    """Does a cell (and its ``plain`` word) name leaving, bouncing, a complaint or no consent, wherever it stands?"""
    if strongly(word) or any(strongly(part) for part in parts_of(cell[:200])):
        return True
    if word.count(" ") >= _SHORT:
        return False
    if not certain(word):
        said = phrase(word)
        wrong = said is Said.BOUNCED and Idea.ADDRESS in ideas_in(word)  # whatever is wrong with it
        return wrong or (said is Said.LEFT and WANTS.search(word) is not None)
    return phrase(word) not in (Said.NOTHING, Said.AGREED)


DENIALS: Final = frozenset(
    _split("not no non never nicht nie kein keine keinen не нет нi немає без ei pole ilma un pas aucun sin ikke niet")
)


def denied(word: str) -> Said | None:
    """``not …``, ``nicht …``, ``не …``: of something bad it says nothing,
    of anything else a no; None: no such word."""
    first, _, rest = word.partition(" ")
    if first not in DENIALS or not rest:
        return None
    if certain(word) and phrase(word) is Said.REFUSED:
        return Said.REFUSED
    said = meaning(rest) or bad_part(rest)
    return Said.REFUSED if said in (Said.NOTHING, Said.AGREED) else Said.NOTHING


def is_time(cell: str) -> bool:
    """Is it a time, or a day as spreadsheets count?"""
    text = cell.strip()
    if text.isdigit() and len(text) == 5:
        return True  # a day as spreadsheets count
    if not any(letter.isdigit() for letter in text) or len(text) < 6:
        return False
    try:
        return moment_in(text, "dmy") is not None
    except ValueError:
        return False


_AGREES: Final = re.compile(
    r"(?:i|we) (?:agree|accept|consent|want|would like)\b|ich (?:stimme zu|willige|mochte)\b(?!.*\bkeine?\b)"
    r"|j accepte\b"
    r"|(?:acepto|autorizo|согласен|согласна|принимаю|погоджуюс|noustun|olen nous)"
)
"""How a sentence begins that a form puts down for whoever ticked it."""


def short_answer(word: str) -> str:
    """``yes`` of ``yes please``; anything else (``plain``) as it is."""
    first, _, rest = word.partition(" ")
    if first in _PLAIN_ANSWERS:
        return first
    if first in ANSWERS and rest.count(" ") < _POLITE and (first in NO or phrase(word) in (Said.NOTHING, Said.AGREED)):
        return first  # but `da confermare` is no Russian yes
    return "yes" if _AGREES.match(word) else word


_ONLY: Final = re.compile(
    r"\b(?:only|nur|seulement|uniquement|solo|solamente|только|лише|тільки|ainult|vain|bara|tylko)\b"
)
_STILL_TO_DO: Final = frozenset((*_split("confirm verify activate"), "email confirm", "email confirm edit"))
"""States of people who were asked to do so."""
_PLAIN_ANSWERS: Final = frozenset(_split("yes no ja nein oui да нет так ні jah"))
"""Answers that begin no other sentence."""
_POLITE: Final = 3
"""Words behind another answer: ``non merci``."""
_TICKS: Final = frozenset("👍+✓✔☑✅√")


def called(header: str) -> str:
    """A column's name as people are told it."""
    return " ".join(header.split())[:SHOWN]


def answer_of(cell: str) -> str:
    """The word (``plain``) of a cell; a tick is a yes."""
    return "yes" if cell.strip() in _TICKS else plain(cell)
