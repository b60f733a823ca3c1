"""The verdict on a staged campaign, from counts alone (R11, R12).

Each signal has two baselines: a share that is *fine* and one that is *bad*.
Clearly bad: so much would come by chance from the bad share in fewer than 5 %
of cases, however often it is looked at. Of these 5 %, 1 % is for looking every
few seconds as long as copies leave (``binomial.evidence``), and 4 % for exact
tests of parts that have left: all of it for a large campaign's one, half for each
of a small one's two. Of a part that has left whole the events can only grow, so
to look at it often before its window ends finds nothing that its last look
wouldn't. Clearly good: nothing is above the fine share beyond
chance, and there are outcomes enough. Openings and clicks never decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relay.pipeline.contract import CampaignVerdict, Decision
from relay.values.binomial import evidence, interval, tail
from relay.values.facts import CampaignFigures, DayFigures, Engagement

LOOKING: Final = 0.01
"""Of the error: for looking again and again."""
AT_THE_END: Final = 0.04
DOUBTED: Final = 0.05
"""Level at which a signal is above the fine share."""
UNUSUAL: Final = 0.01
"""Level at which people open or click less than this sender's usually do."""
COMPLAINED: Final = "complained"
STEP: Final = 3
"""So much wider is each step of a small campaign."""
MOST_BLIND: Final = 0.5
"""Share of copies at sites that report no complaints from which on complaints can't be called good."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One kind of event among so many copies."""

    name: str
    count: int
    of: int
    fine: float
    bad: float

    def clearly_bad(self, level: float, least: int) -> bool:
        """By an exact test among ``least`` copies or more; one event among few is a chance."""
        return self.count > 1 and tail(max(self.of, least), self.count, self.bad) < level

    @property
    def ever_bad(self) -> bool:
        """By all that was seen, at any look."""
        return self.count > 1 and evidence(self.of, self.count, self.bad) >= 1 / LOOKING

    def doubtful(self, level: float, least: int = 2) -> bool:
        return self.count >= least and tail(self.of, self.count, self.fine) < level

    def __str__(self) -> str:
        if not self.of:
            return f"{self.name} 0 of 0"
        low, high = interval(self.of, self.count)
        return f"{self.name} {self.count} of {self.of} ({_percent(self.count / self.of)}, {_between(low, high)})"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _between(low: float, high: float) -> str:
    return f"between {100 * low:.2g} and {100 * high:.2g} %"


@dataclass(frozen=True, slots=True)
class VerdictLimits:
    """Shares, and when they are asked about."""

    window_s: float
    every: int
    small: int
    least: int
    release: bool
    bounces: tuple[float, float]
    """Fine, and bad."""
    complaints: tuple[float, float]
    unsubscribes: tuple[float, float]
    contests: tuple[float, float]

    def signals(self, of: CampaignFigures | DayFigures) -> tuple[Signal, ...]:
        # Who was tried and is deferred hasn't bounced: refusals come first, so outcomes alone would be too bad.
        tried = max(of.tried, of.delivered + of.bounced)
        seen = max(of.delivered - of.blind, of.complained)
        return (
            Signal("bounced", of.bounced, tried, *self.bounces),
            Signal(COMPLAINED, of.complained, seen, *self.complaints),
            Signal("unsubscribed", min(of.unsubscribed, of.delivered), of.delivered, *self.unsubscribes),
            Signal("never agreed", min(of.contested, of.delivered), of.delivered, *self.contests),
        )


def judge(figures: CampaignFigures, limits: VerdictLimits) -> CampaignVerdict:
    """What becomes of the campaign now."""
    signals = limits.signals(figures)
    told = _told(figures, signals)
    bad = _bad_at_any_look(figures, signals, limits)
    if bad:
        return CampaignVerdict(Decision.STOP, bad)
    if figures.decided:
        return CampaignVerdict(Decision.WAIT, f"it was released and is watched until its last copy has left: {told}")
    if not figures.window_started_at:
        return CampaignVerdict(Decision.WAIT, f"the first part is leaving: {told}")
    is_open = figures.now < figures.window_started_at + limits.window_s
    small = figures.recipients < limits.small
    level = AT_THE_END / 2 if small else AT_THE_END
    # As long as some may still be delivered they count as delivered and content.
    worst = [one.name for one in signals if one.clearly_bad(level, figures.sent if is_open else 0)]
    if worst and _enough(figures, limits):
        return CampaignVerdict(Decision.STOP, f"clearly bad ({', '.join(worst)}): {told}")
    if is_open:
        return CampaignVerdict(Decision.WAIT, f"the window is open: {told}")
    if not figures.delivered:
        what = "nothing of the first part was delivered" if figures.bounced else "nothing of the first part has ended"
        return CampaignVerdict(Decision.ASK, f"{what}: {told}")
    doubts = _doubts(figures, signals, limits)
    if doubts:
        return CampaignVerdict(Decision.ASK, f"not clear ({'; '.join(doubts)}): {told}")
    return _climb(figures, limits, told) if small and limits.release else _large(figures, limits, told)


def _bad_at_any_look(figures: CampaignFigures, signals: tuple[Signal, ...], limits: VerdictLimits) -> str:
    bad = [one.name for one in signals if one.ever_bad]
    if bad and _enough(figures, limits):
        return f"clearly bad ({', '.join(bad)}): {_told(figures, signals)}"
    day = figures.together
    if day is None or day.campaigns < 2 or day.delivered + day.bounced < limits.least or figures.decided:
        return ""
    whole = limits.signals(day)
    bad = [one.name for one in whole if one.ever_bad]
    if not bad:
        return ""
    told = ", ".join(map(str, whole))
    return f"clearly bad ({', '.join(bad)}) with the {day.campaigns} campaigns of this day together: {told}"


def _enough(figures: CampaignFigures, limits: VerdictLimits) -> bool:
    """What comes first are refusals: not a case."""
    ended = max(figures.tried, figures.delivered + figures.bounced)
    return ended >= min(limits.least, max(1, figures.sent))


def _doubts(figures: CampaignFigures, signals: tuple[Signal, ...], limits: VerdictLimits) -> list[str]:
    """Why it isn't for the relay to say: a signal above what is fine, beyond chance."""
    unusual = _unusual(figures.engagement)
    # Openings decide nothing: where people open less than usual, the signals that decide are believed a little sooner.
    level = DOUBTED * 2 if unusual else DOUBTED
    found = [
        f"{one.name} more than {_percent(one.fine)}"
        for one in signals
        if one.doubtful(level, _least(one, figures, limits))
    ]
    if found and unusual:
        found.append(unusual)
    day = figures.together
    if not found and day is not None and day.campaigns > 1 and day.delivered + day.bounced >= limits.least:
        whole = limits.signals(day)
        found = [f"{one} in the {day.campaigns} campaigns of this day" for one in whole if one.doubtful(DOUBTED)]
    return found


def _least(one: Signal, figures: CampaignFigures, limits: VerdictLimits) -> int:
    """How many are more than a chance. Before the rest of a small list goes, behind which nothing is left to stop,
    one complaint is: of a list with one percent most have no second one by then."""
    last_step = figures.recipients < limits.small and figures.share >= STEP and figures.held
    return 1 if one.name == COMPLAINED and last_step else 2


def _large(figures: CampaignFigures, limits: VerdictLimits, told: str) -> CampaignVerdict:
    outcomes = figures.delivered + figures.bounced
    if outcomes < limits.least:
        return CampaignVerdict(Decision.ASK, f"only {outcomes} outcomes, {limits.least} are needed to tell: {told}")
    if figures.blind > MOST_BLIND * figures.delivered:
        share = figures.blind / figures.delivered
        why = f"complaints can't be called good, {_percent(share)} of the copies went to sites that report none"
        return CampaignVerdict(Decision.ASK, f"not clear ({why}): {told}")
    if not limits.release:
        return CampaignVerdict(Decision.ASK, f"nothing is against it, and the settings leave it to you: {told}")
    return CampaignVerdict(Decision.RELEASE, f"clearly good: {told}")


def _climb(figures: CampaignFigures, limits: VerdictLimits, told: str) -> CampaignVerdict:
    """A small campaign: 10, 30 and 100 %, each step with a window."""
    share = figures.share * STEP
    if share < limits.every and figures.held and figures.share < STEP:
        why = f"nothing is clearly bad, {share} of {limits.every} go now: {told}"
        return CampaignVerdict(Decision.WIDEN, why, share, limits.every)
    outcomes = figures.delivered + figures.bounced
    few = " (too few to know more)" if outcomes < limits.least else ""
    return CampaignVerdict(Decision.RELEASE, f"nothing is clearly bad{few}: {told}")


def _told(figures: CampaignFigures, signals: tuple[Signal, ...]) -> str:
    parts = [str(one) for one in signals]
    if figures.blind and figures.delivered:
        parts.append(f"{_percent(figures.blind / figures.delivered)} of the copies at sites that report no complaints")
    if figures.engagement is not None:
        parts.append(str(figures.engagement))
    return ", ".join(parts)


def _unusual(found: Engagement | None) -> str:
    """Where this sender has a history of its own: whether people open less than its people do; empty if not."""
    if found is None or not found.usual or not found.tracked:
        return ""
    less = 1.0 - tail(found.tracked, round(found.opened) + 1, found.usual)
    return f"opened less than this sender's usual {_percent(found.usual)}" if less < UNUSUAL else ""
