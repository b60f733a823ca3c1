"""What became of a tenant's or a campaign's mail, from daily sums and the campaign's own counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Final

from relay.campaigns import campaigns, refusals
from relay.events import daily
from relay.store.contract import Tx
from relay.store.database import reading

_HELD_IN_CAMPAIGNS: Final = (
    "SELECT count(*) FROM recipient WHERE state = 1 AND campaign_id IN (SELECT id FROM campaign WHERE tenant_id = ?)"
)
_DEFERRED_OF: Final = (
    "SELECT count(*) FROM recipient WHERE state = 0 AND attempts > 0 AND tenant_id = ? AND campaign_id = ?"
)
_DEFERRED_IN_CAMPAIGNS: Final = (
    "SELECT count(*) FROM recipient WHERE state = 0 AND attempts > 0 AND tenant_id = ? AND campaign_id IS NOT NULL"
)
_DEFERRED_ELSE: Final = (
    "SELECT count(*) FROM (SELECT submission_id, number FROM recipient WHERE state = 0 AND attempts > 0"
    " AND tenant_id = ? AND campaign_id IS NULL) w JOIN recipient r"
    " ON r.submission_id = w.submission_id AND r.number = w.number WHERE r.subscriber_id > 0"
)
_HELD_ELSE: Final = "SELECT count(*) FROM recipient WHERE state = 1 AND campaign_id IS NULL AND tenant_id = ?"


@dataclass(frozen=True, slots=True)
class Figures:
    """Copies, and persons from ``unsubscribed`` on."""

    accepted: int
    delivered: int
    bounced: int
    """Refused for good, or given up at the end of their time."""
    deferred: int
    """Tried, waiting for a retry."""
    held: int
    unsubscribed: int
    complained: int
    refused: Mapping[str, int] = field(default_factory=dict)
    """Recipients that were refused, by the reply's word or code."""
    contested: int = 0
    """Persons who said that they never agreed, as far as it counts."""


def of_tenant(conn: Tx, tenant_id: int) -> Figures:
    """All of the tenant's mail, from daily sums; what waits now is counted. Notices to the tenant itself aren't its."""
    with reading(conn):
        sums = daily.of_tenant(conn, tenant_id)
        return Figures(
            accepted=sums["accepted"],
            delivered=sums["delivered"],
            bounced=sums["bounced"] + sums["expired"],
            deferred=_deferred(conn, tenant_id),
            held=_held(conn, tenant_id),
            unsubscribed=sums["unsubscribed"],
            complained=sums["complained"],
            contested=sums["contested"],
            refused=refusals.of_tenant(conn, tenant_id),
        )


def by_tenant(conn: Tx) -> dict[int, Figures]:
    """The same of each tenant that there is, by its id."""
    found = [int(row[0]) for row in conn.execute("SELECT id FROM tenant ORDER BY id").fetchall()]
    return {tenant_id: of_tenant(conn, tenant_id) for tenant_id in found}


def total(found: Iterable[Figures]) -> Figures:
    """All together."""
    rows = list(found)
    names = [one.name for one in fields(Figures) if one.name != "refused"]
    refused: Counter[str] = Counter()
    for row in rows:
        refused.update(row.refused)
    return Figures(**{name: sum(getattr(row, name) for row in rows) for name in names}, refused=dict(refused))


def of_campaign(conn: Tx, campaign: campaigns.Campaign, deferred: int | None = None) -> Figures:
    """One campaign, from its own counters, whatever retention has taken away; ``deferred`` where that is counted."""
    return Figures(
        accepted=campaign.recipients,
        delivered=campaign.delivered,
        bounced=campaign.bounced,
        deferred=deferred_of(conn, campaign) if deferred is None else deferred,
        held=campaigns.held(conn, campaign.id),
        unsubscribed=campaign.unsubscribed,
        complained=campaign.complained,
        contested=campaign.contested,
        refused=refusals.of_campaign(conn, campaign.tenant_id, campaign.id),
    )


def _held(conn: Tx, tenant_id: int) -> int:
    """By campaign, as held copies are indexed; few belong to none."""
    held = 0
    for sql in (_HELD_IN_CAMPAIGNS, _HELD_ELSE):
        held += int(conn.execute(sql, (tenant_id,)).fetchone()[0])
    return held


def _deferred(conn: Tx, tenant_id: int) -> int:
    """Campaigns' from the index alone; of the others by their rows who is a person: notices to the tenant itself aren't
    its own."""
    deferred = 0
    for sql in (_DEFERRED_IN_CAMPAIGNS, _DEFERRED_ELSE):
        deferred += int(conn.execute(sql, (tenant_id,)).fetchone()[0])
    return deferred


def deferred_of(conn: Tx, campaign: campaigns.Campaign) -> int:
    """From the index of what waits alone, of all that its tenant has waiting."""
    row = conn.execute(_DEFERRED_OF, (campaign.tenant_id, campaign.id)).fetchone()
    return int(row[0])
