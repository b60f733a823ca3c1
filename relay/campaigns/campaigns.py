"""Campaigns: found or made as mail is accepted, numbered, staged, released or declined (R10 to R13).

All functions work in the caller's transaction. After ``release`` and
``decline`` the held copies are worked off, at once or in short chunks; a
crash in between loses nothing, ``unfinished`` tells what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from relay.campaigns import record
from relay.store.contract import Tx
from relay.values.errors import RegistryError
from relay.values.facts import CampaignFigures

UNTRIED_S: Final = 3600.0
LEAVING_S: Final = 7 * 86_400.0
COLUMNS: Final = (
    "id, tenant_id, stream_id, name, topic, from_address, subject, state, created_at, recipients, passed, delivered,"
    " bounced, unsubscribed, complained, window_started_at, decided_at, decided_by, why, reason, share, ahead, draw,"
    " tried, blind, asked_at, contested, suspicion, tracked"
)


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as stored; times in seconds UTC."""

    id: int
    tenant_id: int
    stream_id: int
    name: str
    topic: str
    from_address: str
    subject: str
    state: str
    """open, staged, watching, undecided, stopped, released or declined."""
    created_at: float
    recipients: int
    """Numbers given out so far."""
    passed: int
    """Let through by the stage."""
    delivered: int
    bounced: int
    unsubscribed: int
    complained: int
    window_started_at: float | None
    decided_at: float | None
    decided_by: str
    why: str
    reason: str
    """Why it is staged."""
    share: int
    """Of ``every`` numbers so many go at once."""
    ahead: int
    """Recipients that went before numbering began."""
    draw: bytes | None
    """Key of the draw."""
    tried: int = 0
    """Copies that were tried once, or came to an end before."""
    blind: int = 0
    """Of those delivered: at sites that report no complaints."""
    asked_at: float | None = None
    """When it was left to people."""
    contested: int = 0
    """People who said that they never agreed."""
    suspicion: str = ""
    """Of forbidden content; empty: none."""
    tracked: int = 0
    """Delivered copies whose openings or clicks are known: of persons who agreed to it."""


# --- reading --------------------------------------------------------------------------


def by_id(conn: Tx, campaign_id: int) -> Campaign:
    """Raises RegistryError if there is none."""
    row = conn.execute(f"SELECT {COLUMNS} FROM campaign WHERE id = ?", (campaign_id,)).fetchone()
    if row is None:
        raise RegistryError(f"there is no campaign {campaign_id}; `relay campaign list` shows all")
    return Campaign(*row)


def list_(conn: Tx, tenant_id: int | None = None, limit: int = 1_000) -> list[Campaign]:
    """The newest ``limit`` campaigns, newest first."""
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM campaign WHERE ?1 IS NULL OR tenant_id = ?1 ORDER BY id DESC LIMIT ?2",
        (tenant_id, limit),
    )
    return [Campaign(*row) for row in rows]


def page(conn: Tx, tenant_id: int, before: int | None, limit: int) -> list[Campaign]:
    """The tenant's, newest first, older than ``before``."""
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM campaign WHERE tenant_id = ? AND (? IS NULL OR id < ?) ORDER BY id DESC LIMIT ?",
        (tenant_id, before, before, limit),
    )
    return [Campaign(*row) for row in rows]


def undecided(conn: Tx, states: Sequence[str], limit: int) -> list[Campaign]:
    """Of all tenants, those in one of the states, the one that waits longest first."""
    marks = ",".join("?" * len(states))
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM campaign WHERE state IN ({marks}) ORDER BY coalesce(asked_at, created_at), id LIMIT ?",
        (*states, limit),
    )
    return [Campaign(*row) for row in rows]


def held(conn: Tx, campaign_id: int) -> int:
    """How many of the campaign's copies are held, for whatever reason."""
    row = conn.execute("SELECT count(*) FROM recipient WHERE campaign_id = ? AND state = 1", (campaign_id,)).fetchone()
    return int(row[0])


def figures(conn: Tx, campaign_id: int, now: float) -> CampaignFigures:
    """What a policy decides on; ``sent``: let through by the stage. A window not begun starts at 0."""
    c = by_id(conn, campaign_id)
    return CampaignFigures(
        campaign_id=c.id,
        recipients=c.recipients,
        held=held(conn, c.id),
        sent=c.passed,
        delivered=c.delivered,
        bounced=c.bounced,
        unsubscribed=c.unsubscribed,
        complained=c.complained,
        window_started_at=c.window_started_at or 0.0,
        now=now,
        share=c.share,
        reason=c.reason,
        together=record.together(conn, c.tenant_id, now),
        tried=c.tried,
        blind=c.blind,
        decided=c.state == "released",
        contested=c.contested,
    )


def leaving(conn: Tx, actor: str, now: float) -> list[int]:
    """Campaigns that ``actor`` released and of which copies are still on their way; for a week."""
    rows = conn.execute(
        "SELECT id FROM campaign WHERE state = 'released' AND decided_at > ? AND decided_by = ?"
        " AND recipients > delivered + bounced ORDER BY id",
        (now - LEAVING_S, actor),
    )
    return [int(row[0]) for row in rows]


def flows(conn: Tx, actor: str) -> list[tuple[int, int]]:
    """(campaign id, stream id) of the flows that ``actor`` released: they have no last copy."""
    rows = conn.execute(
        "SELECT k.id, k.stream_id FROM stream s JOIN campaign k ON k.tenant_id = s.tenant_id AND k.stream_id = s.id"
        " WHERE s.flow = 1 AND k.state = 'released' AND k.decided_by = ? AND k.likeness IS NULL ORDER BY k.id",
        (actor,),
    )
    return [(int(row[0]), int(row[1])) for row in rows]


def rolling(conn: Tx, campaign_id: int, stream_id: int, now: float) -> CampaignFigures:
    """Figures of a flow: what its stream's last seven days came to, from daily sums."""
    rows = conn.execute(
        "SELECT kind, sum(value) FROM daily WHERE tenant_id = (SELECT tenant_id FROM stream WHERE id = ?)"
        " AND stream_id = ? AND day > ? GROUP BY kind",
        (stream_id, stream_id, int(now // 86_400.0) - 7),
    )
    sums = dict(rows.fetchall())
    came_back = sums.get("returned", 0)
    delivered = max(0, sums.get("delivered", 0) - came_back)
    bounced = sums.get("bounced", 0) + sums.get("expired", 0) + came_back
    return CampaignFigures(
        campaign_id=campaign_id,
        recipients=sums.get("accepted", 0),
        held=0,
        sent=delivered + bounced,
        delivered=delivered,
        bounced=bounced,
        unsubscribed=sums.get("unsubscribed", 0),
        complained=sums.get("complained", 0),
        window_started_at=now,
        now=now,
        decided=True,
    )


def overdue(conn: Tx, before: float) -> list[int]:
    """Campaigns left to people before that time of which the next haven't been called yet."""
    rows = conn.execute(
        "SELECT id FROM campaign WHERE state IN ('undecided', 'stopped') AND asked_at < ? AND called_next = 0"
        " ORDER BY id",
        (before,),
    )
    return [int(row[0]) for row in rows]


def clock_set(conn: Tx, by: float) -> int:
    """Windows that run last as long as they would have, after the clock was set; how many. ``by`` in seconds."""
    return conn.execute(
        "UPDATE campaign SET window_started_at = window_started_at + ?1, asked_at = asked_at + ?1"
        " WHERE state IN ('staged', 'watching', 'undecided', 'stopped') AND window_started_at IS NOT NULL",
        (by,),
    ).rowcount


def begin_windows(conn: Tx, now: float) -> int:
    """The window of a campaign begins when the last of its first part was tried once (R11); how many began.

    A copy that was taken back before it was tried doesn't keep it waiting for more than an hour.
    """
    return conn.execute(
        "UPDATE campaign SET state = 'watching', window_started_at = ? WHERE state = 'staged' AND passed > 0"
        " AND (tried >= passed OR last_at < ?)",
        (now, now - UNTRIED_S),
    ).rowcount
