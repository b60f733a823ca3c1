"""The generated part of docs/BENCHMARKS.md, between two marks, from results files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.harness.errors import BenchError
from bench.harness.goals import standings
from bench.harness.results import PEER, Record, Row, cpus_text, limit, machine, rows, times
from bench.harness.table import size_text
from bench.harness.works import WORKS, label

BEGIN = "<!-- begin: written by `bench/run --write-docs` -->"
END = "<!-- end -->"


def write(page: Path, records: list[Record], queues: Iterable[Record]) -> None:
    """Replace what stands between the marks; raises BenchError if the page hasn't both."""
    text = page.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchError(f"{page}: the lines {BEGIN!r} and {END!r} are missing")
    page.write_text(f"{before}{BEGIN}\n\n{generated(records, queues)}\n{END}{after}", "utf-8")


def generated(records: list[Record], queues: Iterable[Record]) -> str:
    parts = [_terms(records), _goals(records), _all(records), _times(records), *(_queue(one) for one in queues)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _terms(records: list[Record]) -> str:
    m: dict[str, Any] = dict(machine(records))
    shares = [row.steal for row in rows(records)]
    return (
        f"{m['date'][:10]}, commit {m['commit']}; {cpus_text(records)}, Linux {m['kernel']}, {m['filesystem']},"
        f" Python {m['python']}, {m['postfix']}. {m['sessions']} sessions, median of {m['rounds']} rounds of"
        f" {m['seconds']:g} s.\n"
        f"Limits of the machine in this run: fsync of 10 KB {limit(records, 'fsync_us'):.0f} µs; RSA-2048"
        f" {limit(records, 'rsa_one'):.0f}/s on one core, {limit(records, 'rsa_all'):.0f}/s on all;"
        f" smtp-source straight into smtp-sink {limit(records, 'tools'):.0f} messages/s.\n"
        f"The hypervisor took up to {max(shares, default=0.0):.0%} of the CPU during a load:"
        " take the ratios, not the rates."
    )


def _goals(records: list[Record]) -> str:
    lines = [(s.what, s.ours, s.peer, s.ratio, s.goal, "yes" if s.met else "**not yet**") for s in standings(records)]
    titles = ("work", "relay", "Postfix (+ OpenDKIM where signed)", "ratio", "goal", "reached")
    return _table("Goals", titles, lines)


def _all(records: list[Record]) -> str:
    found = rows(records)
    peers = {(row.test, row.size): row.rate for row in found if row.contestant == PEER}
    lines = [_line(row, peers.get((row.test, row.size))) for row in found]
    titles = ("work", "size", "contestant", "rate", "to Postfix", "CPU s/1000", "MiB", "`250` p99 ms")
    return _table("All contestants", titles, lines)


def _line(row: Row, peer: float | None) -> tuple[str, ...]:
    work = WORKS[row.test]
    return (
        f"`{row.test}`",
        size_text(row.size),
        label(row.contestant, work),
        f"{row.rate:.0f} {work.unit}",
        f"{row.rate / peer:.2f}" if peer else "-",
        f"{row.cpu_per_1000:.2f}",
        f"{row.memory_mib:.0f}",
        f"{row.reply_p99_ms:.1f}" if row.reply_p99_ms is not None else "-",
    )


def _times(records: list[Record]) -> str:
    names = ("accepted_p50_ms", "accepted_p99_ms", "arrived_p50_ms", "arrived_p99_ms")
    lines = [
        (label(t.contestant, WORKS[t.test]), *(f"{t.figures[name]:.1f}" for name in names))
        for t in times(records, "latency")
    ]
    titles = ("contestant", "`250` p50 ms", "p99", "arrival p50 ms", "p99")
    return _table("Latency, signed, one message at a time", titles, lines)


def _queue(record: Record) -> str:
    lines = [(what, figure, goal) for what, figure, goal, _ in record["figures"]]
    title = f"A queue of {record['n']:,} ({record['date'][:10]}, commit {record['commit']})"
    return _table(title, ("what", "measured", "goal"), lines)


def _table(title: str, titles: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> str:
    lines = list(lines)
    if not lines:
        return ""
    rule = "|" + "---|" * len(titles)
    return f"### {title}\n\n" + "\n".join(
        ["| " + " | ".join(titles) + " |", rule, *(f"| {' | '.join(x)} |" for x in lines)]
    )


def last_queues(directory: Path) -> list[Record]:
    """The newest results of `make bench-queue` for each length, the shortest first."""
    found = []
    for path in sorted(directory.glob("*.json")):
        try:
            found.append(json.loads(path.read_text("utf-8")))
        except ValueError as error:
            raise BenchError(f"{path}: can't be read as results: {error}") from None
    newest = {record["n"]: record for record in sorted(found, key=lambda record: str(record["date"]))}
    return [newest[n] for n in sorted(newest)]
