"""Who may have how many copies in memory.

Nobody has a fixed share. A tenant may have as much as is left free beside it,
and each of its lanes as much as the tenant has left: a tenant alone gets half,
its only lane a third, and however many slow tenants or domains there are, the
next one still finds room (the dynamic threshold of Choudhury and Hahne, 1998).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

from relay.queue.lanes import Lane

K = TypeVar("K")


class Room:
    """Counts of one process; copies under way count like those in memory."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0
        self._by_tenant: Counter[int] = Counter()
        self._by_lane: Counter[Lane] = Counter()

    def held(self, lane: Lane) -> int:
        return self._by_lane[lane]

    def add(self, lane: Lane, copies: int) -> None:
        """Take room, or give it back with a number below 0."""
        self.used += copies
        _add(self._by_tenant, lane.tenant_id, copies)
        _add(self._by_lane, lane, copies)

    def for_tenant(self, tenant_id: int) -> int:
        """More copies that the tenant may have: each takes one from what is free and adds one to what it has."""
        return (self.most - self.used - self._by_tenant[tenant_id] + 1) // 2

    def for_lane(self, lane: Lane) -> int:
        """More copies that the lane may have."""
        beside = self.most - self.used - self._by_tenant[lane.tenant_id]
        return (beside - self._by_lane[lane] + 2) // 3

    def take(self, tenant_id: int, domains: Iterable[str]) -> bool:
        """Take room for all copies of a submission, or for none."""
        if len(wanted := Counter(domains)) == 1:
            ((domain, copies),) = wanted.items()
            lane = Lane(tenant_id, domain)
            if self.for_lane(lane) < copies:
                return False
            self.add(lane, copies)
            return True
        if self.for_tenant(tenant_id) < wanted.total():
            return False
        lanes = [(Lane(tenant_id, domain), copies) for domain, copies in wanted.items()]
        if any(self.for_lane(lane) < copies for lane, copies in lanes):
            return False
        for lane, copies in lanes:
            self.add(lane, copies)
        return True


def _add(counter: Counter[K], key: K, number: int) -> None:
    counter[key] += number
    if not counter[key]:
        del counter[key]
