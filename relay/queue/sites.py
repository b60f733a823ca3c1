"""What waits, by destination: how much, when it is tried next, and what went wrong there last. Plain reads."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from relay.queue.held import word
from relay.store.contract import Tx
from relay.store.sqlite.fragments import by_index


@dataclass(frozen=True, slots=True)
class SiteRow:
    """Times in seconds UTC; ``failed_at`` None: nothing failed there of what was looked at."""

    domain: str
    waiting: int
    due_at: float
    leased: int
    """Of them, being delivered now."""
    tried: int
    """Of them, tried before."""
    failed_at: float | None
    status: str
    remote: str


@dataclass(frozen=True, slots=True)
class QueueSums:
    """All that waits or is held now."""

    ready: int
    deferred: int
    leased: int
    held: dict[str, int]
    """By the reason they are held for."""


LANES_LOOKED_AT: Final = 5
"""Of a site, those with most copies that were tried."""
COPIES_LOOKED_AT: Final = 8
"""Of each of them at either end: what failed last is due soonest, what failed often is due last."""
_LANES: Final = (
    "SELECT tenant_id, domain, count(*), min(due_at), count(nullif(attempts, 0)) FROM recipient"
    " WHERE state = 0 GROUP BY tenant_id, domain"
)
"""From the index alone: a million take a fifth of a second, and by their rows ten seconds."""
_LEASED: Final = (
    "SELECT tenant_id, domain, count(*), count(nullif(attempts, 0))"
    f" FROM recipient {by_index('recipient_leased')} WHERE owner IS NOT NULL AND state = 0 GROUP BY tenant_id, domain"
)
_HELD_IN_CAMPAIGNS: Final = (
    "SELECT c.tenant_id, sum(h.held) FROM (SELECT campaign_id, count(*) AS held FROM recipient WHERE state = 1"
    " AND campaign_id IS NOT NULL GROUP BY campaign_id) h JOIN campaign c ON c.id = h.campaign_id GROUP BY c.tenant_id"
)
"""By campaign, as held copies are indexed; few belong to none."""
_HELD_ELSE: Final = (
    "SELECT tenant_id, count(*) FROM recipient WHERE state = 1 AND campaign_id IS NULL GROUP BY tenant_id"
)
_TRIED: Final = (
    "SELECT r.changed_at, r.status, r.remote FROM (SELECT submission_id, number FROM recipient WHERE state = 0"
    " AND tenant_id = ? AND domain = ? AND attempts > 0 ORDER BY due_at{} LIMIT ?) looked"
    " JOIN recipient r ON r.submission_id = looked.submission_id AND r.number = looked.number"
)


class LaneSum(NamedTuple):
    """Of a tenant's copies for one domain."""

    tenant_id: int
    domain: str
    waiting: int
    due_at: float
    tried: int
    leased: int
    leased_tried: int


class QueueCount(NamedTuple):
    """What was counted: finished copies aren't, however many are kept."""

    lanes: list[LaneSum]
    held: dict[str, int]


def counted(conn: Tx) -> QueueCount:
    """All that waits or is held; takes the longer the more that is."""
    return QueueCount(_lanes(conn), _held(conn))


def sums(count: QueueCount) -> QueueSums:
    """Of all."""
    lanes = count.lanes
    waiting, tried = sum(one.waiting for one in lanes), sum(one.tried for one in lanes)
    leased, leased_tried = sum(one.leased for one in lanes), sum(one.leased_tried for one in lanes)
    deferred = tried - leased_tried
    return QueueSums(waiting - leased - deferred, deferred, leased, count.held)


def by_tenant(conn: Tx, count: QueueCount) -> dict[int, int]:
    """How many copies of each tenant wait or are held."""
    found: Counter[int] = Counter()
    for lane in count.lanes:
        found[lane.tenant_id] += lane.waiting
    for sql in (_HELD_IN_CAMPAIGNS, _HELD_ELSE):
        for tenant_id, held in conn.execute(sql):
            found[int(tenant_id)] += int(held)
    return dict(found)


def listing(conn: Tx, count: QueueCount, tenant_id: int | None, domain: str, limit: int) -> list[SiteRow]:
    """The sites of a tenant (None: of all), or the one site; those with most copies first."""
    found: defaultdict[str, list[LaneSum]] = defaultdict(list)
    for one in count.lanes:
        if tenant_id in (None, one.tenant_id) and domain in ("", one.domain):
            found[one.domain].append(one)
    order = sorted(found.items(), key=lambda item: (-sum(one.waiting for one in item[1]), item[0]))
    return [_site(conn, name, lanes) for name, lanes in order[:limit]]


def _lanes(conn: Tx) -> list[LaneSum]:
    leased = {(tenant_id, domain): (int(n), int(tried)) for tenant_id, domain, n, tried in conn.execute(_LEASED)}
    return [
        LaneSum(tenant_id, domain, int(n), float(due_at), int(tried), *leased.get((tenant_id, domain), (0, 0)))
        for tenant_id, domain, n, due_at, tried in conn.execute(_LANES)
    ]


def _held(conn: Tx) -> dict[str, int]:
    held: dict[str, int] = {}
    for held_by, reason, count in conn.execute(
        "SELECT held_by, hold_reason, count(*) FROM recipient WHERE state = 1"
        " GROUP BY campaign_id, held_by, hold_reason"
    ):  # in the index's order, three times as fast as without the campaign
        name = word(held_by, reason)
        held[name] = held.get(name, 0) + int(count)
    return dict(sorted(held.items()))


def _site(conn: Tx, domain: str, lanes: list[LaneSum]) -> SiteRow:
    tried = sorted((one for one in lanes if one.tried), key=lambda one: -one.tried)
    at, status, remote = _failed(conn, tried[:LANES_LOOKED_AT])
    return SiteRow(
        domain,
        sum(one.waiting for one in lanes),
        min(one.due_at for one in lanes),
        sum(one.leased for one in lanes),
        sum(one.tried for one in lanes),
        at,
        status,
        remote,
    )


def _failed(conn: Tx, lanes: Iterable[LaneSum]) -> tuple[float | None, str, str]:
    """What came of the latest try of what is looked at."""
    found = [
        (float(at), str(status), str(remote))
        for one in lanes
        for end in ("", " DESC")
        for at, status, remote in conn.execute(_TRIED.format(end), (one.tenant_id, one.domain, COPIES_LOOKED_AT))
    ]
    return max(found, key=lambda one: one[0]) if found else (None, "", "")
