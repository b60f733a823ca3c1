"""What rates are made of: outcomes and complaints added up by tenant, ten minutes, stream and campaign.

A follower of events (``relay.events.follow``) makes them, so that no rate ever
counts messages. What counts and what doesn't (R25):

- ``dead``: copies whose address is dead, said by the receiving server, by a
  report afterwards, or by DNS for a domain that doesn't exist;
- ``failed``: other ends without a delivery: refused for another reason, full,
  given up. They are of those that a rate is a part of, and no bounce;
- ``complained``: persons, each once, who called a message spam, by a feedback
  loop (``looped`` too), the page or a letter. What a machine says (virus,
  authentication, vacation programs) is no complaint, a report that proves
  nothing (a shared copy's) neither;
- ``contested``: persons who say that they never agreed (R8b), but for those that count apart: against the relay's own
  double opt-in, and beyond three from one network in a week;
- what never left us is nobody's bounce: recipients refused at RCPT or DATA,
  copies withdrawn because the person left, cancelled or declined. Letters of
  the relay's own count nowhere.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from relay.conduct.sites import site_of
from relay.events.places import PLACES_OF
from relay.events.write import DELIVERED, PLACES, RETURNED, TOLD, ToldCopy
from relay.store.contract import Tx

NAME: Final = "rates"
SLOT_S: Final = 600
DAY_S: Final = 86_400
DELIVERED_: Final = "delivered"
"""Less what came back later."""
DEAD: Final = "dead"
FAILED: Final = "failed"
COMPLAINED: Final = "complained"
LOOPED: Final = "looped"
CONTESTED: Final = "contested"
MOST_SITES: Final = 100
"""Kept apart of one tenant's stream in a day; the rest is one."""
_SANDBOX: Final = "sandbox.invalid"
_TOLD: Final = (
    "SELECT tenant_id, at, kind, detail FROM event WHERE id > ? AND id <= ?"
    f" AND (number = {TOLD} AND kind IN ('{DELIVERED}', '{RETURNED}') OR tenant_id = {PLACES})"
)
_RETURNED: Final = f"""
SELECT e.tenant_id, e.at, s.stream_id FROM event e JOIN submission s ON s.id = e.submission_id
 WHERE e.id > ? AND e.id <= ? AND e.tenant_id > 0 AND e.kind = '{RETURNED}' AND s.stream_id <> 0
"""
_EVENTS: Final = """
SELECT e.tenant_id, e.at, e.kind, e.amount, e.detail, coalesce(e.campaign_id, 0), s.stream_id, r.domain, r.subscriber_id
  FROM event e LEFT JOIN submission s ON s.id = e.submission_id
  LEFT JOIN recipient r ON r.submission_id = e.submission_id AND r.number = e.number
 WHERE e.id > ? AND e.id <= ? AND e.tenant_id > 0
   AND e.kind IN ('bounced', 'soft-bounced', 'expired', 'complained', 'contested')
"""
_COPIES: Final = msgspec.json.Decoder(list[ToldCopy])
SumKey = tuple[int, int, int, int, str]
"""(tenant_id, slot of ten minutes since 1970, stream_id, campaign_id, measure)."""


@dataclass(slots=True)
class RateBatch:
    """What some events add up to."""

    sums: Counter[SumKey] = field(default_factory=Counter)
    sites: Counter[tuple[int, int, int, str]] = field(default_factory=Counter)
    """Delivered, by (tenant_id, day, stream_id, site)."""
    reporters: dict[str, float] = field(default_factory=dict)
    """Sites whose feedback loop reported, and when."""

    @property
    def tenants(self) -> set[int]:
        return {key[0] for key in self.sums}


def read(conn: Tx, after: int, until: int) -> RateBatch:
    """What the events of (after, until] add up to."""
    batch = RateBatch()
    for whose, at, kind, detail in conn.execute(_TOLD, (after, until)):
        slot, day = int(at) // SLOT_S, int(at) // DAY_S
        if whose == PLACES:
            for one in PLACES_OF.decode(detail):
                if one.tenant_id > 0 and one.stream_id:
                    batch.sites[one.tenant_id, day, one.stream_id, site_of(one.domain)] += one.copies
            continue
        amount = 1 if kind == DELIVERED else -1
        for tenant_id, stream_id, _, _ in _COPIES.decode(detail):
            if tenant_id > 0 and stream_id:
                batch.sums[tenant_id, slot, stream_id, 0, DELIVERED_] += amount
    for tenant_id, at, stream_id in conn.execute(_RETURNED, (after, until)):
        batch.sums[tenant_id, int(at) // SLOT_S, stream_id, 0, DELIVERED_] -= 1
    for row in conn.execute(_EVENTS, (after, until)):
        _event(batch, *row)
    return batch


def _event(
    batch: RateBatch,
    tenant_id: int,
    at: float,
    kind: str,
    amount: int,
    text: str,
    campaign_id: int,
    stream_id: int | None,
    domain: str | None,
    person: int | None,
) -> None:
    """``stream_id`` 0: a notice; no ``person``: a letter of the relay's own."""
    detail: Mapping[str, Any] = json.loads(text or "{}")
    if not stream_id or person == 0 or detail.get("again") or domain == _SANDBOX:
        return
    place = (tenant_id, int(at) // SLOT_S, stream_id, campaign_id)
    if kind == "contested":
        batch.sums[*place, CONTESTED] += amount
        return
    if kind == "complained":
        batch.sums[*place, COMPLAINED] += 1
        if detail.get("source") == "report" and domain:
            batch.sums[*place, LOOPED] += 1
            site = site_of(domain)
            batch.reporters[site] = max(at, batch.reporters.get(site, at))
        return
    dead = kind == "bounced" and (detail.get("type") == "hard" or detail.get("hard") is True)
    batch.sums[*place, DEAD if dead else FAILED] += 1


def write(conn: Tx, batch: RateBatch) -> None:
    """Add them to what there is, in the caller's transaction."""
    conn.executemany(
        "INSERT INTO rate_sum (tenant_id, slot, stream_id, campaign_id, measure, value) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (tenant_id, slot, stream_id, campaign_id, measure)"
        " DO UPDATE SET value = rate_sum.value + excluded.value",
        [(*key, value) for key, value in sorted(batch.sums.items()) if value],
    )
    rooms: dict[tuple[int, int, int], set[str]] = {}
    rows: Counter[tuple[int, int, int, str]] = Counter()
    for (tenant_id, day, stream_id, site), count in sorted(batch.sites.items()):
        key = (tenant_id, day, stream_id)
        if key not in rooms:
            sql = "SELECT site FROM rate_site WHERE tenant_id = ? AND day = ? AND stream_id = ?"
            rooms[key] = {str(row[0]) for row in conn.execute(sql, key)}
        known = rooms[key]
        kept = site if site in known or len(known) < MOST_SITES else ""
        known.add(kept)
        rows[*key, kept] += count
    conn.executemany(
        "INSERT INTO rate_site (tenant_id, day, stream_id, site, delivered) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (tenant_id, day, stream_id, site)"
        " DO UPDATE SET delivered = rate_site.delivered + excluded.delivered",
        [(*key, count) for key, count in sorted(rows.items())],
    )
    conn.executemany(
        "INSERT INTO rate_reporter (site, at) VALUES (?, ?)"
        " ON CONFLICT (site) DO UPDATE SET at = CASE WHEN excluded.at > rate_reporter.at THEN excluded.at"
        " ELSE rate_reporter.at END",
        sorted(batch.reporters.items()),
    )


def forget(conn: Tx, before: float) -> int:
    """Delete the sums of slots and days that ended before; how many rows."""
    gone = conn.execute("DELETE FROM rate_sum WHERE slot < ?", (int(before) // SLOT_S,)).rowcount
    return gone + conn.execute("DELETE FROM rate_site WHERE day < ?", (int(before) // DAY_S,)).rowcount
