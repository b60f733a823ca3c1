"""The first half of an import: a list's lines, judged as far as each alone can tell (R2, R5)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from relay.keys.secrets import Secrets
from relay.lists.consent_staging import Staging
from relay.lists.list_file import Bad, Entry, ListFile
from relay.lists.list_sort import Line, Sorter
from relay.people import profiles
from relay.people.consent_rules import ConsentRefused, ConsentTerms, check_ip, check_time
from relay.people.mailbox import mailbox_of
from relay.values.dates import under_age
from relay.values.errors import RegistryError

_CACHED: Final = 4096
_TOGETHER: Final = 5_000
"""Lines between two looks at how far it is."""

UNDER_AGE: Final = "the person is under 16; nothing of this line is kept"


@dataclass(frozen=True, slots=True)
class Order:
    """One import: who, what, on whose word. All people go into ``groups`` too."""

    tenant_id: int
    secrets: Secrets
    terms: ConsentTerms
    actor: str
    now: float
    dry_run: bool = False
    groups: tuple[str, ...] = ()


class Reader:
    """Puts the usable lines of a file in order, and the others aside."""

    def __init__(self, file: ListFile, order: Order, sorter: Sorter, staged: Staging) -> None:
        self._order = order
        self._sorter = sorter
        self._staged = staged
        self._lines = file.read()
        self.names: list[str] = []
        """Groups, in the order of their places."""
        self._places: dict[str, int] = {}
        self.usable = 0
        """Lines that can be taken as far as they alone can tell."""
        self._arrays: dict[tuple[str, ...], str] = {}
        self._common = self._array(()) if order.groups else None

    def read(self) -> Iterator[int]:
        """Reads to the end; yields how many lines it has read, now and then. Raises ListError, RegistryError."""
        lines = 0
        while found := self._some():
            lines += found
            yield lines

    def _some(self) -> int:
        bad: list[Bad] = []
        usable = 0
        for item in islice(self._lines, _TOGETHER):
            if isinstance(item, Bad):
                bad.append(item)
            elif why := _why_not(item, self._order):
                bad.append(Bad(item.line, item.address.canonical, why))
            else:
                usable += 1
                self._sorter.add(self._line(item))
        self._staged.refuse(bad)
        self.usable += usable
        return usable + len(bad)

    def _line(self, entry: Entry) -> Line:
        canonical = entry.address.canonical
        return (
            canonical,
            entry.line,
            self._order.now if entry.at is None else entry.at,
            check_ip(entry.ip) if entry.ip else "",
            mailbox_of(canonical),
            profiles.encode(entry.attributes) if entry.attributes else None,
            self._array(entry.groups) if entry.groups else self._common,
        )

    def _array(self, groups: tuple[str, ...]) -> str:
        """Places of a line's groups, with those of all lines."""
        found = self._arrays.get(groups)
        if found is None:
            if len(self._arrays) >= _CACHED:
                self._arrays.clear()
            places = [self._place(profiles.group_name(name)) for name in (*self._order.groups, *groups)]
            found = self._arrays[groups] = json.dumps(places)
        return found

    def _place(self, name: str) -> int:
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = len(self.names)
            self.names.append(name)
            if len(self.names) > profiles.MAX_GROUPS:
                raise RegistryError(profiles.TOO_MANY_GROUPS)
        return place


def _why_not(item: Entry, order: Order) -> str:
    """Empty if the line can be taken as far as it alone can tell."""
    if item.withdrawn:
        return "the list says that this consent was withdrawn"
    if item.topic and item.topic != order.terms.topic:
        return f"the list says that this consent is for the topic {item.topic[:60]!r}"
    try:
        if item.at is not None:
            check_time(item.at, order.now)
        if item.ip:
            check_ip(item.ip)
        for group in item.groups:
            profiles.group_name(group)
        if item.born and under_age(item.born, order.now):
            return UNDER_AGE
    except ConsentRefused as error:
        return error.text
    except (RegistryError, ValueError) as error:
        return str(error)
    return ""
