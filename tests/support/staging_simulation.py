"""How often good campaigns are stopped and bad ones pass: simulated audiences through the policy's own verdicts.

``make simulate`` writes the tables and pictures of docs/STAGING.md; tests run a short form.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Final

from policies.staged_sending import Policy
from relay.pipeline.contract import Decision
from relay.values.facts import CampaignFigures, Engagement

DOCS: Final = Path(__file__).resolve().parent.parent.parent / "docs"
SIZES: Final = (30, 100, 250, 1000, 5000, 50_000)
SMALL: Final = 300
FIRST: Final = 20
MOST: Final = 1000
WINDOW_S: Final = 6 * 3600.0
STEPS: Final = 10
"""Parts in which the rest leaves after a release, with a look after each."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Chances for each recipient; ``opens``: of the tracked ones, a fifth of all."""

    title: str
    honest: bool
    dead: float
    complaint: float
    unsubscribe: float
    opens: float = 0.3


AUDIENCES: Final = (
    Audience("clean list", True, 0.005, 0.0001, 0.002),
    Audience("usual list", True, 0.01, 0.0002, 0.004),
    Audience("list of two years ago", True, 0.02, 0.0003, 0.008, 0.25),
    Audience("10 % dead", False, 0.10, 0.001, 0.01, 0.1),
    Audience("10 % dead, else fine", False, 0.10, 0.0002, 0.004),
    Audience("1 % complaints", False, 0.02, 0.01, 0.03, 0.08),
    Audience("1 % complaints, else fine", False, 0.01, 0.01, 0.004),
    Audience("bought list", False, 0.15, 0.01, 0.04, 0.05),
)
TRACKED: Final = 0.2
USUAL: Final = 0.3


def happen(lot: random.Random, n: int, p: float) -> int:
    """Binomial(n, p), drawn by the gaps between events."""
    if p <= 0 or n <= 0:
        return 0
    count, place = -1, 0
    while place <= n:
        count += 1
        place += int(log(1.0 - lot.random()) / log(1.0 - p)) + 1
    return count


class Campaign:
    """One campaign as it leaves; counts of what came back so far."""

    def __init__(self, lot: random.Random, audience: Audience, size: int, tracked: bool) -> None:
        self.lot, self.audience, self.size, self.tracked = lot, audience, size, tracked
        self.sent = self.bounced = self.complained = self.unsubscribed = self.opened = self.watched = 0

    def send(self, until: int) -> None:
        """Let it go up to that many copies, and let all that will come back come back."""
        more = max(0, min(until, self.size) - self.sent)
        self.sent += more
        dead = happen(self.lot, more, self.audience.dead)
        self.bounced += dead
        self.complained += happen(self.lot, more - dead, self.audience.complaint)
        self.unsubscribed += happen(self.lot, more - dead, self.audience.unsubscribe)
        if self.tracked:
            watched = happen(self.lot, more - dead, TRACKED)
            self.watched += watched
            self.opened += happen(self.lot, watched, self.audience.opens)

    def figures(self, share: int, *, decided: bool = False) -> CampaignFigures:
        engagement = Engagement(self.watched, float(self.opened), 0.0, USUAL) if self.tracked else None
        return CampaignFigures(
            campaign_id=1,
            recipients=self.size,
            held=self.size - self.sent,
            sent=self.sent,
            delivered=self.sent - self.bounced,
            bounced=self.bounced,
            unsubscribed=self.unsubscribed,
            complained=self.complained,
            window_started_at=1.0,
            now=1.0 + WINDOW_S,
            share=share,
            tried=self.sent,
            decided=decided,
            engagement=engagement,
        )


def run(policy: Policy, campaign: Campaign) -> tuple[str, float]:
    """(what became of it, share of copies that left): released, asked, stopped, or stopped late, after a release."""
    share = 1
    while True:
        numbered = max(0, campaign.size - FIRST)
        part = numbered * share // 10 if campaign.size < SMALL else min(numbered // 10, MOST)
        campaign.send(FIRST + part)
        verdict = policy.on_campaign(campaign.figures(share))
        if verdict.decision is Decision.WIDEN:
            share = verdict.share
            continue
        if verdict.decision is not Decision.RELEASE:
            return ("stopped" if verdict.decision is Decision.STOP else "asked"), campaign.sent / campaign.size
        break
    left = campaign.size - campaign.sent
    for step in range(1, STEPS + 1):
        campaign.send(campaign.size - left + left * step // STEPS)
        if campaign.sent < campaign.size:
            verdict = policy.on_campaign(campaign.figures(share, decided=True))
            if verdict.decision is Decision.STOP:
                return "stopped late", campaign.sent / campaign.size
    return "released", 1.0


@dataclass(frozen=True, slots=True)
class Cell:
    """Shares of campaigns, and of copies that left."""

    released: float
    asked: float
    stopped: float
    late: float
    left: float

    @property
    def held(self) -> float:
        return self.asked + self.stopped + self.late


def simulate(
    runs: int, seed: int, *, tracked: bool, sizes: Iterable[int] = SIZES, audiences: Iterable[Audience] = AUDIENCES
) -> dict[tuple[str, int], Cell]:
    """By audience and size."""
    policy = Policy({})
    found = {}
    for audience in audiences:
        for size in sizes:
            lot = random.Random(f"{seed} {audience.title} {size} {tracked}")
            ends: Counter[str] = Counter()
            left = 0.0
            for _ in range(runs):
                end, share = run(policy, Campaign(lot, audience, size, tracked))
                ends[end] += 1
                left += share
            found[audience.title, size] = Cell(
                ends["released"] / runs, ends["asked"] / runs, ends["stopped"] / runs, ends["stopped late"] / runs,
                left / runs,
            )  # fmt: skip
    return found


# --- tables and pictures ---------------------------------------------------------------


def table(found: Mapping[tuple[str, int], Cell], sizes: Iterable[int] = SIZES) -> str:
    """In Markdown: out without a human, left to one, stopped in time or late, copies that left; percent."""
    columns = list(sizes)
    lines = ["| list | " + " | ".join(f"{size:,}".replace(",", " ") for size in columns) + " |"]
    lines.append("|---|" + "---|" * len(columns))
    for title in dict.fromkeys(name for name, _ in found):
        cells = []
        for size in columns:
            one = found[title, size]
            parts = (one.released, one.asked, one.stopped + one.late, one.left)
            cells.append(" / ".join(f"{100 * part:.0f}" for part in parts))
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


WIDE, HIGH, LEFT, TOP = 760, 380, 60, 40
_COLOURS: Final = ("#1b7f5c", "#3f9f4f", "#93b84a", "#b03a2e", "#d9764a", "#6c3483", "#a569bd", "#1f3a5f")


def picture(found: Mapping[tuple[str, int], Cell], title: str, sizes: Iterable[int] = SIZES) -> str:
    """An SVG: share of campaigns held by the relay or left to a person, by size."""
    columns = list(sizes)
    right, bottom = WIDE - 230, HIGH - 50
    across = {size: LEFT + (right - LEFT) * n / (len(columns) - 1) for n, size in enumerate(columns)}

    def height(share: float) -> float:
        return bottom - (bottom - TOP) * share

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" role="img" font-family="sans-serif"'
        f' font-size="12"><title>{title}</title><rect width="{WIDE}" height="{HIGH}" fill="#fff"/>',
        f'<text x="{LEFT}" y="22" font-size="14">{title}</text>',
    ]
    for percent in (0, 5, 25, 50, 75, 90, 100):
        y = height(percent / 100)
        out.append(f'<line x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{percent} %</text>')
    for size, x in across.items():
        out.append(f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle" fill="#555">{size}</text>')
    out.append(f'<text x="{(LEFT + right) / 2:.0f}" y="{bottom + 40}" text-anchor="middle">recipients</text>')
    for number, name in enumerate(dict.fromkeys(title for title, _ in found)):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(f"{across[size]:.1f},{height(found[name, size].held):.1f}" for size in columns)
        dash = "" if number > 2 else ' stroke-dasharray="5 3"'
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        y = TOP + 20 * number
        out.append(
            f'<line x1="{right + 20}" x2="{right + 44}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2"{dash}/>'
        )
        out.append(f'<text x="{right + 50}" y="{y + 4}">{name}</text>')
    return "\n".join([*out, "</svg>", ""])


def main() -> None:
    runs, seed = int(os.environ.get("RUNS", "1000")), int(os.environ.get("SEED", "11"))
    page = DOCS / "STAGING.md"
    text = page.read_text()
    for tracked, word in ((False, "three"), (True, "five")):
        found = simulate(runs, seed, tracked=tracked)
        (DOCS / f"staging-{word}.svg").write_text(
            picture(found, f"Campaigns stopped, or left to a person, with {word} signals")
        )
        begin, end = f"<!-- {word} -->\n", f"<!-- end of {word} -->"
        head, _, rest = text.partition(begin)
        text = head + begin + table(found) + "\n" + end + rest.partition(end)[2]
    page.write_text(text)
    print(f"{runs} campaigns a cell, seed {seed}: docs/STAGING.md, docs/staging-three.svg, docs/staging-five.svg")


if __name__ == "__main__":
    main()
