"""What became of a tenant's or a campaign's mail, added up from rows and counters."""

from __future__ import annotations

from dataclasses import dataclass

from relay.campaigns import campaigns
from relay.store.contract import Tx
from relay.values.states import State


@dataclass(frozen=True, slots=True)
class Figures:
    """Copies, and persons for the last two."""

    accepted: int
    delivered: int
    bounced: int
    """Refused for good, or given up at the end of their time."""
    deferred: int
    """Tried, waiting for a retry."""
    held: int
    unsubscribed: int
    complained: int


def of_tenant(conn: Tx, tenant_id: int) -> Figures:
    """All of the tenant's mail that retention has kept."""
    states = dict(
        conn.execute(
            "SELECT state, count(*) FROM recipient WHERE tenant_id = ? GROUP BY state", (tenant_id,)
        ).fetchall()
    )
    events = dict(
        conn.execute(
            "SELECT kind, count(*) FROM event WHERE tenant_id = ? AND kind IN ('unsubscribed', 'complained')"
            " GROUP BY kind",
            (tenant_id,),
        ).fetchall()
    )
    return Figures(
        accepted=sum(states.values()),
        delivered=states.get(State.DELIVERED, 0),
        bounced=states.get(State.BOUNCED, 0) + states.get(State.EXPIRED, 0),
        deferred=_deferred(conn, "tenant_id", tenant_id),
        held=states.get(State.HELD, 0),
        unsubscribed=events.get("unsubscribed", 0),
        complained=events.get("complained", 0),
    )


def of_campaign(conn: Tx, campaign: campaigns.Campaign) -> Figures:
    """One campaign, from its own counters, whatever retention has taken away."""
    return Figures(
        accepted=campaign.recipients,
        delivered=campaign.delivered,
        bounced=campaign.bounced,
        deferred=_deferred(conn, "campaign_id", campaign.id),
        held=campaigns.held(conn, campaign.id),
        unsubscribed=campaign.unsubscribed,
        complained=campaign.complained,
    )


def _deferred(conn: Tx, column: str, value: int) -> int:
    row = conn.execute(
        f"SELECT count(*) FROM recipient WHERE state = 0 AND tenant_id >= 0 AND attempts > 0 AND {column} = ?", (value,)
    ).fetchone()
    return int(row[0])
