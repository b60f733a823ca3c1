"""Minutes in which the relay could be used, kept as the spans in which it could not. In the caller's transaction.

Whoever finds it usable says so once a minute. A minute of which nobody could say
so is one in which it was not: also where the machine was off, or the store away.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from relay.announcements import book as announcements
from relay.store.contract import Tx

MINUTE_S: Final = 60


class AvailabilityKind(StrEnum):
    SERVICE = "service"
    """Mail is taken and stored, and pages answer."""
    SUPPORT = "support"
    """Pages answer, and requests written there are stored."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Minutes since 1970, from the first in which it couldn't be used to the first in which it could again."""

    kind: AvailabilityKind
    from_minute: int
    until_minute: int
    announced: int
    """Of these minutes, those of planned work that was announced before."""
    over: bool = True

    @property
    def minutes(self) -> int:
        return self.until_minute - self.from_minute


def usable(conn: Tx, kinds: Iterable[AvailabilityKind], now: float) -> None:
    """These could be used in the minute of ``now``; several processes and machines may say so."""
    minute = int(now // MINUTE_S)
    for kind in kinds:
        conn.execute(
            "INSERT INTO availability (kind, from_minute, last_minute) VALUES (?, ?, ?) ON CONFLICT (kind) DO NOTHING",
            (kind.value, minute, minute),
        )
        last = _last(conn, kind)
        told = conn.execute(
            "UPDATE availability SET last_minute = ? WHERE kind = ? AND last_minute = ? AND last_minute < ?",
            (minute, kind.value, last, minute),
        ).rowcount
        if told and minute > last + 1:
            conn.execute(
                "INSERT INTO outage (kind, from_minute, until_minute, announced) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (kind, from_minute) DO NOTHING",
                (kind.value, last + 1, minute, _announced(conn, last + 1, minute)),
            )


def begun(conn: Tx) -> dict[AvailabilityKind, int]:
    """Since which minute each is measured; without those that never were."""
    rows = conn.execute("SELECT kind, from_minute FROM availability")
    return {AvailabilityKind(kind): minute for kind, minute in rows}


def outages(conn: Tx, from_minute: int, now: float) -> list[Outage]:
    """Those that reach into the time since, the newest first; one that still lasts is the first of its kind."""
    rows = conn.execute(
        "SELECT kind, from_minute, until_minute, announced FROM outage WHERE until_minute > ?"
        " ORDER BY until_minute DESC, kind",
        (from_minute,),
    )
    ended = [Outage(AvailabilityKind(kind), begin, end, planned) for kind, begin, end, planned in rows]
    return [*_lasting(conn, int(now // MINUTE_S)), *ended]


def _lasting(conn: Tx, minute: int) -> list[Outage]:
    """The minute that runs, and the one before, may still be told of."""
    found = []
    for kind in begun(conn):
        last = _last(conn, kind)
        if last < minute - 1:
            found.append(Outage(kind, last + 1, minute, _announced(conn, last + 1, minute), over=False))
    return found


def _last(conn: Tx, kind: AvailabilityKind) -> int:
    return int(conn.execute("SELECT last_minute FROM availability WHERE kind = ?", (kind.value,)).fetchone()[0])


def _announced(conn: Tx, begin: int, end: int) -> int:
    spans = announcements.planned(conn, begin * MINUTE_S, end * MINUTE_S)
    minutes = 0
    for from_at, until_at in spans:
        minutes += max(0, min(end, -int(-until_at // MINUTE_S)) - max(begin, int(from_at // MINUTE_S)))
    return min(minutes, end - begin)
