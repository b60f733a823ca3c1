"""What the relay wants to reach, and what a results file says about it. Pure values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bench.harness.results import OURS, PEER, Record, Row, Times, limit, of_peer, of_rsa, rows, times
from bench.harness.works import WORKS

IDLE_MIB, IDLE_SLOWER = 100.0, 2.0


class Goal(NamedTuple):
    work: str
    what: str
    """As the page says it."""
    least: float
    """Of Postfix's rate in the same run, or of the RSA rate where Postfix has no such mode."""


RATES = (
    Goal("accept-kept", "accept only, connections kept", 3.0),
    Goal("accept", "accept only, one message a connection", 2.0),
    Goal("relay-kept", "accept, deliver, kept, no signature", 5.0),
    Goal("dkim-kept", "accept, DKIM rsa-2048, deliver, kept", 5.0),
    Goal("dkim", "accept, DKIM rsa-2048, deliver, one a connection", 3.5),
    Goal("own", "bulk to 50, each copy with its own footer, fields, reverse-path and signature", 0.7),
    Goal("bulk", "one message to 50 recipients of one site, the same copy", 1.5),
    Goal("tls-accept-kept", "STARTTLS and AUTH: accept only, kept", 3.0),
    Goal("tls-accept", "STARTTLS and AUTH: accept only, one a connection", 2.0),
    Goal("tls-relay-kept", "STARTTLS and AUTH: accept, deliver, kept", 5.0),
    Goal("tls-dkim-kept", "STARTTLS and AUTH: accept, DKIM, deliver, kept", 5.0),
    Goal("tls-dkim", "STARTTLS and AUTH: accept, DKIM, deliver, one a connection", 3.5),
)
LATENCY_MOST = 0.5
MEMORY_MOST = 1.0


class Standing(NamedTuple):
    """One goal beside what was measured, as text for a table."""

    what: str
    ours: str
    peer: str
    ratio: str
    goal: str
    met: bool


def standings(records: list[Record]) -> Iterator[Standing]:
    """In the order of the goals; what wasn't measured is left out."""
    found = rows(records)
    for goal in RATES:
        for row in found:
            if (row.contestant, row.test) == (OURS, goal.work):
                yield _rate(goal, row, found, limit(records, "rsa_all"))
    yield from _latency(times(records, "latency"))
    yield from _memory(found)
    for one in times(records, "idle"):
        yield from _idle(one)


def _rate(goal: Goal, row: Row, found: list[Row], rsa_all: float) -> Standing:
    peer = next((r for r in found if (r.contestant, r.test, r.size) == (PEER, row.test, row.size)), None)
    unit = WORKS[row.test].unit
    if WORKS[row.test].own_copies:
        ratio = of_rsa(row, rsa_all)
        text, against = f"{ratio or 0:.2f} of RSA", f"RSA on all cores: {rsa_all:.0f}/s"
    else:
        ratio = of_peer(row, found)
        text, against = (f"{ratio:.2f}", f"{peer.rate:.0f}") if ratio is not None and peer is not None else ("-", "-")
    ours = f"{row.rate:.0f} {unit}"
    return Standing(goal.what, ours, against, text, f"≥ {goal.least:g}", ratio is not None and ratio >= goal.least)


def _latency(found: list[Times]) -> Iterator[Standing]:
    ours = next((t.figures for t in found if t.contestant == OURS), None)
    peer = next((t.figures for t in found if t.contestant == PEER), None)
    if ours is None or peer is None:
        return
    for name, what in (("p50", "latency to arrival, signed, low load, p50"), ("p99", "the same, p99")):
        a, b = ours[f"arrived_{name}_ms"], peer[f"arrived_{name}_ms"]
        goal = f"≤ {LATENCY_MOST:g}"
        yield Standing(what, f"{a:.1f} ms", f"{b:.1f} ms", f"{a / b:.2f}", goal, a / b <= LATENCY_MOST)


def _memory(found: list[Row]) -> Iterator[Standing]:
    """The highest of the works that sign, as there Postfix has OpenDKIM beside it."""
    signed = [row for row in found if WORKS[row.test].signed]
    ours = max((row.memory_mib for row in signed if row.contestant == OURS), default=0.0)
    peer = max((row.memory_mib for row in signed if row.contestant == PEER), default=0.0)
    if ours and peer:
        ratio, goal = ours / peer, f"≤ {MEMORY_MOST:.1f}"
        what = "memory at the peak, signing"
        yield Standing(what, f"{ours:.0f} MiB", f"{peer:.0f} MiB", f"{ratio:.2f}", goal, ratio <= MEMORY_MOST)


def _idle(one: Times) -> Iterator[Standing]:
    f = one.figures
    what = f"{f['sessions']:.0f} idle sessions: memory"
    lean = f["memory_mib"] < IDLE_MIB and not f["lost"]
    yield Standing(what, f"{f['memory_mib']:.0f} MiB", "-", "-", f"< {IDLE_MIB:.0f} MiB", lean)
    slower = f["beside_p99_ms"] / f["alone_p99_ms"]
    ours = f"{f['alone_p99_ms']:.1f} → {f['beside_p99_ms']:.1f} ms"
    what = "an honest client's p99 beside them"
    yield Standing(what, ours, "-", f"{slower:.2f}", f"≤ {IDLE_SLOWER:g}", slower <= IDLE_SLOWER)
