"""What one look-up of a person's standing costs, as it is done at RCPT and before a delivery; microseconds."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.people.fill import PERIOD, SUPPRESSED, address
from relay.people.standing import standing, standing_by_id
from relay.store.database import connect

_ASKED = 20_000
_COLD = 300
_ROUNDS = 9


class Spread(NamedTuple):
    """Median and 99th percentile."""

    p50: float
    p99: float


def spread(values: Sequence[float]) -> Spread:
    ordered = sorted(values)
    return Spread(ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)])


def lookups(database: Path, tenant_id: int, people: int) -> dict[str, Spread]:
    """What is asked → its cost, for random people of all.

    Each is asked once before, so the file's pages are in the system's memory; the connection's own cache, of the
    size that the mail process has, holds hardly any of them.
    """
    rng = random.Random(7)
    numbers = [rng.randrange(people) + 1 for _ in range(min(_ASKED, people))]
    plain = [address(n) for n in numbers if n % 5]
    several = [address(n) for n in numbers if not n % 5]
    stopped = [address(n - n % SUPPRESSED or SUPPRESSED) for n in numbers]
    conn = connect(database, readonly=True)

    def by_address(one: str) -> object:
        return standing(conn, tenant_id, one, "")

    try:
        return {
            "known": _warm(by_address, plain),
            "known, of a provider with several spellings": _warm(by_address, several),
            "known, near the plan's limit": _warm(lambda one: standing(conn, tenant_id, one, PERIOD), plain),
            "suppressed": _warm(by_address, stopped),
            "unknown": _warm(by_address, [address(n + people * 2) for n in numbers if n % 5]),
            "unknown, another spelling of a known one": _warm(by_address, [_spelt(one) for one in several]),
            "by id, before a delivery": _warm(lambda n: standing_by_id(conn, n), numbers),
            "known, pages not in memory": _cold(database, tenant_id, plain[:_COLD]),
        }
    finally:
        conn.close()


def _spelt(one: str) -> str:
    return f"{one[:3]}.{one[3:]}"


def _warm(ask: Callable[[Any], object], values: Sequence[Any]) -> Spread:
    """Of several rounds the quietest: what else runs on the machine only adds."""
    for value in values:
        ask(value)
    again, rng, rounds = list(values), random.Random(8), []
    for _ in range(_ROUNDS):
        rng.shuffle(again)
        rounds.append(spread(_times(ask, again)))
    return min(rounds)


def _cold(database: Path, tenant_id: int, values: Sequence[str]) -> Spread:
    """After the system was told to forget the file's pages."""
    with database.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    conn: sqlite3.Connection = connect(database, readonly=True)
    try:
        return spread(_times(lambda one: standing(conn, tenant_id, one, ""), values))
    finally:
        conn.close()


def _times(ask: Callable[[Any], object], values: Sequence[Any]) -> list[float]:
    clock = time.perf_counter_ns
    found = []
    for value in values:
        begin = clock()
        ask(value)
        found.append((clock() - begin) / 1000)
    return found
