"""Rows of a list as entries: one person each, or why a line is none.

What a line says of its person goes before whatever else is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from relay.lists.list_cells import addresses_in, named_in, nothing_else
from relay.lists.list_columns import Columns
from relay.lists.list_rows import Bad
from relay.lists.list_status import StatusColumn, StatusMode, answer_of, soft
from relay.lists.list_words import NO, OFFERS, WEIGHT, Said, settled
from relay.mail.address import Address, AddressError
from relay.people.profiles import MAX_VALUE
from relay.values.dates import address_in, time_in, unescape
from relay.values.moments import absent

_AGREED: Final = WEIGHT[Said.AGREED]
MAX_GROUPS: Final = 50
"""Groups that one line may name."""
_APART: Final = re.compile(r"[;,|]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_NONE: Final[dict[str, str]] = {}


@dataclass(slots=True)
class Entry:
    """A usable line; ``at`` in seconds UTC, None where the line has none."""

    line: int
    address: Address
    at: float | None = None
    """When the person agreed."""
    listed: float | None = None
    """When the person came onto the list, where that is all the list says."""
    ip: str = ""
    topic: str = ""
    said: Said = Said.NOTHING
    """What the list says of the person."""
    where: str = ""
    """The column and the words that say it."""
    born: str = ""
    """The birth date as it stands there."""
    groups: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    """Values by name, empty ones left out."""
    cell: str = field(default="", compare=False)
    """The words themselves, by which an answer names them; empty where it has none."""


class Entries:
    """Makes entries of rows; what does not change from row to row is looked up once."""

    def __init__(
        self, columns: Columns, *, header: int, width: int, claim: Said, dates: str, vague: bool = False
    ) -> None:
        """``header``: cells of the header, ``width``: cells that a row may have (0: none; any number); ``claim``: what
        the file says of everyone, ``vague``: without saying why; ``dates``: how those in two ways are read."""
        roles = columns.roles
        self._columns = columns
        self._email = roles["email"][0]
        self._at = roles.get("at", ())
        self._listed = roles.get("listed", ())
        self._ip = roles.get("ip", ())
        self._topic = roles.get("topic", (-1,))[0]
        self._born = roles.get("born", (-1,))[0]
        self._groups = roles.get("groups", (-1,))[0]
        self._status = list(columns.status)
        self._claim = claim
        self._vague = vague
        self._dates = dates
        self._header = header
        self._width = width
        self._attributes = columns.attributes
        self._names_from_address = not any(name == "name" for _, name in columns.attributes)

    def turn(self, claim: Said) -> None:
        """What the file says of everyone from here on."""
        self._claim, self._vague = claim, False

    def entry(self, number: int, row: list[str]) -> Entry | Bad:
        """One row as one person."""
        width = len(row)
        text = unescape(row[self._email].strip()) if self._email < width else ""
        if not text:
            return self._nobody(number, row)
        try:
            address, name = address_in(text)
            if 0 < self._header < width and self._too_wide(row):
                return Bad(number, _all_addresses(row) or text[:254], _beyond(self._header, width))
            entry = Entry(number, address, attributes=_NONE)
            if 0 <= self._topic < width:
                entry.topic = row[self._topic].strip()
            if self._status or self._claim:
                self._judge(entry, row)
                if WEIGHT[entry.said] > _AGREED:
                    return entry  # whatever else is wrong with the line costs nothing
            if self._attributes:
                entry.attributes = self._values(row)
            if name and self._names_from_address:
                entry.attributes = {**entry.attributes, "name": _value("name", name)}
            if self._at:
                entry.at = self._time(row, self._at)
            if self._listed and entry.at is None:
                entry.listed = self._time(row, self._listed)
            if 0 <= self._groups < width and row[self._groups]:
                entry.groups = _groups(row[self._groups])
        except AddressError as error:
            return Bad(number, text[:254], _several(text) or str(error))
        except ValueError as error:
            return Bad(number, text[:254], str(error))
        for index in self._ip:
            if index < width and (cell := row[index].strip()):
                entry.ip = cell
                break
        if 0 <= self._born < width:
            entry.born = row[self._born].strip()
        return entry

    def parts(self, number: int, row: list[str]) -> Iterator[Entry | Bad]:
        """A row that may name several people: each of them, or what is left of it."""
        if self._columns.every or (len(row) == 1 and not self._header and "@" in row[0]):
            yield from self._each(number, row)
            return
        entry = self.entry(number, row)
        yield entry
        canonical = entry.address.canonical if isinstance(entry, Entry) else ""
        for index, name in self._columns.others:
            if index < len(row) and "@" in row[index]:
                for address in addresses_in(row[index])[0]:
                    if address.canonical != canonical and canonical:
                        yield Bad(number, address.canonical, _left(index, name))

    def _each(self, number: int, row: list[str]) -> Iterator[Entry | Bad]:
        for cell in row:
            if not (text := cell.strip()):
                continue
            try:
                address, name = address_in(unescape(text))
                yield self._claimed(
                    Entry(number, address, attributes={"name": _value("name", name)} if name else _NONE)
                )
            except (AddressError, ValueError) as error:
                found = addresses_in(text)[0]
                if len(found) > 1 and nothing_else(text):
                    for one in found:
                        yield self._claimed(Entry(number, one))
                elif named := named_in(text):
                    yield from self._each(number, named)
                else:
                    yield Bad(number, text[:254], (_several(text) if len(found) > 1 else "") or str(error))

    def _too_wide(self, row: list[str]) -> bool:
        """Are there cells beyond the header that shift the others, or hold another address?"""
        beyond = "".join(row[self._header :])
        return "@" in beyond or (len(row) > self._width and "".join(row[self._width :]).strip() != "")

    def _claimed(self, entry: Entry) -> Entry:
        if self._claim:
            self._judge(entry, [])
        return entry

    def _nobody(self, number: int, row: list[str]) -> Bad:
        others = [(i, name) for i, name in self._columns.others if i < len(row) and "@" in row[i]]
        if others:
            index, name = others[0]
            return Bad(
                number, row[index].strip()[:254], f"there is an address in {_column(index, name)} alone: move it"
            )
        return Bad(number, _all_addresses(row)[:254], "there is no address in this line")

    def _time(self, row: list[str], places: tuple[int, ...]) -> float | None:
        for index in places:
            if index < len(row) and (text := row[index].strip()) and not absent(text):
                return time_in(text, self._dates)
        return None

    def _judge(self, entry: Entry, row: list[str]) -> None:
        """The heaviest of what the columns and the file say; of who is out, a reason tells more than the state."""
        why = False
        for column in self._status:
            cell = row[column.index] if column.index < len(row) else ""
            said = column.said(cell)
            if (
                (said and WEIGHT[said] > WEIGHT[entry.said] and not (why and said is Said.LEFT))
                or (said and soft(cell) and entry.said is Said.BOUNCED)
                or (column.reasons and said is Said.BOUNCED and entry.said is Said.LEFT)
            ):
                entry.said, entry.where = said, _words(column, cell)
                entry.cell = f"{column.name}:{cell}" if column.mode is StatusMode.ASKED else cell
                why = why or (column.reasons and said is Said.BOUNCED)
        entry.said = settled(entry.said)
        if self._claim and entry.said not in OFFERS:
            self._claimed_of(entry, row)

    def _claimed_of(self, entry: Entry, row: list[str]) -> None:
        """What the file's name says of a person, unless a column tells this one from those who are out: then ask.

        ``dnc-check.csv`` may be the list of those who are out, or one in which a column says who is.
        """
        for column in self._status if self._vague else ():
            cell = row[column.index] if column.index < len(row) else ""
            word = answer_of(cell)
            if column.answers.get(word) is Said.AGREED:
                return
            in_state = column.mode is StatusMode.STATE and column.said(cell) is Said.AGREED
            if in_state or (column.mode is StatusMode.BAD and word in NO):
                where = f"{_words(column, cell)}, and the file's name that these people are out"
                entry.said, entry.where, entry.cell = Said.UNKNOWN, where, f"{column.name}:{cell}"
                return
        entry.said, entry.where = self._claim, "the file's name or title"

    def _values(self, row: list[str]) -> dict[str, str]:
        width = len(row)
        return {
            name: _value(name, cell)
            for index, name in self._attributes
            if index < width and (cell := row[index].strip())
        }


def _words(column: StatusColumn, cell: str) -> str:
    shown = " ".join(cell.split())[:60]
    return f"{column.name!r} is {shown!r}" if shown else f"{column.name!r} is empty"


def _several(text: str) -> str:
    """Why a cell with several addresses can't be taken; empty for any other."""
    found, odd = addresses_in(text)
    if len(found) + len(odd) < 2:
        return ""
    return "there are several addresses in one cell: which of them agreed? Give each a line of its own"


def _all_addresses(row: list[str]) -> str:
    return "; ".join(" ".join(cell.split()) for cell in row if "@" in cell)[:254]


def _beyond(wanted: int, found: int) -> str:
    return (
        f"the line has {found} cells where the header has {wanted}: put cells that hold the separator in quotes, and "
        "each address on a line of its own"
    )


def _column(index: int, name: str) -> str:
    return f"column {index + 1} ({name!r})" if name else f"column {index + 1}"


def _left(index: int, name: str) -> str:
    return f"a further address of this line, left out: in {_column(index, name)}; list it by itself if it agreed too"


def _value(name: str, cell: str) -> str:
    if len(cell) > MAX_VALUE:
        raise ValueError(f"the value of {name!r} is longer than {MAX_VALUE} characters")
    cell = unescape(cell)
    return cell if cell.isprintable() else _CONTROL.sub(" ", cell).strip()


@lru_cache(maxsize=4096)
def _groups(cell: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(" ".join(part.split()) for part in _APART.split(unescape(cell)) if part.strip()))
    if len(found) > MAX_GROUPS:
        raise ValueError(f"the line names more than {MAX_GROUPS} groups")
    return found
