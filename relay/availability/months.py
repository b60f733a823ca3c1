"""Figures of a month: how much of it the relay could be used, what was answered in time. Months are UTC's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from relay.availability.book import MINUTE_S, AvailabilityKind, Outage, begun, outages
from relay.store.contract import Tx
from relay.support import answered

PROMISED: Final = 0.995
"""Of a month (R35)."""
MOST_MONTHS: Final = 120


@dataclass(frozen=True, slots=True)
class MonthShare:
    """Of one kind in one month, in minutes; of the running month those that have been."""

    measured: int
    down: int
    announced: int
    """Of ``down``, in planned work that was announced before; it counts as down."""

    @property
    def share(self) -> float:
        return (self.measured - self.down) / self.measured

    @property
    def percent(self) -> float:
        """With three decimals, never rounded up."""
        return math.floor(self.share * 100_000) / 1_000

    @property
    def kept(self) -> bool:
        return self.share >= PROMISED


@dataclass(frozen=True, slots=True)
class MonthFigures:
    month: str
    """``2026-11``."""
    shares: dict[AvailabilityKind, MonthShare]
    """Without those that weren't measured in it."""
    due: int
    """Answers to support requests that were due in it."""
    in_time: int


def figures(conn: Tx, now: float, count: int) -> tuple[list[MonthFigures], list[Outage]]:
    """The newest ``count`` months, the running one first, and the outages that reach into them."""
    spans = _months(now, count)
    since = begun(conn)
    found = outages(conn, spans[-1][1], now)
    answers = answered.by_due(conn, spans[-1][1] * MINUTE_S, now)
    months = []
    for name, begin, end in spans:
        shares = {
            kind: _share([one for one in found if one.kind is kind], max(begin, since[kind]), end)
            for kind in AvailabilityKind
            if kind in since and since[kind] < end
        }
        of_month = [kept for due_at, kept in answers if begin * MINUTE_S <= due_at < end * MINUTE_S]
        months.append(MonthFigures(name, shares, len(of_month), sum(of_month)))
    while months and not months[-1].shares and not months[-1].due:
        months.pop()
    return months, found


def _share(of_kind: Iterable[Outage], begin: int, end: int) -> MonthShare:
    down = announced = 0
    for one in of_kind:
        part = max(0, min(end, one.until_minute) - max(begin, one.from_minute))
        down += part
        announced += min(part, one.announced)
    return MonthShare(end - begin, down, announced)


def _months(now: float, count: int) -> Sequence[tuple[str, int, int]]:
    """(name, first minute, minute after the last or the running one), the newest first."""
    at = datetime.fromtimestamp(now, UTC)
    end = int(now // MINUTE_S) + 1
    found = []
    for _ in range(count):
        first = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        begin = int(first.timestamp()) // MINUTE_S
        found.append((f"{first:%Y-%m}", begin, end))
        end, at = begin, datetime.fromtimestamp(first.timestamp() - 1, UTC)
    return found
