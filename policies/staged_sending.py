"""Campaigns of those who have no record go out in stages and are judged by what comes back (R10 to R13).

The first part goes at once, drawn by lot; the rest is held. During the window
a clearly bad campaign is stopped, alone or with all that its tenant staged
that day. After it a clearly good one is released; a small one, of which figures
can't tell much, climbs in three steps as long as nothing is clearly bad; what
is unclear is left to the administrator.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from policies.settings import PolicyTable
from policies.staged_verdict import VerdictLimits, judge
from policies.staged_when import ListFacts, WhenLimits, counted, day_of, list_facts
from relay.pipeline.contract import (
    PASS,
    BasePolicy,
    CampaignVerdict,
    Continue,
    Effect,
    Message,
    MessageVerdict,
    Stage,
    Transaction,
)
from relay.values.facts import CampaignFigures, Kind, Recipient, Tenant

DAY_S = 86400.0
FLOW = "the first copies of a flow are staged once"


class Policy(BasePolicy):
    name = "staged_sending"

    def __init__(self, settings: Mapping[str, object]) -> None:
        table = PolicyTable(settings)
        self._when = table.word("when", "auto", ("auto", "always", "never"))
        if table.whole("new_below", 1000, 0, 2**62) == 0:
            self._when = "never"
        self._every = table.whole("every", 10, 1, 1000)
        self._most = table.whole("most", 1000, 1, 1_000_000)
        self._first = table.whole("first", 20, 0, 10_000)
        """Recipients of a tenant's day that go at once."""
        self._poor_s = table.duration("poor", 30 * DAY_S)
        """So long a stopped or declined campaign counts against its tenant."""
        self._known = WhenLimits.read(table, self._first)
        self._limits = VerdictLimits(
            window_s=table.duration("window", 6 * 3600.0),
            every=self._every,
            small=table.whole("small", 300, 0, 1_000_000),
            least=table.whole("least", 30, 1, 1_000_000),
            release=table.flag("release_when_clear", True),
            bounces=_baselines(table, "bounces", 2, 5),
            complaints=_baselines(table, "complaints", 0.03, 0.1),
            unsubscribes=_baselines(table, "unsubscribes", 1, 2),
            contests=_baselines(table, "contests", 0.02, 0.03),
        )
        table.done()

    # -- when ------------------------------------------------------------------------

    def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        if txn.stream.kind is not Kind.BULK or self._when == "never":
            return PASS
        if txn.stream.flow:
            return Continue(effects=(Stage(self._every, self._most, FLOW, first=self._first, flow=True),))
        found = list_facts(txn, msg.topic, self._known.new_s)
        day = day_of(txn.now)
        why, at_once = self._why(txn.tenant, txn.now), self._first
        if not why:
            why = self._known.why(txn.tenant.record, found)
            at_once = max(0, self._first - txn.tenant.record.claimed_today - txn.tenant.record.fresh_today)
        effects: tuple[Effect, ...] = (counted("day", day),)
        if why or txn.tenant.record.undecided:
            effects += (Stage(self._every, self._most, why, not why, at_once if why else 0),)
        if not found.claimed and not found.fresh:
            return Continue(effects=effects)
        return {one: Continue(effects=effects + _of_list(one, found, day)) for one in txn.recipients}

    def _why(self, tenant: Tenant, now: float) -> str:
        """Why all of this tenant's campaigns are staged; empty if they aren't."""
        record = tenant.record
        if record.bad_at and now < record.bad_at + self._poor_s:
            day = datetime.fromtimestamp(record.bad_at, UTC)
            return f"a campaign of this sender was stopped or declined on {day:%Y-%m-%d}"
        if not record.released:
            return "no campaign of this sender has been released yet"
        return "the operator stages all campaigns" if self._when == "always" else ""

    # -- the verdict -----------------------------------------------------------------

    def on_campaign(self, figures: CampaignFigures) -> CampaignVerdict:
        return judge(figures, self._limits)


def _of_list(one: Recipient, found: ListFacts, day: str) -> tuple[Effect, ...]:
    if one in found.claimed:
        return (counted("claimed", day),)
    return (counted("fresh", day),) if one in found.fresh else ()


def _baselines(table: PolicyTable, name: str, fine: float, bad: float) -> tuple[float, float]:
    """The share that is fine and the one that is bad, the first at most the second."""
    highest = table.number(f"{name}_percent", bad, 0.001, 99)
    lowest = table.number(f"{name}_fine_percent", min(fine, highest), 0.0001, 99)
    return min(lowest, highest) / 100, highest / 100
