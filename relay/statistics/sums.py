"""The follower that adds up: by hour, and by day and part. What is counted and what not is as in ``events.daily``.

What happened since the follower's last turn is added as figures are read, so
that they are of this moment and agree with the totals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from relay.events import details
from relay.events.follow import Follower
from relay.events.places import PLACES_OF
from relay.events.write import DELIVERED, PLACES, RETURNED, TOLD, ToldCopy
from relay.store.contract import Tx

NAME: Final = "statistics"
HOUR_S: Final = 3_600
DAY_S: Final = 86_400
MOST_NAMES: Final = 50
"""Sites of one campaign's day that are kept apart; the rest is one."""
SITE: Final = "site"
CLASS: Final = "class"
KINDS: Final = (
    "accepted", "delivered", "returned", "bounced", "expired", "unsubscribed", "complained", "contested",
)  # fmt: skip
_IN: Final = ", ".join(f"'{kind}'" for kind in KINDS)
_ACCEPTED: Final = """
SELECT e.id, e.tenant_id, e.at, coalesce(e.campaign_id, 0), e.amount, r.domain, count(r.domain)
  FROM event e JOIN submission s ON s.id = e.submission_id
  LEFT JOIN recipient r ON r.submission_id = e.submission_id
 WHERE e.id > ? AND e.id <= ? AND e.tenant_id > 0 AND e.kind = 'accepted' AND s.stream_id <> 0
 GROUP BY e.id, e.tenant_id, e.at, e.campaign_id, e.amount, r.domain
"""
_EVENTS: Final = f"""
SELECT e.tenant_id, e.at, e.kind, coalesce(e.campaign_id, 0), e.amount, e.detail, coalesce(r.domain, ''),
       e.submission_id, e.number
  FROM event e LEFT JOIN submission s ON s.id = e.submission_id
  LEFT JOIN recipient r ON r.submission_id = e.submission_id AND r.number = e.number
 WHERE e.id > ? AND e.id <= ? AND e.tenant_id > 0 AND coalesce(e.number, 0) <> {TOLD}
   AND (s.stream_id IS NULL OR s.stream_id <> 0) AND e.kind IN ({_IN}, 'soft-bounced') AND e.kind <> 'accepted'
"""
_TOLD: Final = f"""
SELECT e.at, e.kind, e.detail, e.tenant_id FROM event e
 WHERE e.id > ? AND e.id <= ? AND (e.tenant_id = {PLACES} OR e.number = {TOLD} AND e.kind = '{RETURNED}')
"""
_CAME_BACK: Final = f"SELECT 1 FROM event WHERE submission_id = ? AND number = ? AND kind = '{RETURNED}'"
_COPY: Final = "SELECT coalesce(campaign_id, 0), domain FROM recipient WHERE submission_id = ? AND number = ?"
_COPIES: Final = msgspec.json.Decoder(list[ToldCopy])
HourKey = tuple[int, int, int, str]
"""(tenant_id, hour since 1970, campaign_id, kind)."""
PartKey = tuple[int, str, int, int, str, str]
"""(tenant_id, part, day since 1970, campaign_id, name, kind)."""


@dataclass(slots=True)
class StatisticsBatch:
    """What some events add up to."""

    hours: Counter[HourKey] = field(default_factory=Counter)
    parts: Counter[PartKey] = field(default_factory=Counter)

    def add(self, tenant_id: int, at: float, campaign_id: int, kind: str, amount: int, site: str) -> None:
        if amount:
            self.hours[tenant_id, int(at) // HOUR_S, campaign_id, kind] += amount
            self.parts[tenant_id, SITE, int(at) // DAY_S, campaign_id, site, kind] += amount


def read(conn: Tx, after: int, until: int) -> StatisticsBatch:
    """What the events of (after, until] add up to."""
    batch = StatisticsBatch()
    _accepted(conn, batch, after, until)
    for at, kind, detail, whose in conn.execute(_TOLD, (after, until)).fetchall():
        if whose == PLACES:
            for one in PLACES_OF.decode(detail):
                if one.tenant_id > 0 and one.stream_id:
                    batch.add(one.tenant_id, at, one.campaign_id, DELIVERED, one.copies, one.domain)
            continue
        for tenant_id, stream_id, submission_id, number in _COPIES.decode(detail):
            if tenant_id > 0 and stream_id:
                found = conn.execute(_COPY, (submission_id, number)).fetchone() or (0, "")
                batch.add(tenant_id, at, int(found[0]), kind, 1, str(found[1]))
    for row in conn.execute(_EVENTS, (after, until)).fetchall():
        _event(conn, batch, *row)
    return batch


def _accepted(conn: Tx, batch: StatisticsBatch, after: int, until: int) -> None:
    """By the recipients' domains, as far as their rows are still there."""
    left: dict[int, tuple[int, float, int, int]] = {}
    for id_, tenant_id, at, campaign_id, amount, domain, copies in conn.execute(_ACCEPTED, (after, until)).fetchall():
        _, _, _, rest = left.setdefault(id_, (tenant_id, at, campaign_id, amount))
        told = min(copies, rest)
        batch.add(tenant_id, at, campaign_id, "accepted", told, domain or "")
        left[id_] = (tenant_id, at, campaign_id, rest - told)
    for tenant_id, at, campaign_id, rest in left.values():
        batch.add(tenant_id, at, campaign_id, "accepted", rest, "")


def _event(
    conn: Tx,
    batch: StatisticsBatch,
    tenant_id: int,
    at: float,
    kind: str,
    campaign_id: int,
    amount: int,
    text: str,
    domain: str,
    submission_id: int | None,
    number: int | None,
) -> None:
    if kind in ("bounced", "expired", "soft-bounced"):
        name = _class(conn, kind, amount, details.parsed(text), submission_id, number)
        if name:
            batch.parts[tenant_id, CLASS, int(at) // DAY_S, campaign_id, name, "bounced"] += 1
    if kind in KINDS:
        batch.add(tenant_id, at, campaign_id, kind, amount, domain)


def _class(
    conn: Tx, kind: str, amount: int, told: Mapping[str, Any], submission_id: int | None, number: int | None
) -> str:
    """Why a copy failed; empty where its failure is counted by another event."""
    reported = not amount or kind == "soft-bounced"  # of a copy that came back, once
    if reported and (told.get("again") or not conn.execute(_CAME_BACK, (submission_id, number)).fetchone()):
        return ""
    return str(details.of(kind, told).get("class") or kind)


def write(conn: Tx, batch: StatisticsBatch) -> None:
    """Add them to what there is, in the caller's transaction."""
    conn.executemany(
        "INSERT INTO stat_hour (tenant_id, hour, campaign_id, kind, value) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (tenant_id, hour, campaign_id, kind) DO UPDATE SET value = stat_hour.value + excluded.value",
        [(*key, value) for key, value in sorted(batch.hours.items())],
    )
    conn.executemany(
        "INSERT INTO stat_part (tenant_id, part, day, campaign_id, name, kind, value) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (tenant_id, part, day, campaign_id, name, kind)"
        " DO UPDATE SET value = stat_part.value + excluded.value",
        [(*key, value) for key, value in sorted(_kept(conn, batch.parts).items())],
    )


def _kept(conn: Tx, parts: Counter[PartKey]) -> Counter[PartKey]:
    """With the names for which there is no more room as one."""
    rooms: dict[tuple[int, str, int, int], set[str]] = {}
    found: Counter[PartKey] = Counter()
    for (tenant_id, part, day, campaign_id, name, kind), value in sorted(parts.items(), key=lambda one: -one[1]):
        place = (tenant_id, part, day, campaign_id)
        if place not in rooms:
            sql = "SELECT DISTINCT name FROM stat_part WHERE tenant_id = ? AND part = ? AND day = ? AND campaign_id = ?"
            rooms[place] = {str(row[0]) for row in conn.execute(sql, place).fetchall()}
        known = rooms[place]
        kept = name if name in known or len(known) < MOST_NAMES else ""
        known.add(kept)
        found[*place, kept, kind] += value
    return found


def unread(conn: Tx) -> StatisticsBatch:
    """What happened since the follower's last turn; in one transaction with what is added to it."""
    after, until = conn.execute(
        "SELECT coalesce((SELECT position FROM follower WHERE name = ?), 0), (SELECT max(id) FROM event)", (NAME,)
    ).fetchone()
    return read(conn, after, until or 0)


def forget(conn: Tx, before: float) -> int:
    """Delete hours that ended before, days last; how many rows. In the caller's transaction."""
    return conn.execute("DELETE FROM stat_hour WHERE hour < ?", (int(before) // HOUR_S,)).rowcount


FOLLOWER: Final = Follower(NAME, read, write)
