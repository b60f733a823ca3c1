"""Whose turn it is: of a site's hosts and addresses those that failed least often, since it was last reached.

A connection tries only so many addresses; over the tries all get their turn,
and the best come first again as soon as one of them worked.
"""

from __future__ import annotations

import random
from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import TypeVar

from relay.delivery.smtp.route import Host

T = TypeVar("T")
MOST_SITES = 1000
MOST_NAMES = 2000
"""Hosts and addresses of one site that are remembered."""


class Turns:
    """Failures of sites that were not reached since; the longest untouched are forgotten first."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._failed: OrderedDict[str, Counter[str]] = OrderedDict()

    def hosts(self, site: str, hosts: Sequence[Host]) -> list[Host]:
        """By failures, then by preference (RFC 5321 §5.1), equal ones in random order."""
        if len(hosts) == 1:
            return list(hosts)
        failed = self._failed.get(site, Counter())
        shuffled = self._shuffled(hosts)
        return sorted(shuffled, key=lambda host: (failed[host.name], host.preference))

    def addresses(self, site: str, addresses: Sequence[str]) -> list[str]:
        """By failures, equal ones in random order, IPv4 and IPv6 alike."""
        if len(addresses) == 1:
            return list(addresses)
        failed = self._failed.get(site, Counter())
        return sorted(self._shuffled(addresses), key=lambda address: failed[address])

    def failed(self, site: str, name: str) -> None:
        """A host, or an address, was tried in vain."""
        counts = self._failed.setdefault(site, Counter())
        self._failed.move_to_end(site)
        if name in counts or len(counts) < MOST_NAMES:
            counts[name] += 1
        if len(self._failed) > MOST_SITES:
            self._failed.popitem(last=False)

    def reached(self, site: str) -> None:
        self._failed.pop(site, None)

    def _shuffled(self, names: Sequence[T]) -> list[T]:
        shuffled = list(names)
        self._rng.shuffle(shuffled)
        return shuffled
