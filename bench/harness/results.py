"""Results as JSON lines, and what follows from them. No I/O but reading and naming files.

A line is an object with ``kind``: ``machine`` (once), ``limit`` (once a round), ``load``, ``latency``, ``idle``,
``absent`` or ``failed``.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bench.harness.errors import BenchError
from bench.harness.works import WORKS

Record = Mapping[str, Any]
OURS, PEER = "relay", "postfix"


class Row(NamedTuple):
    """A contestant's medians for one test and size."""

    contestant: str
    test: str
    size: int
    rate: float
    lowest: float
    highest: float
    cpu_per_1000: float
    memory_mib: float
    memory_kind: str
    steal: float
    rounds: int
    surplus: int
    reply_p99_ms: float | None = None


class Times(NamedTuple):
    """Medians of a latency or idle work's figures, by their names in the records."""

    contestant: str
    test: str
    size: int
    figures: Mapping[str, float]


def read(path: Path) -> list[Record]:
    try:
        records = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
    except (OSError, ValueError) as error:
        raise BenchError(f"{path}: can't be read as results: {error}") from None
    if not records or any(not isinstance(r, dict) or "kind" not in r for r in records):
        raise BenchError(f"{path}: these are no results of bench/run")
    return records


def last(directory: Path) -> Path | None:
    """The results file with the newest date inside, of whole runs if there is one."""
    heads = [(machine(read(path)), path) for path in sorted(directory.glob("*.jsonl"))]
    dated = [(not head.get("chosen"), str(head.get("date", "")), path) for head, path in heads]
    return max(dated)[2] if dated else None


def machine(records: Iterable[Record]) -> Record:
    return next((r for r in records if r["kind"] == "machine"), {})


def limit(records: Iterable[Record], name: str) -> float:
    """Median over the rounds of fsync_us, rsa_one, rsa_all or tools; 0 if it wasn't measured."""
    values = [float(r[name]) for r in records if r["kind"] == "limit" and name in r]
    return statistics.median(values) if values else 0.0


_HINDERED = 0.85
"""All CPUs together give less than this part of what one gives times their number: they share something."""


def cpus_text(records: list[Record]) -> str:
    """The number and kind of CPUs, and whether they share cores by what the kernel or the RSA rates tell."""
    about = machine(records)
    number, threads = int(about.get("cpus", 1)), about.get("threads_per_core") or 1
    text = f"{number} x {about.get('cpu', '?')}"
    if threads > 1:
        text += f", {threads} threads a core"
    one, every = limit(records, "rsa_one"), limit(records, "rsa_all")
    if one and every < one * number * _HINDERED:
        text += f" (busy together, each gives {every / one / number:.0%} of what it gives alone)"
    return text


def rows(records: Iterable[Record]) -> list[Row]:
    """In the order in which tests, sizes and contestants first appear in the table of works and in the file."""
    groups: dict[tuple[str, int, str], list[Record]] = {}
    for r in records:
        if r["kind"] == "load" and r["test"] in WORKS:
            groups.setdefault((r["test"], r["size"], r["contestant"]), []).append(r)
    order = {name: i for i, name in enumerate(WORKS)}
    names = list(dict.fromkeys(name for _, _, name in groups))
    found = []
    for (test, size, name), loads in groups.items():
        rates = [float(r["rate"]) for r in loads]
        found.append(
            Row(
                contestant=name,
                test=test,
                size=size,
                rate=statistics.median(rates),
                lowest=min(rates),
                highest=max(rates),
                cpu_per_1000=statistics.median(float(r["cpu_per_1000"]) for r in loads),
                memory_mib=max(float(r["memory_mib"]) for r in loads),
                memory_kind=loads[0]["memory_kind"],
                steal=max(float(r["steal"]) for r in loads),
                rounds=len(loads),
                surplus=sum(int(r["surplus"]) for r in loads),
                reply_p99_ms=_median([r.get("reply_p99_ms") for r in loads]),
            )
        )
    return sorted(found, key=lambda row: (order[row.test], row.size, names.index(row.contestant)))


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def times(records: Iterable[Record], kind: str) -> list[Times]:
    """One for each work, size and contestant of that kind, in the file's order."""
    groups: dict[tuple[str, str, int], list[Record]] = {}
    for r in records:
        if r["kind"] == kind and r["test"] in WORKS:
            groups.setdefault((r["contestant"], r["test"], r["size"]), []).append(r)
    return [
        Times(*key, {name: statistics.median(r[name] for r in found) for name in found[0] if name not in _NO_FIGURES})
        for key, found in groups.items()
    ]


_NO_FIGURES = {"kind", "contestant", "test", "size", "round"}


def of_peer(row: Row, all_rows: Iterable[Row]) -> float | None:
    """Its rate in units of Postfix's (with OpenDKIM where the test signs); None where Postfix has none."""
    for other in all_rows:
        if (other.contestant, other.test, other.size) == (PEER, row.test, row.size) and other.rate:
            return row.rate / other.rate
    return None


def of_rsa(row: Row, rsa_all: float) -> float | None:
    """Its signatures in units of those that all cores could make if they did nothing else."""
    signatures = row.rate * WORKS[row.test].signatures
    return signatures / rsa_all if signatures and rsa_all else None


def ratios(records: list[Record]) -> dict[tuple[str, int], float]:
    """What a change is judged by: the relay's rate by Postfix's, or by the RSA rate where Postfix can't."""
    table = rows(records)
    found = {}
    for row in table:
        if row.contestant == OURS:
            ratio = of_peer(row, table) or of_rsa(row, limit(records, "rsa_all"))
            if ratio is not None:
                found[row.test, row.size] = ratio
    return found


class Change(NamedTuple):
    test: str
    size: int
    before: float
    now: float

    @property
    def by(self) -> float:
        """-0.3: fell by 30 %."""
        return self.now / self.before - 1


def changes(before: list[Record], now: list[Record]) -> list[Change]:
    """For what both have measured."""
    earlier = ratios(before)
    return [Change(*key, earlier[key], ratio) for key, ratio in ratios(now).items() if earlier.get(key)]


_LIMITS = (
    ("fsync_us", "fsync of 10 KB in us"),
    ("rsa_one", "RSA-2048/s on one core"),
    ("rsa_all", "RSA-2048/s on all"),
)
_OTHER = 0.25
"""A limit of the machine that differs by more than this is told."""


def differences(before: list[Record], now: list[Record]) -> list[str]:
    """What about the machine or the programs was different, as lines: a changed ratio may come from there."""
    earlier, today = machine(before), machine(now)
    found = []
    for name in ("cpu", "cpus", "kernel", "filesystem", "python", "postfix", "sessions"):
        if earlier.get(name) != today.get(name):
            found.append(f"{name}: {earlier.get(name)} -> {today.get(name)}")
    for name, what in _LIMITS:
        a, b = limit(before, name), limit(now, name)
        if a and b and abs(b / a - 1) > _OTHER:
            found.append(f"{what}: {a:.0f} -> {b:.0f}")
    return found
