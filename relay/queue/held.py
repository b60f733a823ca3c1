"""What holds copies, in words: who, why, until when, and what ends it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

from config.settings import Settings
from config.units import HOUR, parse_duration
from relay.queue.braked import WHY
from relay.queue.holds import BRAKE, CAMPAIGN, DAMAGE, DOMAIN, FREEZE, OPERATOR, POLICY, WORDS
from relay.queue.thaw import FROZEN
from relay.store.contract import Tx
from relay.values.ids import encode_id

MOST: Final = 100
"""Different holds of a campaign's copies that are told."""
AT_ONCE: Final = "at that time, by itself, or sooner: relay queue release"


@dataclass(frozen=True, slots=True)
class CopyHold:
    """One hold; times in seconds UTC."""

    by: str
    """policy, campaign, freeze, operator, domain, brake or damage."""
    why: str
    until: float | None
    """When it ends by itself; None: when somebody acts."""
    ends: str
    """What ends it."""
    copies: int = 1


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    held_by: int
    reason: str
    until: float | None
    status: str
    submission_id: int
    campaign_id: int | None
    campaign: str
    """Its state."""
    campaign_why: str
    """Why it is stopped or declined, else why it is staged."""
    window_at: float | None
    """When its window began."""
    asked_at: float | None
    """When it was left to people."""
    frozen: str
    """The tenant's name, if it is frozen for this stream."""
    freeze_reason: str


_AROUND: Final = (
    "coalesce(c.state, ''), coalesce(CASE WHEN c.why = '' THEN c.reason ELSE c.why END, ''), c.window_started_at,"
    " c.asked_at, CASE WHEN {frozen} THEN coalesce(t.name, '') ELSE '' END, coalesce(t.freeze_reason, '')"
)


class StageTerms(NamedTuple):
    """How long campaigns are watched, and how long people have for their verdict, in seconds; 0: isn't told."""

    window_s: float = 0.0
    review_s: float = 0.0


UNTOLD: Final = StageTerms()


def terms_of(settings: Settings) -> StageTerms:
    """As the settings have them; campaigns are watched for 0 s where no policy stages them."""
    window_s = 0.0
    if "staged_sending" in settings.policies.order:
        with contextlib.suppress(ValueError):
            window_s = float(parse_duration(settings.policy.get("staged_sending", {}).get("window", 6 * HOUR)))
    return StageTerms(window_s, settings.operator.review)


def of_message(conn: Tx, submission_id: int, terms: StageTerms = UNTOLD) -> dict[int, list[CopyHold]]:
    """The holds of each held copy, by its number."""
    rows = conn.execute(
        "SELECT r.number, r.held_by, r.hold_reason, r.held_until, r.status, r.submission_id, r.campaign_id,"
        f" {_AROUND.format(frozen=FROZEN)} FROM recipient r LEFT JOIN campaign c ON c.id = r.campaign_id"
        " LEFT JOIN tenant t ON t.id = r.tenant_id WHERE r.submission_id = ? AND r.state = 1 ORDER BY r.number",
        (submission_id,),
    )
    return {row[0]: _holds(_Row(*row), terms) for row in rows}


def of_campaign(conn: Tx, campaign_id: int, terms: StageTerms = UNTOLD) -> list[CopyHold]:
    """The holds of a campaign's copies, alike ones added up; of those that end by themselves the last end is told."""
    frozen = "t.freeze = 'all' OR t.freeze = 'bulk' AND m.kind = 'bulk'"
    around = conn.execute(
        f"SELECT {_AROUND.format(frozen=frozen)} FROM campaign c LEFT JOIN tenant t ON t.id = c.tenant_id"
        " LEFT JOIN stream m ON m.id = c.stream_id WHERE c.id = ?",
        (campaign_id,),
    ).fetchone()
    # What stands in ``status`` of others is a server's answer.
    rows = conn.execute(
        "SELECT held_by, hold_reason, max(held_until), CASE WHEN held_by >= ? THEN status ELSE '' END AS said,"
        " max(submission_id), count(*) AS copies FROM recipient WHERE campaign_id = ? AND state = 1"
        " GROUP BY held_by, hold_reason, said, held_until IS NULL ORDER BY copies DESC LIMIT ?",
        (OPERATOR, campaign_id, MOST),
    ).fetchall()
    found: dict[tuple[str, str, bool], CopyHold] = {}
    for held_by, reason, until, said, submission_id, copies in rows:
        for one in _holds(_Row(0, held_by, reason, until, said, submission_id, campaign_id, *around), terms):
            key = (one.by, one.why, one.until is None)
            before = found.get(key, replace(one, copies=0))
            last = max((end for end in (before.until, one.until) if end is not None), default=None)
            found[key] = replace(before, until=last, copies=before.copies + copies)
    return list(found.values())


def _holds(row: _Row, terms: StageTerms) -> list[CopyHold]:
    found = []
    id_ = encode_id(row.submission_id)
    if row.held_by & POLICY:
        ends = f"relay queue release {id_}" if row.until is None else AT_ONCE
        found.append(CopyHold("policy", row.reason, row.until, ends))
    if row.held_by & CAMPAIGN:
        found.append(_of_stage(row, terms))
    if row.held_by & FREEZE or row.frozen:
        ends = f"relay tenant unfreeze {row.frozen}" if row.frozen else "the freeze is over; the next clean-up"
        found.append(CopyHold("freeze", row.freeze_reason, None, ends))
    if row.held_by & DOMAIN:
        found.append(CopyHold("domain", row.status, None, "the domain verified again: relay domain verify"))
    if row.held_by & BRAKE:
        found.append(CopyHold("brake", row.status or WHY, None, "relay credential release, by its log-in"))
    if row.held_by & OPERATOR:
        found.append(CopyHold("operator", row.status, None, f"relay queue release {id_}"))
    if row.held_by & DAMAGE:
        found.append(CopyHold("damage", row.status, None, f"relay queue cancel {id_}"))
    return found


def _of_stage(row: _Row, terms: StageTerms) -> CopyHold:
    """Until when is known once the window has begun; the verdict may be sooner, and an unclear one takes a person."""
    number, window_s = row.campaign_id, terms.window_s
    by_hand = f"relay campaign release {number}, or decline {number}"
    if row.campaign in ("stopped", "undecided"):
        why = f"campaign {number} is {row.campaign}: {row.campaign_why}"
        if row.asked_at is None or not terms.review_s:
            return CopyHold("campaign", why, None, by_hand)
        due = moment(row.asked_at + terms.review_s)
        return CopyHold("campaign", why, None, f"a person's verdict, due by {due}, when the next are called: {by_hand}")
    why = f"campaign {number} is staged" + (f": {row.campaign_why}" if row.campaign_why else "")
    if row.campaign == "watching" and row.window_at is not None and window_s:
        return CopyHold("campaign", why, row.window_at + window_s, f"the verdict then, or sooner: {by_hand}")
    after = f", {window_s / 3600:g} h after its first part was tried" if window_s else ""
    return CopyHold("campaign", why, None, f"the verdict{after}: {by_hand}")


def moment(at: float) -> str:
    """In a sentence: to the second, UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def word(held_by: int, reason: str) -> str:
    """What holds a copy, in a word or two: a policy's own, and those of the others."""
    words = [reason] if held_by & POLICY else []
    words += [text for bit, text in WORDS.items() if held_by & bit]
    return " + ".join(words)
