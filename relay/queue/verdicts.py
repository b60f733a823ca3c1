"""Verdicts on campaigns, carried out on the queue (R12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from relay.audit import actions
from relay.campaigns import counts, draw, record
from relay.campaigns.campaigns import Campaign, by_id
from relay.events import write as events
from relay.queue.drop import QueuedCopy, give_up
from relay.queue.holds import CAMPAIGN, released, without
from relay.store.contract import Tx
from relay.values.errors import RegistryError
from relay.values.states import State

CHUNK: Final = 5_000
"""Copies worked off in one transaction by those who share the store."""
ALL: Final = 1 << 62
"""More than there can be."""


MAX_WHY: Final = 1_000
VERDICT: Final = "campaign.verdict"
"""Event of a verdict: widened, released, stopped, undecided (left to people) or declined."""


UNDECIDED: Final = frozenset({"open", "staged", "watching", "undecided", "stopped"})


def release(conn: Tx, campaign_id: int, actor: str, why: str, now: float, *, most: int | None = None) -> int:
    """Let the rest go, and all that comes later; returns the copies whose staging ended: due now, unless held else.

    With ``most`` only so many now: call ``work_off`` until it returns 0.
    Raises RegistryError if the campaign is decided already.
    """
    campaign = by_id(conn, campaign_id)
    if campaign.state == "released":
        raise RegistryError(f"campaign {campaign_id} is released already")
    if campaign.state == "declined":
        raise RegistryError(f"campaign {campaign_id} was declined, its copies are gone; send it anew by another name")
    _decide(conn, campaign, "released", actor, _line(why), now)
    record.released(conn, campaign.tenant_id)
    return work_off(conn, campaign_id, now, most)


def decline(conn: Tx, campaign_id: int, actor: str, reason: str, now: float, *, most: int | None = None) -> int:
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


def stop(conn: Tx, campaign_id: int, actor: str, why: str, now: float, *, own: bool = False) -> bool:
    """Hold everything from now on until someone decides; False if somebody else decided it, or it is stopped already.

    New copies are held as they come, waiting ones by delivery at its re-check: also of one that ``actor`` itself
    has released, whose last copies are still leaving. ``own``: the tenant says it of its own, whoever let it go.
    """
    campaign = by_id(conn, campaign_id)
    again = campaign.state == "released" and campaign.decided_by == actor
    before = UNDECIDED - {"stopped"} | ({"released"} if again or own else set())
    if not _leave_to_people(conn, campaign_id, "stopped", before, actor, why, now):
        return False
    if again:
        record.taken_back(conn, campaign.tenant_id)
    return True


def ask(conn: Tx, campaign_id: int, actor: str, why: str, now: float) -> bool:
    """Leave the campaign to the administrator; False if it is decided or left already."""
    return _leave_to_people(conn, campaign_id, "undecided", frozenset({"open", "staged", "watching"}), actor, why, now)


def widen(conn: Tx, campaign_id: int, share: int, every: int, actor: str, why: str, now: float) -> int:
    """Let ``share`` of each ``every`` go, drawn by lot, and begin another window; how many go now.

    0 if it is decided, left to people or as wide already.
    """
    campaign = by_id(conn, campaign_id)
    if campaign.state not in ("staged", "watching") or campaign.share >= share:
        return 0
    rows = conn.execute(
        "SELECT submission_id, number FROM recipient WHERE campaign_id = ? AND state = 1 AND held_by = ?",
        (campaign_id, CAMPAIGN),
    ).fetchall()
    wanted = -(-(campaign.recipients - campaign.ahead) * share // every) + campaign.ahead - campaign.passed
    key = campaign.draw or b""
    chosen = sorted(rows, key=lambda row: draw.order(key, *row))[: max(0, wanted)]
    conn.executemany(
        f"UPDATE recipient SET {without(CAMPAIGN)} WHERE submission_id = :submission AND number = :number",
        [{"now": now, "submission": submission_id, "number": number} for submission_id, number in chosen],
    )
    released(conn, chosen, now)
    counts.widened(conn, campaign_id, share, len(chosen), _line(why), now)
    _tell(conn, campaign, "widened", actor, _line(why), now)
    return len(chosen)


def work_off(conn: Tx, campaign_id: int, now: float, most: int | None = CHUNK) -> int:
    """Work off up to ``most`` held copies of a decided campaign (None: all); 0 when none is left."""
    campaign = by_id(conn, campaign_id)
    limit = ALL if most is None else most
    if campaign.state == "released":
        done = conn.execute(
            f"UPDATE recipient SET {without(CAMPAIGN)} WHERE state = 1 AND (submission_id, number) IN"
            " (SELECT submission_id, number FROM recipient WHERE campaign_id = :campaign AND state = 1"
            f" AND (held_by & {CAMPAIGN}) <> 0 LIMIT :most) RETURNING submission_id, number, state",
            {"now": now, "campaign": campaign_id, "most": limit},
        ).fetchall()
        released(conn, [(row[0], row[1]) for row in done if row[2] == State.READY], now)
        return len(done)
    if campaign.state == "declined":
        rows = conn.execute(
            "SELECT submission_id, number, tenant_id, campaign_id FROM recipient WHERE campaign_id = ? AND state = 1"
            " LIMIT ?",
            (campaign_id, limit),
        ).fetchall()
        why = f"campaign declined: {campaign.why}"
        return len(give_up(conn, [QueuedCopy(*row) for row in rows], State.DECLINED, why, campaign.decided_by, now))
    return 0


def held_else(conn: Tx, campaign_id: int) -> int:
    """How many of its staged copies something else holds too: a verdict doesn't let those go."""
    row = conn.execute(
        "SELECT count(*) FROM recipient WHERE campaign_id = ? AND state = 1"
        f" AND (held_by & {CAMPAIGN}) <> 0 AND held_by <> {CAMPAIGN}",
        (campaign_id,),
    ).fetchone()
    return int(row[0])


def unfinished(conn: Tx) -> list[int]:
    """Decided campaigns with copies still to be worked off, e.g. after a crash."""
    rows = conn.execute(
        "SELECT id FROM campaign c WHERE id IN (SELECT DISTINCT campaign_id FROM recipient WHERE state = 1)"
        " AND (state = 'declined' OR state = 'released' AND EXISTS (SELECT 1 FROM recipient r"
        f" WHERE r.campaign_id = c.id AND r.state = 1 AND (r.held_by & {CAMPAIGN}) <> 0)) ORDER BY id"
    )
    return [int(row[0]) for row in rows]


def _decide(conn: Tx, campaign: Campaign, state: str, actor: str, why: str, now: float) -> None:
    counts.decide(conn, campaign.id, state, why, actor, now)
    record.refresh(conn, campaign.tenant_id)
    _tell(conn, campaign, state, actor, why, now)


def _leave_to_people(
    conn: Tx, campaign_id: int, state: str, before: frozenset[str], actor: str, why: str, now: float
) -> bool:
    campaign = by_id(conn, campaign_id)
    if campaign.state not in before:
        return False
    line = _line(why)
    counts.leave_open(conn, campaign_id, state, line, now)
    record.refresh(conn, campaign.tenant_id)
    _tell(conn, campaign, state, actor, line, now)
    return True


def _tell(conn: Tx, campaign: Campaign, state: str, actor: str, why: str, now: float) -> None:
    detail: Mapping[str, object] = {
        "campaign": campaign.id,
        "name": campaign.name,
        "before": campaign.state,
        "why": why,
    }
    actions.record(conn, actor, f"campaign-{state}", campaign.tenant_id, detail, now)
    told = {
        "verdict": state,
        **detail,
        "recipients": campaign.recipients,
        "delivered": campaign.delivered,
        "bounced": campaign.bounced,
        "complained": campaign.complained,
        "unsubscribed": campaign.unsubscribed,
        "contested": campaign.contested,
    }
    events.of_campaign(conn, campaign.tenant_id, VERDICT, campaign.id, told, now)


def _line(text: str) -> str:
    """One printable line: it ends in replies."""
    line = " ".join(text.split())
    if len(line) > MAX_WHY or not line.isprintable():
        raise RegistryError(f"a reason is printable text of at most {MAX_WHY} characters")
    return line
