"""Campaigns: found or made as mail is accepted, numbered, staged, released or declined (R10 to R13).

All functions work in the caller's transaction. After ``release`` and
``decline`` the held copies are worked off, at once or in short chunks; a
crash in between loses nothing, ``unfinished`` tells what is left.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from relay.pipeline.contract import CampaignFigures
from relay.queue.drop import Copy, give_up
from relay.queue.model import State
from relay.registry import audit
from relay.registry.errors import RegistryError

SAME_S: Final = 24 * 3600.0
"""Without a name given, mail with one stream, From and Subject is one campaign for this long."""
CHUNK: Final = 5_000
"""Copies worked off in one transaction by those who share the store."""
STAGED: Final = "staged"
"""``hold_reason`` of copies that wait for their campaign's verdict."""
MAX_WHY: Final = 1_000

UNDECIDED: Final = frozenset({"open", "staged", "watching", "undecided", "stopped"})

_COLUMNS: Final = (
    "id, tenant_id, stream_id, name, topic, from_address, subject, state, created_at, recipients, passed, delivered,"
    " bounced, unsubscribed, complained, window_started_at, decided_at, decided_by, why"
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


# --- as mail is accepted ------------------------------------------------------------


def for_message(
    conn: sqlite3.Connection,
    tenant_id: int,
    stream_id: int,
    name: str,
    *,
    explicit: bool,
    topic: str,
    from_address: str,
    subject: str,
    now: float,
) -> Campaign:
    """The campaign that a message belongs to, made if there is none.

    A name that the client gave (``explicit``) is good for ever on its stream;
    one made of stream, From and Subject for 24 hours.
    """
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM campaign WHERE tenant_id = ? AND stream_id = ? AND name = ? AND created_at > ?"
        " ORDER BY created_at DESC, id DESC LIMIT 1",
        (tenant_id, stream_id, name, -1.0 if explicit else now - SAME_S),
    ).fetchone()
    if row is None:
        row = conn.execute(
            "INSERT INTO campaign (tenant_id, stream_id, name, topic, from_address, subject, state, created_at)"
            f" VALUES (?, ?, ?, ?, ?, ?, 'open', ?) RETURNING {_COLUMNS}",
            (tenant_id, stream_id, name, topic, from_address, subject, now),
        ).fetchone()
    return Campaign(*row)


def allot(conn: sqlite3.Connection, campaign_id: int, n: int) -> int:
    """Give out ``n`` numbers in the campaign; returns the first (numbers begin at 1)."""
    row = conn.execute(
        "UPDATE campaign SET recipients = recipients + ? WHERE id = ? RETURNING recipients", (n, campaign_id)
    ).fetchone()
    return int(row[0]) - n + 1


# --- reading --------------------------------------------------------------------------


def by_id(conn: sqlite3.Connection, campaign_id: int) -> Campaign:
    """Raises RegistryError if there is none."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM campaign WHERE id = ?", (campaign_id,)).fetchone()
    if row is None:
        raise RegistryError(f"there is no campaign {campaign_id}; `relay campaign list` shows all")
    return Campaign(*row)


def list_(conn: sqlite3.Connection, tenant_id: int | None = None, limit: int = 1_000) -> list[Campaign]:
    """The newest ``limit`` campaigns, newest first."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM campaign WHERE ?1 IS NULL OR tenant_id = ?1 ORDER BY id DESC LIMIT ?2",
        (tenant_id, limit),
    )
    return [Campaign(*row) for row in rows]


def held(conn: sqlite3.Connection, campaign_id: int) -> int:
    """How many of the campaign's copies are held, for whatever reason."""
    row = conn.execute("SELECT count(*) FROM recipient WHERE campaign_id = ? AND state = 1", (campaign_id,)).fetchone()
    return int(row[0])


def figures(conn: sqlite3.Connection, campaign_id: int, now: float) -> CampaignFigures:
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
    )


def clock_set(conn: sqlite3.Connection, by: float) -> int:
    """Windows that run last as long as they would have, after the clock was set; how many. ``by`` in seconds."""
    return conn.execute(
        "UPDATE campaign SET window_started_at = window_started_at + ?"
        " WHERE state IN ('staged', 'watching', 'undecided', 'stopped') AND window_started_at IS NOT NULL",
        (by,),
    ).rowcount


# --- verdicts ------------------------------------------------------------------------------


def release(
    conn: sqlite3.Connection, campaign_id: int, actor: str, why: str, now: float, *, most: int | None = None
) -> int:
    """Let the rest go, and all that comes later; returns the copies set free.

    With ``most`` only so many now: call ``work_off`` until it returns 0.
    Raises RegistryError if the campaign is decided already.
    """
    campaign = by_id(conn, campaign_id)
    if campaign.state == "released":
        raise RegistryError(f"campaign {campaign_id} is released already")
    if campaign.state == "declined":
        raise RegistryError(f"campaign {campaign_id} was declined, its copies are gone; send it anew by another name")
    _decide(conn, campaign, "released", actor, _line(why), now)
    return work_off(conn, campaign_id, now, most)


def decline(
    conn: sqlite3.Connection, campaign_id: int, actor: str, reason: str, now: float, *, most: int | None = None
) -> int:
    """Drop the held copies, each with an event and given back to the quota; returns how many.

    Copies that wait for a retry are dropped by delivery at its re-check, new
    ones are refused. ``most`` and errors as for ``release``; a released
    campaign can still be declined.
    """
    campaign = by_id(conn, campaign_id)
    if campaign.state == "declined":
        raise RegistryError(f"campaign {campaign_id} is declined already")
    line = _line(reason)
    if not line:
        raise RegistryError("the reason is empty; say why, the tenant is told")
    _decide(conn, campaign, "declined", actor, line, now)
    return work_off(conn, campaign_id, now, most)


def stop(conn: sqlite3.Connection, campaign_id: int, actor: str, why: str, now: float) -> bool:
    """Hold everything from now on until someone decides; False if it is decided or stopped already.

    New copies are held as they come, waiting ones by delivery at its re-check.
    """
    return _leave_to_people(conn, campaign_id, "stopped", UNDECIDED - {"stopped"}, actor, why, now)


def ask(conn: sqlite3.Connection, campaign_id: int, actor: str, why: str, now: float) -> bool:
    """Leave the campaign to the administrator; False if it is decided or left already."""
    return _leave_to_people(conn, campaign_id, "undecided", frozenset({"open", "staged", "watching"}), actor, why, now)


def work_off(conn: sqlite3.Connection, campaign_id: int, now: float, most: int | None = CHUNK) -> int:
    """Work off up to ``most`` held copies of a decided campaign (None: all); 0 when none is left."""
    campaign = by_id(conn, campaign_id)
    limit = -1 if most is None else most
    if campaign.state == "released":
        return conn.execute(
            "UPDATE recipient SET state = 0, due_at = ?1, owner = NULL, hold_reason = '', changed_at = ?1"
            " WHERE state = 1 AND (submission_id, number) IN (SELECT submission_id, number FROM recipient"
            " WHERE campaign_id = ?2 AND state = 1 AND hold_reason = 'staged' LIMIT ?3)",
            (now, campaign_id, limit),
        ).rowcount
    if campaign.state == "declined":
        rows = conn.execute(
            "SELECT submission_id, number, tenant_id, campaign_id FROM recipient WHERE campaign_id = ? AND state = 1"
            " LIMIT ?",
            (campaign_id, limit),
        ).fetchall()
        why = f"campaign declined: {campaign.why}"
        return len(give_up(conn, [Copy(*row) for row in rows], State.DECLINED, why, campaign.decided_by, now))
    return 0


def unfinished(conn: sqlite3.Connection) -> list[int]:
    """Decided campaigns with copies still to be worked off, e.g. after a crash."""
    rows = conn.execute(
        "SELECT id FROM campaign c WHERE id IN (SELECT DISTINCT campaign_id FROM recipient WHERE state = 1)"
        " AND (state = 'declined' OR state = 'released' AND EXISTS (SELECT 1 FROM recipient r"
        " WHERE r.campaign_id = c.id AND r.state = 1 AND r.hold_reason = 'staged')) ORDER BY id"
    )
    return [int(row[0]) for row in rows]


def _decide(conn: sqlite3.Connection, campaign: Campaign, state: str, actor: str, why: str, now: float) -> None:
    conn.execute(
        "UPDATE campaign SET state = ?, why = ?, decided_at = ?, decided_by = ? WHERE id = ?",
        (state, why, now, actor, campaign.id),
    )
    _tell(conn, campaign, state, actor, why, now)


def _leave_to_people(
    conn: sqlite3.Connection, campaign_id: int, state: str, before: frozenset[str], actor: str, why: str, now: float
) -> bool:
    campaign = by_id(conn, campaign_id)
    if campaign.state not in before:
        return False
    line = _line(why)
    conn.execute("UPDATE campaign SET state = ?, why = ? WHERE id = ?", (state, line, campaign_id))
    _tell(conn, campaign, state, actor, line, now)
    return True


def _tell(conn: sqlite3.Connection, campaign: Campaign, state: str, actor: str, why: str, now: float) -> None:
    kind = f"campaign-{state}"
    detail: Mapping[str, object] = {
        "campaign": campaign.id,
        "name": campaign.name,
        "before": campaign.state,
        "why": why,
    }
    audit.record(conn, actor, kind, campaign.tenant_id, detail, now)
    conn.execute(
        "INSERT INTO event (tenant_id, at, kind, campaign_id, detail) VALUES (?, ?, ?, ?, ?)",
        (campaign.tenant_id, now, kind, campaign.id, json.dumps(detail, separators=(",", ":"), sort_keys=True)),
    )


def _line(text: str) -> str:
    """One printable line: it ends in replies."""
    line = " ".join(text.split())
    if len(line) > MAX_WHY or not line.isprintable():
        raise RegistryError(f"a reason is printable text of at most {MAX_WHY} characters")
    return line
