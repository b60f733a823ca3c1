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
from relay.pipeline.contract import (
    PASS,
    BasePolicy,
    CampaignVerdict,
    Continue,
    Message,
    MessageVerdict,
    Stage,
    Transaction,
)
from relay.values.facts import CampaignFigures, Kind, Tenant

DAY_S = 86400.0


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
        why = self._why(txn.tenant, txn.now)
        if not why and not txn.tenant.record.undecided:
            return PASS
        return Continue(effects=(Stage(self._every, self._most, why, not why, self._first if why else 0),))

    def _why(self, tenant: Tenant, now: float) -> str:
        """Why this tenant's campaigns are staged; empty if they aren't."""
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


def _baselines(table: PolicyTable, name: str, fine: float, bad: float) -> tuple[float, float]:
    """The share that is fine and the one that is bad, the first at most the second."""
    highest = table.number(f"{name}_percent", bad, 0.001, 99)
    lowest = table.number(f"{name}_fine_percent", min(fine, highest), 0.0001, 99)
    return min(lowest, highest) / 100, highest / 100
