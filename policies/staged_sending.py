"""Campaigns of those who have no record go out in stages and are judged by what comes back (R10 to R13).

The first part goes at once, drawn by lot; the rest is held. During the window
a clearly bad campaign is stopped, alone or with all that its tenant staged
that day. After it a clearly good one is released; a small one, of which figures
can't tell much, climbs in three steps as long as nothing is clearly bad; what
is unclear is left to the administrator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import exp, lgamma, log

from policies.settings import PolicyTable
from relay.pipeline.contract import (
    PASS,
    BasePolicy,
    CampaignVerdict,
    Continue,
    Decision,
    Message,
    MessageVerdict,
    Stage,
    Transaction,
)
from relay.values.facts import CampaignFigures, Kind, Tenant

DAY_S = 86400.0
STEP = 3
"""So much wider is each step of a small campaign."""


def tail(n: int, k: int, p: float) -> float:
    """P(X >= k) for X ~ Binomial(n, p), exact."""
    if k <= 0:
        return 1.0
    if k > n:
        return 0.0
    total = 0.0
    for i in range(k, n + 1):
        term = exp(lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) + i * log(p) + (n - i) * log(1 - p))
        total += term
        if term < total * 1e-15:
            break
    return min(1.0, total)


@dataclass(frozen=True, slots=True)
class _Measure:
    name: str
    count: int
    of: int
    good: float
    """At or below this share it is fine."""
    baseline: float
    """Clearly bad when so many would come by chance from this share in fewer than 5 % of cases."""

    @property
    def clearly_bad(self) -> bool:
        return self.of > 0 and self.count > 0 and tail(self.of, self.count, self.baseline) < 0.05

    @property
    def good_enough(self) -> bool:
        return self.of == 0 or self.count / self.of <= self.good

    def __str__(self) -> str:
        share = 100 * self.count / self.of if self.of else 0
        return f"{self.name} {self.count} of {self.of} ({share:.2f} %)"


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
        self._window_s = table.duration("window", 6 * 3600.0)
        self._small = table.whole("small", 300, 0, 1_000_000)
        """Campaigns of fewer recipients climb."""
        self._poor_s = table.duration("poor", 30 * DAY_S)
        """So long a stopped or declined campaign counts against its tenant."""
        self._least = table.whole("least", 30, 1, 1_000_000)
        """Outcomes below which figures say too little."""
        self._release = table.flag("release_when_clear", True)
        self._bounces = table.number("bounces_percent", 5, 0.001, 99) / 100
        self._complaints = table.number("complaints_percent", 0.1, 0.001, 99) / 100
        self._unsubscribes = table.number("unsubscribes_percent", 2, 0.001, 99) / 100
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
        alone = self._measures(figures.delivered, figures.bounced, figures.complained, figures.unsubscribed)
        told = ", ".join(str(m) for m in alone)
        outcomes = figures.delivered + figures.bounced
        bad = self._clearly_bad(figures)
        if bad:
            return CampaignVerdict(Decision.STOP, bad)
        if not figures.window_started_at or figures.now < figures.window_started_at + self._window_s:
            return CampaignVerdict(Decision.WAIT, f"the window is open: {told}")
        if outcomes and not figures.delivered:
            return CampaignVerdict(Decision.ASK, f"nothing of the first part was delivered: {told}")
        if figures.recipients < self._small and self._release:
            return self._climb(figures, outcomes, told)
        if outcomes < self._least:
            return CampaignVerdict(Decision.ASK, f"only {outcomes} outcomes, {self._least} are needed to tell: {told}")
        if all(m.good_enough for m in alone) and self._release:
            return CampaignVerdict(Decision.RELEASE, f"clearly good: {told}")
        return CampaignVerdict(Decision.ASK, f"not clear: {told}")

    def _climb(self, figures: CampaignFigures, outcomes: int, told: str) -> CampaignVerdict:
        """A small campaign: 10, 30 and 100 %, each step with a window."""
        if not outcomes:
            return CampaignVerdict(Decision.ASK, f"nothing of the first part has come to an end: {told}")
        share = figures.share * STEP
        if share < self._every and figures.held and figures.share < STEP:
            why = f"nothing is clearly bad, {share} of {self._every} go now: {told}"
            return CampaignVerdict(Decision.WIDEN, why, share, self._every)
        few = " (too few to know more)" if outcomes < self._least else ""
        return CampaignVerdict(Decision.RELEASE, f"nothing is clearly bad{few}: {told}")

    def _clearly_bad(self, figures: CampaignFigures) -> str:
        """Why it is to be stopped at once; empty if it isn't."""
        alone = self._measures(figures.delivered, figures.bounced, figures.complained, figures.unsubscribed)
        outcomes = figures.delivered + figures.bounced
        # One event among very few is a chance, and what comes first are refusals: not a case.
        enough = outcomes >= min(self._least, max(1, figures.sent))
        bad = [m.name for m in alone if m.clearly_bad and (m.count > 1 or outcomes >= self._least)]
        if bad and enough:
            return f"clearly bad ({', '.join(bad)}): {', '.join(map(str, alone))}"
        day = figures.together
        if day is None or day.campaigns < 2 or day.delivered + day.bounced < self._least:
            return ""
        whole = self._measures(day.delivered, day.bounced, day.complained, day.unsubscribed)
        bad = [m.name for m in whole if m.clearly_bad]
        if not bad:
            return ""
        told = ", ".join(map(str, whole))
        return f"clearly bad ({', '.join(bad)}) with the {day.campaigns} campaigns of this day together: {told}"

    def _measures(self, delivered: int, bounced: int, complained: int, unsubscribed: int) -> tuple[_Measure, ...]:
        return (
            _Measure("bounced", bounced, delivered + bounced, self._bounces * 0.4, self._bounces),
            _Measure("complained", complained, delivered, 0.0, self._complaints),
            _Measure("unsubscribed", unsubscribed, delivered, self._unsubscribes * 0.5, self._unsubscribes),
        )
