"""The first half of an import: a list's lines, judged as far as each alone can tell (R2, R5)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from relay.keys.secrets import Secrets
from relay.lists.consent_staging import Staging
from relay.lists.list_file import Bad, Entry, ListFile
from relay.lists.list_sort import GONE, Line, Sorter
from relay.lists.list_words import OFFERS, Said
from relay.people import profiles
from relay.people.consent_rules import ROLE, ConsentRefused, ConsentTerms, check_ip, check_time
from relay.people.doubtful import is_role, near_miss
from relay.people.grades import grade_of, too_low
from relay.people.mailbox import mailbox_of
from relay.values.dates import day_of, under_age
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
    domains: frozenset[str] = frozenset()
    """Domains that are right, though they look like a slip."""
    demanded: str = "C"
    """The grade that the topic demands."""
    suppress: bool = False
    """Suppress those of whom the list itself says that they left, bounced or complained."""


_SAYS: Final = {
    Said.LEFT: "the list says that this person left",
    Said.BOUNCED: "the list says that mail to this person bounced",
    Said.COMPLAINED: "the list says that this person complained",
    Said.REFUSED: "the list says that this person did not agree, or not yet, or no longer",
}
_OF_ALL_MAIL: Final = (Said.BOUNCED, Said.COMPLAINED)
"""Said of all mail to a person, whatever topic the line is about."""
ASKED: Final = "the list says something of this person that nobody here knows"
_MOST_ASKED: Final = 100
_MAX_WORD: Final = 200


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
        self.offers: Counter[str] = Counter()
        """Lines of people whom the list itself gives a reason to suppress, by reason."""
        self.asked: Counter[str] = Counter()
        """What is asked about, by column and words."""
        self.words: dict[str, str] = {}
        """The same → the words alone."""
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
            elif item.said not in _OF_ALL_MAIL and not self._of_topic(item.topic):
                bad.append(Bad(item.line, item.address.canonical, _other_topic(item.topic)))
            elif item.said and item.said is not Said.AGREED:
                bad.append(self._out(item))
            elif why := _why_not(item, self._order):
                bad.append(Bad(item.line, item.address.canonical, why))
            else:
                usable += 1
                self._sorter.add(self._line(item))
        self._staged.refuse(bad)
        self.usable += usable
        return usable + len(bad)

    def _of_topic(self, named: str) -> bool:
        return not named or named.casefold() == self._order.terms.topic.casefold()

    def _out(self, entry: Entry) -> Bad:
        """Someone of whom the list says that there is no consent."""
        canonical, said = entry.address.canonical, entry.said
        # Other lines of the same person are no consents either: the merge tells them.
        self._sorter.add((canonical, entry.line, 0.0, "", None, None, None, 0, "", GONE))
        if said is Said.UNKNOWN:
            if entry.where in self.asked or len(self.asked) < _MOST_ASKED:
                self.asked[entry.where] += 1
                self.words[entry.where] = " ".join(entry.cell.split())[:_MAX_WORD]
            return Bad(entry.line, canonical, f"{ASKED}: {entry.where}")
        offer = ""
        if said in OFFERS:
            offer = said.value
            self.offers[offer] += 1
        return Bad(entry.line, canonical, f"{_SAYS[said]}: {entry.where}", offer)

    def _line(self, entry: Entry) -> Line:
        canonical, at = entry.address.canonical, entry.at
        return (
            canonical,
            entry.line,
            self._order.now if at is None else at,
            check_ip(entry.ip) if entry.ip else "",
            mailbox_of(canonical),
            profiles.encode(entry.attributes) if entry.attributes else None,
            self._array(entry.groups) if entry.groups else self._common,
            0 if at is None else 1,
            "" if at is not None or entry.listed is None else day_of(entry.listed),
            0,
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


def _other_topic(topic: str) -> str:
    return f"the list says that this consent is for the topic {topic[:60]!r}"


def _why_not(item: Entry, order: Order) -> str:
    """Empty if the line can be taken as far as it alone can tell."""
    canonical = item.address.canonical
    if is_role(canonical):
        return ROLE
    if "." not in item.address.domain and not item.address.domain.startswith("["):
        return f"the domain {item.address.domain!r} has no ending: no mail goes there"
    if (near := near_miss(item.address.domain)) and item.address.domain not in order.domains:
        domain = item.address.domain
        return f"the domain looks like a slip: {domain!r}, is it {near!r}? Mend it, or say --right-domain {domain}"
    try:
        if item.at is not None:
            check_time(item.at, order.now)
        elif item.listed is not None:
            check_time(item.listed, order.now)
        if item.ip:
            check_ip(item.ip)
        for group in item.groups:
            profiles.group_name(group)
        if item.born and under_age(item.born, order.now):
            return UNDER_AGE
        if order.demanded != "C":
            grade = grade_of(order.terms.means, item.ip, dated=item.at is not None)
            if grade > order.demanded:
                return too_low(order.terms.topic, order.demanded, grade)
    except ConsentRefused as error:
        return error.text
    except (RegistryError, ValueError) as error:
        return str(error)
    return ""
