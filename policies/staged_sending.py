"""Campaigns of new tenants go out in stages and are judged by what comes back (R10 to R13).

The first part (number 1, 11, 21, … up to ``most``) goes at once, the rest is
held. During the window a clearly bad campaign is stopped; after it a clearly
good one is released, and what is unclear is left to the administrator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, lgamma, log

from policies.settings import Table
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
from relay.values.facts import CampaignFigures, Kind


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
        table = Table(settings)
        self._stage = Stage(table.whole("every", 10, 1, 1000), table.whole("most", 1000, 1, 1_000_000))
        self._window_s = table.duration("window", 6 * 3600.0)
        self._new_below = table.whole("new_below", 1000, 0, 2**62)
        """A tenant with fewer delivered bulk copies is new (R13)."""
        self._least = table.whole("least", 30, 1, 1_000_000)
        """Outcomes below which figures say too little."""
        self._release = table.flag("release_when_clear", True)
        self._bounces = table.number("bounces_percent", 5, 0.001, 99) / 100
        self._complaints = table.number("complaints_percent", 0.1, 0.001, 99) / 100
        self._unsubscribes = table.number("unsubscribes_percent", 2, 0.001, 99) / 100
        table.done()

    def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        if txn.stream.kind is not Kind.BULK or txn.tenant.delivered_bulk >= self._new_below:
            return PASS
        return Continue(effects=(self._stage,))

    def on_campaign(self, figures: CampaignFigures) -> CampaignVerdict:
        outcomes = figures.delivered + figures.bounced
        measures = (
            _Measure("bounced", figures.bounced, outcomes, self._bounces * 0.4, self._bounces),
            _Measure("complained", figures.complained, figures.delivered, 0.0, self._complaints),
            _Measure(
                "unsubscribed", figures.unsubscribed, figures.delivered, self._unsubscribes * 0.5, self._unsubscribes
            ),
        )
        told = ", ".join(str(m) for m in measures)
        bad = [m.name for m in measures if m.clearly_bad]
        # One event among very few is a chance, not a case.
        if bad and outcomes >= self._least:
            return CampaignVerdict(Decision.STOP, f"clearly bad ({', '.join(bad)}): {told}")
        if not figures.window_started_at and outcomes and outcomes >= figures.sent:
            return CampaignVerdict(Decision.ASK, f"nothing of the first part was delivered: {told}")
        if not figures.window_started_at or figures.now < figures.window_started_at + self._window_s:
            return CampaignVerdict(Decision.WAIT, f"the window is open: {told}")
        if outcomes < self._least:
            return CampaignVerdict(Decision.ASK, f"only {outcomes} outcomes, {self._least} are needed to tell: {told}")
        if all(m.good_enough for m in measures) and self._release:
            return CampaignVerdict(Decision.RELEASE, f"clearly good: {told}")
        return CampaignVerdict(Decision.ASK, f"not clear: {told}")
