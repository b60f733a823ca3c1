"""Of several columns that may say something of a person those that do: a mere ``Status`` may be an order's. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from relay.lists import list_finding, list_shapes
from relay.lists.list_heard import is_unclear, stem
from relay.lists.list_matters import is_deal, is_plan
from relay.lists.list_roots import good_name
from relay.lists.list_status import StatusColumn, StatusMode, known
from relay.lists.list_status_names import STATES
from relay.lists.list_unclear import may_speak
from relay.lists.list_words import CANCELLED, GOODS, IN_FORCE, Said, meaning, plain, strong

Cells = Callable[[int], list[str]]
"""What stands in a column, by its index; empty cells left out."""
_E_MAIL: Final = re.compile(r"\be ?mail")
_CODE: Final = re.compile(r"-?\d{1,4}\Z")
_SPEAKS: Final = (StatusMode.STATE, StatusMode.YES)


def chosen(
    status: Sequence[StatusColumn], names: Sequence[str], cells: Cells, rows: Sequence[Sequence[str]] = ()
) -> list[StatusColumn]:
    """``names`` of all columns, ``plain``; ``rows``: a sample of the people."""
    found = [column for column in status if not by_other_way(names[column.index], names)]
    if any(_leaving(column, names[column.index]) for column in found):
        for column in found:
            if column.mode is StatusMode.BAD and stem(names[column.index]) in CANCELLED:
                column.bad = Said.REFUSED  # what was cancelled is something else
            elif column.mode is StatusMode.STATE and names[column.index] in list_finding.MERE:
                column.answers = {**dict.fromkeys(CANCELLED, Said.REFUSED), **column.answers}
    if any(map(is_deal, names)):
        found = [column for column in found if not _of_goods(column, names[column.index], cells)]
    found = _without_counts(found, names, cells, rows)
    found = _without_codes(_of_person(found, names, cells), names, cells)
    _mend_empty(found, cells)
    for column in found:
        if column.mode is StatusMode.YES and is_unclear(names[column.index]):
            _turn(column, [one for one in found if one is not column], names, cells, rows)
    return found


def _turn(
    column: StatusColumn,
    others: Sequence[StatusColumn],
    names: Sequence[str],
    cells: Cells,
    rows: Sequence[Sequence[str]],
) -> None:
    """Flags that merely name mail (``E-mail xyz``) are no agreement where most who agreed have a no there."""
    told = [one for one in others if one.mode in _SPEAKS and names[one.index] not in IN_FORCE and _has_good(one, cells)]
    if not told or not list_shapes.are_flags(cells(column.index)):
        return
    both = [row for row in rows if len(row) > max(column.index, *(one.index for one in told))]
    beside = [row[column.index] for row in both if all(one.said(row[one.index]) is Said.AGREED for one in told)]
    said = [column.said(cell) for cell in beside]
    if 2 * said.count(Said.AGREED) < len(said):
        column.known.clear()
        column.mode, column.bad, column.empty = StatusMode.BAD, Said.UNKNOWN, Said.NOTHING


def by_other_way(name: str, names: Sequence[str]) -> bool:
    """Does a column about another way to a person stand beside the same one about e-mail?

    ``Do not mail`` beside ``requests no email`` is of letters on paper, ``Marketing (text)`` beside ``Marketing
    (email)`` of text messages.
    """
    mailed = [one for one in names if _E_MAIL.search(one) or _MAIL_WAY.search(one)]
    if _WAY.search(name) and any(_MAIL_WAY.sub("", one) == _WAY.sub("", name) for one in mailed):
        return True
    return _E_MAIL.search(name) is None and any(
        _E_MAIL.search(one) and (_E_MAIL.sub("mail", one) == name or (_NO_MAIL.match(name) and _NO_E_MAIL.search(one)))
        for one in mailed
    )


_WAY: Final = re.compile(
    r"\b(?:post|postal|paper|print|text|sms|phone|tel|telefon\w*|telephone|call|calls|fax|push|whatsapp|viber|letter|brief"
    r"|anruf|courrier|poste|posta|puhelin|posti|kiri|почтой|звонок|звонки|дзвінки|telemarketing)\b"
)
_MAIL_WAY: Final = re.compile(r"\b(?:e ?mails?|mail|courriels?|correo|e ?post|email\w{0,2})\b")
_NO_MAIL: Final = re.compile(r"(?:do not|don t|no) ?mail\Z|nomail\Z")
_NO_E_MAIL: Final = re.compile(r"\b(?:do not|don t|no|not) ?(?:\w+ )?e ?mail")


def _leaving(column: StatusColumn, name: str) -> bool:
    """Is a column about leaving in words that can be of nothing but mail?"""
    return column.mode is StatusMode.BAD and column.bad is Said.LEFT and "unsub" in name.replace(" ", "")


def _mend_empty(status: Sequence[StatusColumn], cells: Cells) -> None:
    """Where one column says who agreed, an empty cell of one that has bad words alone says nothing."""
    good = [column for column in status if column.mode in _SPEAKS and _has_good(column, cells)]
    for column in status:
        if column.mode is StatusMode.STATE and column not in good and good:
            column.empty = Said.NOTHING


def _has_good(column: StatusColumn, cells: Cells) -> bool:
    return any(column.said(cell) is Said.AGREED for cell in cells(column.index))


def _without_counts(
    found: list[StatusColumn], names: Sequence[str], cells: Cells, rows: Sequence[Sequence[str]]
) -> list[StatusColumn]:
    """How often mail bounced says nothing where the state is told, or where others whose mail bounced are no longer
    on the list; it is asked about where a mere agreement stands beside it."""
    numbers = [column for column in found if _counts(column, names[column.index], cells)]
    speaking = [column for column in found if column.mode in _SPEAKS and _has_good(column, cells)] if numbers else []
    if not speaking:
        return found
    told = any(column.mode is StatusMode.STATE for column in speaking)
    gone = []
    for column in numbers:
        column.bad = Said.UNKNOWN
        column.known.clear()
        if told or _SOFT.search(names[column.index]) or _heeded(column, speaking, rows):
            gone.append(column)
    return [column for column in found if column not in gone] or found


def _heeded(number: StatusColumn, speaking: Sequence[StatusColumn], rows: Sequence[Sequence[str]]) -> bool:
    """Is anybody with such a number no longer among those who agreed?"""
    last = max(number.index, *(column.index for column in speaking))
    return any(
        number.said(row[number.index]) and any(column.said(row[column.index]) is not Said.AGREED for column in speaking)
        for row in rows
        if len(row) > last
    )


def _counts(column: StatusColumn, name: str, cells: Cells) -> bool:
    """Are these numbers of bounces, final ones not among them?"""
    found = cells(column.index)
    if column.mode is not StatusMode.BAD or column.bad is Said.COMPLAINED or _HARD.search(name) is not None:
        return False
    return list_shapes.are_counts(found) or (_SOFT.search(name) is not None and all(map(str.isdigit, found)))


_HARD: Final = re.compile(r"\b(?:hard\w*|hb|hbnc|hart\w*|dur\w*|permanent\w*)\b")
_SOFT: Final = re.compile(r"\bsoft\w*\b")


def _of_person(status: list[StatusColumn], names: Sequence[str], cells: Cells) -> list[StatusColumn]:
    """Without a mere ``Status`` of which no word is known, where another column says who agreed.

    In a list of orders or bookings a mere ``Status`` or ``Canceled`` is the order's.
    """
    named = any(column.mode is StatusMode.STATE and _told(column, names[column.index], cells) for column in status)
    if not any(column.mode is StatusMode.YES for column in status):
        return [column for column in status if not named or not _is_strange(column, names[column.index], cells)]
    if any(_asks(column, names[column.index], cells) for column in status):
        for column in status:
            _of_members(column, names[column.index], cells)
        deal, plan = any(map(is_deal, names)), any(map(is_plan, names))
        status = [column for column in status if not (deal and _of_deal(column, names[column.index], cells))]
        status = [column for column in status if not (plan and _of_plan(column, names[column.index], cells))]
    strange = [
        column
        for column in status
        if _is_strange(column, names[column.index], cells)
        or (
            column.mode is StatusMode.STATE
            and names[column.index] not in list_finding.MERE
            and list_finding.is_of_other(names[column.index])
            and not any(map(_meant, cells(column.index)))
        )
    ]
    return [column for column in status if column not in strange]


def _is_strange(column: StatusColumn, name: str, cells: Cells) -> bool:
    """Is it a mere ``Status`` of which no word is known?"""
    if column.mode is not StatusMode.STATE or name not in list_finding.MERE:
        return False
    return not any(known(cell) or list_shapes.is_flag(cell) for cell in cells(column.index))


def _told(column: StatusColumn, name: str, cells: Cells) -> bool:
    """Does a column of states that is of mail by its name say who agreed?"""
    return not list_finding.is_of_other(name) and name not in list_finding.MERE and _has_good(column, cells)


def _of_deal(column: StatusColumn, name: str, cells: Cells) -> bool:
    """Is a column without a word of mail in it or its name about an order rather than a person?"""
    if any(strong(plain(cell)) for cell in cells(column.index)):
        return False
    if column.mode is StatusMode.STATE:
        return name in list_finding.MERE
    return column.mode is StatusMode.BAD and name in CANCELLED


def _of_members(column: StatusColumn, name: str, cells: Cells) -> None:
    """Beside the answers to who gets mail a ``passive member`` says nothing of mail."""
    if column.mode is StatusMode.STATE and name in list_finding.MERE:
        words = {plain(cell) for cell in cells(column.index)}
        column.answers = {**{word: Said.NOTHING for word in words if _PASSIVE.search(word)}, **column.answers}


_PASSIVE: Final = re.compile(
    r"\b(?:passiv\w*|pasiv\w*|forder\w*|ehren|supporting|honorary|пассивн\w*|пасивн\w*|toetaja) ?"
    r"(?:mitglied|member|membre|miembro|socio|член|учасник|liige|medlem|jasen)"
)


def _of_goods(column: StatusColumn, name: str, cells: Cells) -> bool:
    """Beside orders: does a state say what became of goods?"""
    words = {plain(cell) for cell in cells(column.index)}
    return column.mode is StatusMode.STATE and "mail" not in name and bool(words) and words <= GOODS


def _asks(column: StatusColumn, name: str, cells: Cells) -> bool:
    """Does a column answer by yes and no whether somebody gets mail?"""
    return column.mode is StatusMode.YES and good_name(name) and list_shapes.are_flags(cells(column.index))


def _of_plan(column: StatusColumn, name: str, cells: Cells) -> bool:
    """Does a mere ``Active`` say whether somebody pays?"""
    return name in IN_FORCE and list_shapes.are_flags(cells(column.index))


def _meant(cell: str) -> bool:
    """Is it a word of states by itself?"""
    return meaning(plain(cell)) is not Said.NOTHING


def _without_codes(status: list[StatusColumn], names: Sequence[str], cells: Cells) -> list[StatusColumn]:
    """Numbers of states (1, 2, 3) are each program's own: without them, or asked about where nothing else speaks."""
    codes = [column for column in status if column.mode is StatusMode.STATE and _are_codes(cells(column.index))]
    unclear = [column for column in codes if _of_mail(names[column.index])]
    others = [column for column in status if column not in codes]
    if any(column.mode in _SPEAKS and not list_shapes.are_times(cells(column.index)) for column in others):
        for column in unclear:
            column.codes = True
            column.known.clear()
        return [*others, *unclear]
    for column in codes:
        column.codes = True
        column.known.clear()
    return status


def _of_mail(name: str) -> bool:
    """Is a column of numbers about mail, for all its name says: ``Mailkz``?"""
    return name not in STATES and (good_name(name) or may_speak(name))


def _are_codes(cells: Sequence[str]) -> bool:
    return all(map(_CODE.match, cells)) and any(cell not in ("0", "1") for cell in cells)
