"""Finding the columns in which a list says something of a person: by their names, else by the words in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from relay.lists.list_heard import (
    bad_part,
    elsewhere,
    good_part,
    is_figure,
    is_reason,
    negative,
    says_how,
    short_part,
    spoken,
    stem,
    text_part,
)
from relay.lists.list_matters import is_place
from relay.lists.list_root_table import Idea
from relay.lists.list_roots import bad_name, good_name, ideas_in, phrase, state_name
from relay.lists.list_shapes import (
    MAX_KINDS,
    agreement_of,
    any_known,
    are_choices,
    are_counts,
    are_few,
    are_flags,
    are_states,
    are_times,
    denied_pair,
    is_flag,
    is_text,
    undecided,
)
from relay.lists.list_status import StatusColumn, StatusMode, answer_of, called, is_time, known, parts_of
from relay.lists.list_status_names import (
    AGREEMENT,
    ANSWERS,
    ASKED,
    BAD_NAMES,
    BASES,
    BASIS,
    LAWFUL_CONSENT,
    LAWFUL_ELSE,
    MAYBE_STATES,
    NOT_STATES,
    OTHER_STATES,
    PREFIXED,
    STATE_NAMES,
    STATES,
    YES_NAMES,
)
from relay.lists.list_suspects import unclear
from relay.lists.list_unclear import bad_rest, is_leaving, is_of_else, is_place_on_list, is_understood
from relay.lists.list_words import AGREED, NO, OFFERS, STRONG, WEIGHT, YES, Said, meaning, plain, strong

_ANY_TIME: Final = re.compile(
    r" (?:you |and )?(?:can|may) (?:unsubscribe|opt out|withdraw|cancel).*| jederzeit.*| at any ?time.*"
    r"| a tout moment.*"
    r"| en cualquier momento.*| в любое время.*| в любои момент.*| igal ajal.*"
)
"""What a question adds of how to leave (``plain``)."""
MERE: Final = frozenset(("status", "statut", "статус", "staatus", "estatus"))
"""Names that may be those of an order's state."""
_ALL: Final = ("all", "everything", "global", "alle", "alles", "tous", "tout", "todo", "todos", "все", "всі", "koik")
_OF_PERSON: Final = frozenset((Idea.MAIL, Idea.ON, Idea.OUT))
"""Ideas in the words of a column of states by which it is about a person and mail."""


def find(
    index: int, header: str, cells: Sequence[str], answers: Mapping[str, Said], *, unnamed: bool = False
) -> StatusColumn | None:
    """The column as one that says something of a person; None if it doesn't.

    ``cells`` are a sample of what stands in it, not empty.
    """
    name = _ANY_TIME.sub("", plain(header))
    if (first := name.rstrip("0123456789 ")) in STATES:
        name = first  # `status2`
    if elsewhere(name):
        return None
    if unnamed and undecided(cells):
        return StatusColumn(index, f"column {index + 1}", StatusMode.ASKED, answers=answers)
    if name in NOT_STATES and not unnamed:
        return _by_words(index, header, cells, answers) if name == "source" else None
    other = OTHER_STATES.search(name) is not None and _OF_CONSENT.search(name) is None
    column = None
    if not other:
        column = _by_name(index, header, name, cells, answers) or _by_roots(index, header, name, cells, answers)
    if column is not None and column.mode is StatusMode.YES and is_place_on_list(name) and are_flags(cells):
        return StatusColumn(index, column.name, StatusMode.ASKED, answers=answers, empty=Said.UNKNOWN)
    if column is not None and column.mode is StatusMode.YES and not is_understood(name):  # of mail, but what?
        if is_of_else(name) and Idea.MAIL not in ideas_in(name) and _OF_MAIL.search(name) is None:
            return None  # whoever accepted terms
        if are_flags(cells) and is_leaving(name):
            return StatusColumn(index, column.name, StatusMode.BAD, Said.UNKNOWN, answers)
        if are_flags(cells):
            return unclear(index, header, answers)
    return column or _by_words(index, header, cells, answers, strong_only=other or is_place(name))


def _by_name(
    index: int, header: str, name: str, cells: Sequence[str], answers: Mapping[str, Said]
) -> StatusColumn | None:
    shown = called(header)
    bad = BAD_NAMES.get(name) or negative(name)
    if not bad:
        bad = next((said for start, said in PREFIXED if name.startswith(start)), Said.NOTHING)
    if name in BAD_NAMES:
        return StatusColumn(index, shown, StatusMode.BAD, bad, answers, reasons="status" in name)
    if BASIS.search(name):
        return StatusColumn(index, shown, StatusMode.STATE, answers={**_bases(cells), **answers})
    if name in STATES:
        return _state(index, shown, name, cells, answers)
    if ASKED.search(name) and _OF_MAIL.search(name) and 0 < len(set(cells)) <= MAX_KINDS and not are_times(cells):
        return _state(index, shown, name, cells, answers)
    if ASKED.search(name) and any(known(cell) for cell in cells) and are_few(cells):
        column = _state(index, shown, name, cells, answers)
        column.empty = Said.NOTHING
        return column
    if name in YES_NAMES or (_flagged(name) and not are_times(cells)):
        if name == "newsletter" and not any_known(cells):
            return None
        return StatusColumn(index, shown, StatusMode.YES, answers=answers, empty=_if_empty(cells, no=True))
    if not bad and AGREEMENT.search(name) and any_known(cells) and not are_times(cells):
        empty, how = _if_empty(cells, no=True), says_how(name) or is_reason(name)
        answers = {**denied_pair(cells), **answers}
        return StatusColumn(index, shown, StatusMode.YES, answers=answers, empty=empty, texts=how)
    flags = any(is_flag(cell) for cell in cells) and all(is_flag(cell) or meaning(plain(cell)) for cell in cells)
    if not bad and cells and all(map(str.isdigit, cells)):
        bad = _counted(name)
        flags = flags or bool(bad)
    if not bad and (bad := bad_part(name)) and not flags and not is_reason(name):
        answers = {**dict.fromkeys(_ALL, bad), **answers}
        bad = (
            Said.UNKNOWN if any(map(is_text, cells)) else Said.NOTHING
        )  # it names a bad thing, and says what we can't read
    if flags and not bad and (said := meaning(name)) not in (Said.NOTHING, Said.AGREED):
        bad = said
    if flags and not bad:
        bad = bad_rest(name)
    if flags and not bad and (short := short_part(name)):
        if short is Said.AGREED:
            return StatusColumn(index, shown, StatusMode.YES, answers=answers, empty=_if_empty(cells, no=True))
        bad = short
    if flags and not bad and (name in AGREED or name == "on list") and not are_times(cells):
        return StatusColumn(index, shown, StatusMode.YES, answers=answers, empty=_if_empty(cells, no=True))
    if flags and not bad and good_part(name) and not are_times(cells):
        return StatusColumn(index, shown, StatusMode.YES, answers=answers, empty=_if_empty(cells, no=True))
    if not bad and header.rstrip().endswith("?") and good_part(name) and any(map(agreement_of, cells)):
        return StatusColumn(index, shown, StatusMode.YES, answers=answers, empty=_if_empty(cells, no=True))
    if not bad and (good_part(name) or good_name(name)) and (pair := denied_pair(cells)):
        return StatusColumn(index, shown, StatusMode.YES, answers={**pair, **answers}, empty=_if_empty(cells, no=True))
    if not bad and is_reason(name) and name not in MAYBE_STATES and any(map(is_text, cells)):
        return StatusColumn(index, shown, StatusMode.LOOSE, answers=answers, texts=True, reasons=True)
    if bad:
        return StatusColumn(index, shown, StatusMode.BAD, bad, answers, reasons=is_reason(name))
    if not bad and good_part(name) and 0 < len(set(cells)) <= MAX_KINDS and not are_times(cells):
        heard = {known(cell) or agreement_of(cell) for cell in cells}
        if heard - {Said.NOTHING, Said.AGREED}:
            empty, how = _if_empty(cells, no=True), Said.AGREED not in heard
            return StatusColumn(index, shown, StatusMode.YES, answers=answers, empty=empty, texts=how)
    if name in MAYBE_STATES and cells:
        kinds = {plain(cell) for cell in cells}
        meant = [bool(meaning(kind)) for kind in kinds]
        if (
            all(meant)
            or are_states(cells)
            or (name in STATE_NAMES and any(ideas_in(kind) & _OF_PERSON for kind in kinds))
            or (2 * sum(meant) >= len(meant) and kinds & STRONG.keys() and name in STATE_NAMES)
        ):
            return StatusColumn(index, shown, StatusMode.STATE, answers=answers)
        return StatusColumn(index, shown, StatusMode.LOOSE, answers=answers, texts=True, reasons=True)
    return None


_NUMBER: Final = re.compile(
    r"\b(?:counts?|cnt|counter|number of|nr of|total|times|anzahl|nombre de|numero de|num|qty)\b ?"
)


def _counted(name: str) -> Said:
    """What more than none says in a column that is named after how often mail bounced or was complained about."""
    word = " ".join(_NUMBER.sub(" ", name).split())
    said = short_part(name) or bad_part(word) or bad_name(word)
    return said if said in (Said.BOUNCED, Said.COMPLAINED) else Said.NOTHING


def _state(index: int, shown: str, name: str, cells: Sequence[str], answers: Mapping[str, Said]) -> StatusColumn:
    """A column of states; one of something bad (``bounce status``) says nothing where that is not."""
    bad = bad_part(name)
    if not bad:
        return StatusColumn(index, shown, StatusMode.STATE, answers=answers, empty=_if_empty(cells))
    flags = {**dict.fromkeys(NO - {"never"}, Said.NOTHING), **dict.fromkeys(YES & ANSWERS, bad)}
    hard = dict.fromkeys(_HARD, bad) if bad is Said.BOUNCED else {}
    return StatusColumn(index, shown, StatusMode.STATE, answers={**flags, **hard, **answers}, empty=Said.NOTHING)


_HARD: Final = tuple(
    plain("hard hart dur duro dura permanent permanente twardy twarde twardo жесткий жорсткий kova tvrdy final").split()
)
"""Kinds of bounces that are final."""


def _by_roots(
    index: int, header: str, name: str, cells: Sequence[str], answers: Mapping[str, Said]
) -> StatusColumn | None:
    """By the roots of the words in a name that nobody here knows as it stands."""
    shown = called(header)
    times = are_times(cells)
    if state_name(name) and 0 < len(set(cells)) <= MAX_KINDS and not times and not are_counts(cells):
        return StatusColumn(index, shown, StatusMode.STATE, answers=answers, empty=_if_empty(cells))
    if not cells or is_figure(name):
        return None
    if good_name(name) and all(plain(cell) == name for cell in cells):  # a tick box puts down what stands beside it
        return StatusColumn(index, shown, StatusMode.YES, answers={name: Said.AGREED, **answers}, empty=Said.REFUSED)
    if good_name(name) and are_choices(cells):
        return StatusColumn(index, shown, StatusMode.STATE, answers=answers, empty=Said.UNKNOWN, codes=True)
    if not all(is_flag(cell) or meaning(plain(cell)) for cell in cells):
        asks = good_name(name) and len(set(cells)) <= MAX_KINDS and any(map(agreement_of, cells))
        return StatusColumn(index, shown, StatusMode.YES, answers=answers, empty=Said.REFUSED) if asks else None
    if bad := bad_name(name):
        return StatusColumn(index, shown, StatusMode.BAD, bad, answers)
    if good_name(name) and not times:
        return StatusColumn(index, shown, StatusMode.YES, answers=answers, empty=_if_empty(cells, no=True))
    return None


_OF_MAIL: Final = re.compile(
    r"mail|newsletter|subscri|\bsub\b|\bopt ?(?:in|out)|consent|abonn|\babo\b|рассыл|розсил|uudiskir"
)


_OF_CONSENT: Final = re.compile(r"\b(?:gdpr|dsgvo|rgpd|consent|opt ?in|opt ?out)\b")


def is_of_other(name: str) -> bool:
    """Is a column of states (``plain``) perhaps about something else than mail: ``patron status``?"""
    return name not in STATES and _OF_MAIL.search(name) is None


def _bases(cells: Sequence[str]) -> dict[str, Said]:
    """What a column of legal bases says: of all of them only a consent is one (GDPR article 6)."""
    found = dict(BASES)
    for cell in cells:
        word = plain(cell)
        if LAWFUL_ELSE.search(word):
            found.setdefault(word, Said.REFUSED)
        elif LAWFUL_CONSENT.search(word) and known(cell) in (Said.NOTHING, Said.AGREED):
            found.setdefault(word, Said.AGREED)
    return found


def _by_words(
    index: int, header: str, cells: Sequence[str], answers: Mapping[str, Said], *, strong_only: bool = False
) -> StatusColumn | None:
    """By what stands in it: words that are said of mail alone, or nothing but words of states."""
    kinds = {plain(cell) for cell in cells}
    shown = called(header) or f"column {index + 1}"
    certain = any(strong(word) for word in kinds) or any(
        strong(part) for cell in cells if len(cell) < 500 for part in parts_of(cell)
    )
    states = bool(kinds) and not strong_only and all(meaning(word) for word in kinds)
    if not strong_only and are_states(cells):
        return StatusColumn(index, shown, StatusMode.STATE, answers=answers)
    if not strong_only and any(spoken(cell) for cell in cells):
        return StatusColumn(index, shown, StatusMode.LOOSE, answers=answers, texts=True)
    if not strong_only and kinds and _all_gone(kinds):
        return StatusColumn(index, shown, StatusMode.LOOSE, answers=answers, texts=True, reasons=True)
    if certain or states:
        return StatusColumn(index, shown, StatusMode.STRONG if strong_only else StatusMode.LOOSE, answers=answers)
    return None


def _all_gone(kinds: Collection[str]) -> bool:
    """Are there nothing but reasons why people are gone?"""
    said = [phrase(kind) for kind in kinds if not elsewhere(kind)]
    if len(said) < len(kinds) or not any(one in OFFERS for one in said):
        return False
    return all(phrase(kind) in OFFERS or text_part(kind) in OFFERS for kind in kinds)


def _flagged(name: str) -> bool:
    return stem(name) in YES_NAMES and not name.endswith((" reason", " source", " url", " ip"))


def says_when(name: str, cells: Sequence[str]) -> bool:
    """Are most cells of a column (``plain``) times, and those of consents?"""
    if not good_part(name) or elsewhere(name) or bad_part(name) or negative(name):
        return False
    return 2 * sum(map(is_time, cells)) > len(cells)


def _if_empty(cells: Sequence[str], *, no: bool = False) -> Said:
    """An empty cell beside cells that are set says nothing good; a column that is empty all over says nothing."""
    if not cells:
        return Said.NOTHING
    return Said.REFUSED if no else Said.UNKNOWN


def in_groups(index: int, header: str, cells: Sequence[str], answers: Mapping[str, Said]) -> StatusColumn | None:
    """A column of groups or labels as one that says something of a person: only words that are said of mail alone."""
    found = _by_words(index, header, cells, answers, strong_only=True)
    labels = {}
    for part in {part for cell in cells for part in parts_of(cell)}:
        if said := strong(" ".join(word for word in part.split() if word not in _BESIDE)):
            labels[part] = said
    if labels:
        answers = {**_whole(cells, labels), **answers}
        found = found or StatusColumn(index, called(header), StatusMode.STRONG)
        found.answers = answers
    return found


_BESIDE: Final = frozenset(
    plain(
        "newsletter newsletters email emails mail mails mailing mailings list news from"
        " users subscribers contacts members people customers kunden abonnenten контакты"
    ).split()
)
"""What a label may say beside a word of states: ``Newsletter unsubscribed``."""


def _whole(cells: Sequence[str], labels: Mapping[str, Said]) -> dict[str, Said]:
    """What cells say that have such a label."""
    found: dict[str, Said] = {}
    for cell in cells:
        said = [labels[part] for part in parts_of(cell) if part in labels]
        if said:
            found[answer_of(cell)] = max(said, key=WEIGHT.__getitem__)
    return found
