"""What the columns of a list mean, by its header or, without one, by what stands in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from relay.lists import list_expiry, list_finding, list_shapes, list_suspects
from relay.lists.list_cells import addresses_in, named_in, nothing_else
from relay.lists.list_choice import by_other_way, chosen
from relay.lists.list_heard import bad_part, elsewhere, spoken
from relay.lists.list_names import (
    EMAIL,
    OURS,
    OWNERS,
    agrees,
    confirms,
    is_email,
    is_form,
    is_sent,
    role_of,
    time_of,
    time_rank,
)
from relay.lists.list_remarks import again, how_read
from relay.lists.list_rows import MAX_COLUMNS
from relay.lists.list_status import StatusColumn, StatusMode, called
from relay.lists.list_status_names import AGREED_THEN, AGREEMENT
from relay.lists.list_text import ListError
from relay.lists.list_unclear import is_leaving
from relay.lists.list_words import Said, plain
from relay.mail.address import AddressError
from relay.people.consent_rules import check_ip
from relay.people.profiles import MAX_NAME
from relay.values.dates import address_in, time_in, unescape

EVERY: Final = "*"
"""As a column to skip: all that would become attributes."""

_SEPARATED: Final = re.compile(r"\d+[-./]\d+[-./]\d+")
_WORDY: Final = re.compile(r"[^\W\d_][\w \-/()#:*,'?%.!&;\"+…\u2019]*\Z|[¿¡#*(«\"][^@]*\Z")
_BEFORE_LISTS_AT: Final = 788_918_400.0
"""1995: older dates in a column without a name are no times of consents by mail."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What whoever gave the list said of its columns."""

    skip: frozenset[str] = frozenset()
    """Columns that are not taken (``*``: all attributes)."""
    keep: frozenset[str] = frozenset()
    """Columns that say nothing of whether a person may be written to."""
    answers: Mapping[str, Said] | None = None
    """What words of status columns mean, by ``plain`` word; ``COLUMN:WORD`` those of one column."""
    dates: str = ""
    """How dates are read that can be read in two ways (``moments.ORDERS``)."""
    now: float = 0.0
    """Consents that ended before that are over (seconds UTC)."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things stand in a row; ``read_columns`` is the only maker."""

    roles: dict[str, tuple[int, ...]]
    """Role → indexes, the first of them that is not empty counts; ``email`` is always there and one."""
    attributes: tuple[tuple[int, str], ...]
    """Index and name of what is kept as it stands."""
    remarks: tuple[str, ...]
    """What whoever gave the list should know, a sentence each."""
    status: tuple[StatusColumn, ...] = ()
    others: tuple[tuple[int, str], ...] = ()
    """Index and name of further columns with addresses."""
    every: bool = False
    """There is nothing but addresses: each cell is a person."""


def read_columns(header: Sequence[str], sample: Sequence[Sequence[str]], wishes: Wishes) -> Columns:
    """The meaning of the columns; an empty ``header`` says that there is none.

    Raises ListError for what can't be read with certainty.
    """
    if max(len(header), *(len(row) for row in sample), 0) > MAX_COLUMNS:
        raise ListError(f"the list has more than {MAX_COLUMNS} columns; leave in what is needed")
    return _Named(header, sample, wishes).columns() if header else _unnamed(sample, wishes)


def is_header(row: Sequence[str]) -> bool:
    """Does the row name a column with addresses, rather than hold one?"""
    return not any("@" in cell for cell in row) and any(is_email(plain(unescape(cell))) for cell in row)


def may_be_header(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Does a row of words stand above a column of addresses, whatever it calls that?"""
    cells = [cell.strip() for cell in row]
    if sum(map(bool, cells)) < 2 or any("@" in cell for cell in cells):
        return False
    if not all(_WORDY.match(cell) for cell in cells if cell):
        return False
    width = len(row)
    return any(
        len(row[i].strip()) > 1 and below and all(i < len(line) and _is_address(line[i].strip()) for line in below[:5])
        for i in range(width)
    )


_Finder: TypeAlias = Callable[[int, str, Sequence[str], Mapping[str, Said]], StatusColumn | None]


class _Named:
    """A list whose columns have names."""

    def __init__(self, header: Sequence[str], sample: Sequence[Sequence[str]], wishes: Wishes) -> None:
        self._header = header
        self._names = [_name(cell) for cell in header]
        self._plain = [plain(unescape(cell)) for cell in header]
        self._sample = sample
        self._people = [row for row in sample if any("@" in cell for cell in row)]
        """Without sums and notes below the people."""
        self._skip = {_name(name) for name in wishes.skip}
        self._keep = {_name(name) for name in wishes.keep}
        self._given = wishes.answers or {}
        self._wishes = wishes
        self._remarks: list[str] = []
        _check_named(self._skip | self._keep, self._names)

    def columns(self) -> Columns:
        names, counts = self._names, [self._addresses(i) for i in range(len(self._names))]
        email = self._email(counts)
        roles: dict[str, list[int]] = {}
        attributes: dict[str, int] = {}
        status: list[StatusColumn] = []
        others: list[tuple[int, str]] = []
        for index, name in enumerate(names):
            if index == email or not name or name in self._skip:
                continue
            if name in OURS:
                if name == "source" and (column := self._status(index)) is not None:  # SparkPost's `Bounce Rule`
                    status.append(column)
                continue
            role = self._role(index)
            if counts[index] or (is_email(self._plain[index]) and not self._says(index)):
                self._other(index, others)
            elif role and role != "email":
                roles.setdefault(role, []).append(index)
                if role != "groups" or name in self._keep:
                    continue
                if (column := self._status(index, list_finding.in_groups)) is not None:
                    status.append(column)
            elif name not in self._keep and (column := self._until(index) or self._status(index)) is not None:
                status.append(column)
            elif list_finding.says_when(self._plain[index], self._cells(index)):
                roles.setdefault("at", []).append(index)
            elif timed := self._when(index):
                roles.setdefault(timed, []).append(index)
            elif EVERY not in self._skip:
                first = attributes.setdefault(_attribute(name, index), index)
                if first != index:
                    self._remarks.append(again(index, self._header[index], first))
        if "born" in roles and EVERY not in self._skip:
            attributes.setdefault("birthday", roles["born"][0])
        if any(cell.strip() for row in self._sample for cell in _unheaded(names, row)):
            self._remarks.append("columns without a name in the header were not taken")
        if all(column.mode not in (StatusMode.STATE, StatusMode.YES) for column in status):
            leaving = any(column.mode is StatusMode.BAD and column.bad is Said.LEFT for column in status)
            status += self._unproved(roles.get("at", ()), leaving)
        if self._flags_alone(status):
            status += self._unconfirmed(roles.get("at", ()))
        if all(column.mode in (StatusMode.LOOSE, StatusMode.BAD) for column in status):
            status += self._coded(attributes, beside=any(column.mode is StatusMode.BAD for column in status))
        status = chosen(status, self._plain, self._cells, self._people)
        status += self._suspects(attributes, [i for i, name in enumerate(names) if not name and i != email])
        when = [column.index for column in status if self._says_when(column)]
        said = how_read(status, {*roles.get("at", ()), *when})
        self._answered(status, roles, attributes)
        if when:
            roles["at"] = [*roles.get("at", ()), *when]
        kept = tuple((index, name) for name, index in attributes.items())
        nameless = [index for index, name in enumerate(names) if not name and index != email]
        status += self._guards([*(index for index, _ in kept), *roles.get("groups", ()), *nameless])
        ordered = {role: self._ordered(role, found) for role, found in roles.items()}
        self._remarks += said
        return Columns(ordered | {"email": (email,)}, kept, tuple(self._remarks), tuple(status), tuple(others))

    def _role(self, index: int) -> str:
        """What a column is, by its name, or the last part of it (``email.subscribedAt``)."""
        name, header = self._plain[index], self._header[index].strip()
        role = role_of(name)
        if role in ("at", "listed") and list_shapes.are_flags(self._cells(index)):
            return ""  # `Activated`: yes or no
        if not role and "." in header and " " not in header:
            role = role_of(plain(header.rpartition(".")[2]))
        return role

    def _when(self, index: int) -> str:
        """``at`` or ``listed`` of a column of nothing but times, by a part of its name."""
        name, cells = self._plain[index], self._cells(index)
        if bad_part(name) or elsewhere(name) or is_leaving(name) or not list_shapes.are_times(cells):
            return ""
        return time_of(name)

    def _says(self, index: int) -> bool:
        """There are words and no addresses: it is said of the address."""
        cells = self._cells(index)
        return bool(cells) and not any("@" in cell for cell in cells)

    def _addresses(self, index: int) -> int:
        return sum("@" in row[index] and _holds_address(row[index].strip()) for row in self._sample if index < len(row))

    def _email(self, counts: Sequence[int]) -> int:
        named = [i for i, name in enumerate(self._plain) if is_email(name) and self._names[i] not in self._skip]
        others = [i for i, name in enumerate(self._plain) if counts[i] and name not in OWNERS]
        candidates = (named if any(counts[i] for i in named) else others or named) or [0]
        rank = {i: (counts[i], self._plain[i] in EMAIL, -i) for i in candidates}
        best = max(candidates, key=lambda i: rank[i])
        first = min(candidates, key=lambda i: (self._plain[i] not in EMAIL, i))
        # A column that is called just `email` goes before one that is merely filled more often.
        return first if counts[first] * 2 >= counts[best] else best

    def _other(self, index: int, others: list[tuple[int, str]]) -> None:
        shown = called(self._header[index])
        if self._plain[index] in OWNERS or not (self._addresses(index) or is_email(self._plain[index])):
            self._remarks.append(f"column {index + 1} ({shown!r}) is not about the person; it was not taken")
            return
        others.append((index, shown))
        if self._addresses(index):
            self._remarks.append(f"column {index + 1} ({shown!r}) holds addresses too; see the lines")

    def _status(self, index: int, find: _Finder = list_finding.find) -> StatusColumn | None:
        cells = self._cells(index)
        found = find(index, unescape(self._header[index].strip("\ufeff ")), cells, self._answers(index))
        gaps = len(cells) < len(self._people)
        return found and list_suspects.dated(found, self._plain[index], cells, gaps=gaps)

    def _answers(self, index: int) -> Mapping[str, Said]:
        """What whoever gave the list said of the words in a column."""
        if not self._given:
            return self._given
        header = " ".join(unescape(self._header[index].strip("\ufeff ")).split())
        names = {plain(header), plain(called(header))}
        own = {key.rpartition(":")[2]: said for key, said in self._given.items() if key.rpartition(":")[0] in names}
        return {**self._given, **own}

    def _coded(self, attributes: dict[str, int], *, beside: bool) -> Iterator[StatusColumn]:
        """Columns of yes and no that may be about the consent, for all their names say; they are kept no more."""
        for name, index in list(attributes.items()):
            header = unescape(self._header[index].strip("\ufeff "))
            found = list_suspects.coded(index, header, self._cells(index), self._answers(index), beside=beside)
            other = by_other_way(self._plain[index], self._plain)
            if found is not None and name not in self._keep and not other:
                del attributes[name]
                yield found

    def _suspects(self, attributes: dict[str, int], nameless: Sequence[int]) -> Iterator[StatusColumn]:
        """Columns of yes and no that nobody knows; those that are asked about are kept no more."""
        alone = sum(list_shapes.are_flags(self._cells(index)) for index in attributes.values()) <= 1
        for name, index in (*attributes.items(), *(("", index) for index in nameless)):
            cells = self._cells(index)
            if not cells or (name and name in self._keep) or by_other_way(self._plain[index], self._plain):
                continue
            header = unescape(self._header[index].strip("\ufeff "))
            gaps = len(cells) < len(self._people)
            found = list_suspects.suspect(index, header, cells, self._answers(index), gaps=gaps, alone=alone)
            if found is not None:
                if found.both:
                    attributes.pop(name, None)
                yield found

    def _guards(self, places: Sequence[int]) -> Iterator[StatusColumn]:
        for index in places:
            if self._names[index] not in self._keep:
                found = list_suspects.guard(index, unescape(self._header[index].strip("\ufeff ")), self._answers(index))
                if found is not None:
                    yield found

    def _answered(
        self, status: Sequence[StatusColumn], roles: dict[str, list[int]], attributes: dict[str, int]
    ) -> None:
        """Where the lines are answers to a form, the time of an answer is that of the consent in it."""
        asked = [self._header[column.index].strip() for column in status if column.mode in _ANSWERS]
        if "at" in roles or not asked or not is_form(self._plain, asked):
            return
        for name, index in list(attributes.items()):
            if is_sent(self._plain[index]) and list_shapes.are_times(self._cells(index)):
                del attributes[name]
                roles.setdefault("listed", []).append(index)
        if len(roles.get("listed", ())) == 1:
            roles["at"] = roles.pop("listed")

    def _until(self, index: int) -> StatusColumn | None:
        header, wishes = unescape(self._header[index].strip("\ufeff ")), self._wishes
        cells = self._cells(index)
        return list_expiry.until(
            index, header, cells, self._answers(index), beside=self._plain, now=wishes.now, order=wishes.dates
        )

    def _cells(self, index: int) -> list[str]:
        return [cell for row in self._people if index < len(row) and (cell := row[index].strip())]

    def _says_when(self, column: StatusColumn) -> bool:
        """A column of agreements that gives their times: ``OPT_IN``."""
        known = self._role(column.index)
        return not known and column.mode is StatusMode.YES and list_shapes.are_times(self._cells(column.index))

    def _unproved(self, places: Sequence[int], leaving: bool) -> Iterator[StatusColumn]:
        """Columns of confirmations, where nothing else tells who confirmed; of sign-ups, beside those of leaving."""
        for index in places:
            if self._names[index] in self._keep:
                continue
            name = self._plain[index]
            if confirms(name) or AGREED_THEN.search(name) or (leaving and (agrees(name) or AGREEMENT.search(name))):
                column = list_suspects.unproved(index, unescape(self._header[index]), self._cells(index))
                if column is not None:
                    yield column

    def _flags_alone(self, status: Sequence[StatusColumn]) -> bool:
        """Is nothing but a yes said of who subscribed, in one column?"""
        speaking = [column for column in status if column.mode in (StatusMode.STATE, StatusMode.YES)]
        if len(speaking) != 1 or speaking[0].mode is not StatusMode.YES:
            return False
        index = speaking[0].index
        return "subscri" in self._plain[index] and list_shapes.are_flags(self._cells(index))

    def _unconfirmed(self, places: Sequence[int]) -> Iterator[StatusColumn]:
        """Beside a mere yes, a confirmation that others have is asked about."""
        for index in places:
            if self._names[index] not in self._keep and re.search("confirm", self._plain[index]):
                column = list_suspects.unproved(index, unescape(self._header[index]), self._cells(index))
                if column is not None:
                    column.empty = Said.UNKNOWN
                    yield column

    def _ordered(self, role: str, found: list[int]) -> tuple[int, ...]:
        """Of several columns for one thing the best evidence first; one that says the same is told."""
        if role in ("at", "listed", "ip"):
            ordered = tuple(sorted(found, key=lambda i: (time_rank(self._plain[i]), i)))
            if len(ordered) > 1:
                named = ", then ".join(f"column {i + 1} ({self._header[i].strip()[:40]!r})" for i in ordered)
                self._remarks.append(f"of {named} the first that is set was taken as {_ROLES[role]}")
            return ordered
        for index in found[1:] if role != "withdrawn" else ():
            self._remarks.append(again(index, self._header[index], found[0]))
        return (found[0],)


_ANSWERS: Final = (StatusMode.YES, StatusMode.ASKED)
_ROLES: Final = {"at": "the time of the consent", "listed": "the day on the list", "ip": "the IP address"}


def _unheaded(names: Sequence[str], row: Sequence[str]) -> list[str]:
    """The cells of a row that stand under no name, or beyond the last one."""
    return [cell for index, cell in enumerate(row) if index >= len(names) or not names[index]]


def _check_named(wanted: set[str], names: Collection[str]) -> None:
    strange = wanted - set(names) - {EVERY}
    if strange:
        raise ListError(f"there is no column {min(strange)!r} to skip; the list has {', '.join(filter(None, names))}")


def _attribute(name: str, index: int) -> str:
    if len(name) > MAX_NAME or not name.isprintable():
        raise ListError(
            f"the name of column {index + 1} is longer than {MAX_NAME} characters or not printable: "
            f"shorten it, or leave the column out"
        )
    return name


def _unnamed(sample: Sequence[Sequence[str]], wishes: Wishes) -> Columns:
    width = max((len(row) for row in sample), default=0)
    cells = [[row[i].strip() for row in sample if i < len(row) and row[i].strip()] for i in range(width)]
    counts = [sum(_is_address(cell) for cell in column) for column in cells]
    with_at = [sum("@" in cell for cell in column) for column in cells]
    email = max(range(width), key=lambda i: (counts[i], with_at[i], -i), default=0)
    if (
        width > 1
        and sum(map(bool, with_at)) > 1
        and all(nothing_else(cell) or _is_address(cell) or named_in(cell) for column in cells for cell in column)
    ):
        return Columns({"email": (0,)}, (), ("every cell was read as a person's address",), every=True)
    roles: dict[str, tuple[int, ...]] = {"email": (email,)}
    remarks: list[str] = []
    status: list[StatusColumn] = []
    guards: list[StatusColumn] = []
    others: list[tuple[int, str]] = []
    for index, column in enumerate(cells):
        if index == email or not column:
            continue
        if with_at[index] and any(_holds_address(cell) for cell in column):
            others.append((index, ""))
            remarks.append(f"column {index + 1} holds addresses too; see the lines")
        elif "at" not in roles and all(_is_time(cell) for cell in column):
            roles["at"] = (index,)
            remarks.append(f"column {index + 1} was read as the time of the consent")
        elif "ip" not in roles and all(_is_ip(cell) for cell in column):
            roles["ip"] = (index,)
            remarks.append(f"column {index + 1} was read as the IP address")
        elif (found := list_finding.find(index, "", column, wishes.answers or {}, unnamed=True)) is not None:
            status.append(found)
            remarks.append(f"column {index + 1} was read as the person's status")
        else:
            guards.append(StatusColumn(index, f"column {index + 1}", StatusMode.GUARD, answers=wishes.answers or {}))
    if guards:
        remarks.append("columns without a name in the first line were not taken")
    return Columns(roles, (), tuple(remarks), (*status, *guards), tuple(others))


def _name(cell: str) -> str:
    return " ".join(unescape(cell.strip("\ufeff")).split()).casefold()


def _is_address(cell: str) -> bool:
    try:
        return bool(address_in(cell))
    except AddressError:
        return False


def _holds_address(cell: str) -> bool:
    return _is_address(cell) or (not spoken(cell) and bool(addresses_in(cell)[0]))


def _is_time(cell: str) -> bool:
    if not _SEPARATED.match(cell):
        return False
    try:
        return time_in(cell, "dmy") >= _BEFORE_LISTS_AT
    except ValueError:
        return False


def _is_ip(cell: str) -> bool:
    try:
        return bool(check_ip(cell))
    except Exception:
        return False
