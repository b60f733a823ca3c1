"""The stage: which of a new submission's copies go at once, and which wait for their campaign's verdict (R10)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from relay.campaigns import counts, draw, record
from relay.campaigns.campaigns import Campaign
from relay.events import write as events
from relay.ledger import counters
from relay.pipeline.contract import Hold, Stage
from relay.queue.holds import BRAKE, CAMPAIGN, POLICY
from relay.queue.values import NewSubmission
from relay.store.contract import Tx
from relay.values.states import State

STAGED: Final = "campaign.staged"
"""Event of a campaign that goes in stages from now on."""
AT_ONCE: Final = 120
"""Copies of all first parts of a tenant that leave within SLOT_S; those behind them leave at PACE a second."""
SLOT_S: Final = 15.0
PACE: Final = 8.0
PACED: Final = "the first part leaves at a pace, so that what comes back of it can be looked at"
WAITING: Final = ("stopped", "undecided")
"""States of a campaign of which nothing goes until a person decides."""


def lasts(hold: Hold, new: NewSubmission) -> bool:
    """A hold whose end is past holds nothing."""
    return hold.until is None or hold.until > new.accepted_at


def stage_of(new: NewSubmission) -> Stage | None:
    """What a policy wants of the submission's copies; the same for all."""
    for one in new.recipients:
        for effect in one.effects:
            if isinstance(effect, Stage):
                return effect
    return None


def states_of(
    conn: Tx, new: NewSubmission, campaign: Campaign | None, first: int
) -> tuple[tuple[State, ...], list[int], dict[int, float]]:
    """State of each recipient and what holds it, and until when those wait that leave at a pace.

    ``first``: the number of the first of them in the campaign.
    """
    later: dict[int, float] = {}
    holds = [POLICY if one.hold is not None and lasts(one.hold, new) else 0 for one in new.recipients]
    if new.braked:
        holds = [hold | BRAKE for hold in holds]
    stage = stage_of(new)
    if campaign is not None and stage is not None and held_by_stage(new, campaign):
        later = _numbered(conn, new, campaign, stage, first, holds)
    elif campaign is not None and campaign.suspicion and campaign.state in WAITING:
        holds = [hold | CAMPAIGN for hold in holds]
    return tuple(State.HELD if hold else State.READY for hold in holds), holds, later


def held_by_stage(new: NewSubmission, campaign: Campaign) -> bool:
    """Whether the submission's copies are numbered in a campaign that is staged, or is from now on."""
    stage = stage_of(new)
    return stage is not None and campaign.state != "released" and not (stage.join and campaign.state == "open")


def _numbered(
    conn: Tx, new: NewSubmission, campaign: Campaign, stage: Stage, first: int, holds: list[int]
) -> dict[int, float]:
    """Fill in the holds of those that wait, and count those that go; until when some of these wait for their turn."""
    going: list[int] = []
    stopped = campaign.state in WAITING
    at_once = 0 if stopped else _first_of_day(conn, new, stage)
    passed, ahead = campaign.passed, campaign.ahead
    key = campaign.draw or campaign.id.to_bytes(8, "big")
    for number, hold in enumerate(holds):
        if number < at_once:
            ahead += 1
            passed += not hold
            continue
        place = first + number - ahead
        if (
            not stopped
            and passed < stage.most
            and draw.drawn(key, max(place, 1), stage.every, min(campaign.share, stage.every))
        ):
            passed += not hold
            if not hold:
                going.append(number)
        else:
            holds[number] = hold | CAMPAIGN
    later = _paced(conn, new, going)
    for number in later:
        holds[number] = POLICY
    counts.staged(conn, campaign.id, passed, ahead, stage.why, new.accepted_at)
    if campaign.state == "open":
        record.refresh(conn, new.tenant_id)
        detail = {"campaign": campaign.id, "name": campaign.name, "why": stage.why}
        events.of_campaign(conn, new.tenant_id, STAGED, campaign.id, detail, new.accepted_at)
    return later


def _paced(conn: Tx, new: NewSubmission, going: list[int]) -> dict[int, float]:
    """Until when those of a first part wait that a fast relay would let out before anybody could look at the others.

    Of all first parts of a tenant together ``AT_ONCE`` leave within ``SLOT_S``, more at ``PACE`` a second.
    """
    if not going:
        return {}
    slot = int(new.accepted_at // SLOT_S)
    value = counters.total(conn, new.tenant_id, f"pace/{slot:012}", len(going))
    if value == len(going):
        counters.forget(conn, new.tenant_id, "pace/", f"pace/{slot:012}")
    behind = value - len(going) + 1 - AT_ONCE
    begin = (slot + 1) * SLOT_S
    return {number: begin + (behind + place) / PACE for place, number in enumerate(going) if behind + place > 0}


def _first_of_day(conn: Tx, new: NewSubmission, stage: Stage) -> int:
    """How many of the submission's recipients are among the first of the tenant's day (UTC): they go at once."""
    if not stage.first:
        return 0
    day = datetime.fromtimestamp(new.accepted_at, UTC)
    name = f"staged/{day:%Y-%m-%d}"
    count = len(new.recipients)
    value = counters.total(conn, new.tenant_id, name, count)
    if value == count:  # a new day
        counters.forget(conn, new.tenant_id, "staged/", name)
    return max(0, min(count, stage.first - (value - count)))
