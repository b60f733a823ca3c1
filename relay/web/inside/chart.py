"""Bars over time as numbers for an SVG: each bar a day or an hour, its parts on top of each other.

The page draws them (``account/chart.html``); a table below says the same, for
who doesn't see pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

HEIGHT: Final = 100.0
"""Units of the picture from its foot to the longest bar."""
PITCH: Final = 10.0
GAP: Final = 2.0
LEAST: Final = 1.0
"""Nothing that happened is invisible beside millions."""


@dataclass(frozen=True, slots=True)
class ChartPart:
    name: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class ChartBar:
    """``at``: when its time begins, seconds UTC."""

    at: float
    x: float
    parts: tuple[ChartPart, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Chart:
    names: tuple[str, ...]
    """Of the parts, from the foot up."""
    bars: tuple[ChartBar, ...]
    most: int
    """What the longest bar stands for."""
    hourly: bool

    @property
    def width(self) -> float:
        return PITCH * len(self.bars) - GAP

    @property
    def told(self) -> Sequence[ChartBar]:
        """Those in which something happened: the table's rows."""
        return [bar for bar in self.bars if any(bar.counts.values())]


def chart(names: Sequence[str], rows: Mapping[int, Mapping[str, int]], first: int, last: int, step_s: int) -> Chart:
    """``rows``: counts by name, by the number of their day or hour since 1970; ``first`` to ``last`` are shown."""
    sums = [sum(rows.get(number, {}).get(name, 0) for name in names) for number in range(first, last + 1)]
    most = max(sums, default=0)
    bars = tuple(
        _bar(names, rows.get(number, {}), number * step_s, place * PITCH, most)
        for place, number in enumerate(range(first, last + 1))
    )
    return Chart(tuple(names), bars, most, step_s < 86_400)


def _bar(names: Sequence[str], counts: Mapping[str, int], at: float, x: float, most: int) -> ChartBar:
    parts = []
    foot = HEIGHT
    for name in names:
        count = counts.get(name, 0)
        if count:
            height = max(LEAST, round(HEIGHT * count / most, 2))
            foot = round(max(0.0, foot - height), 2)
            parts.append(ChartPart(name, foot, height))
    return ChartBar(at, x, tuple(parts), {name: counts.get(name, 0) for name in names})
