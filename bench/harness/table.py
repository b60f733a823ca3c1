"""Results as text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bench.harness.results import Change, Record, Row, Times, cpus_text, limit, machine, of_peer, of_rsa, rows, times
from bench.harness.works import WORKS, label

FELL = -0.25
"""A ratio that lost more than this is told."""
_STOLEN = 0.05


def table(records: list[Record]) -> str:
    """Head, one line for each test and contestant, and notes; ends with a newline."""
    found = rows(records)
    lines = [*_head(records), ""]
    if found:
        lines += _grid([_TITLES, *(_cells(row, found, limit(records, "rsa_all")) for row in found)], _LEFT)
    for kind, titles in _TIMES.items():
        if measured := times(records, kind):
            cells = (
                (t.test, size_text(t.size), label(t.contestant, WORKS[t.test]), *_figures(t, kind)) for t in measured
            )
            lines += ["", *_grid([("test", "size", "contestant", *titles), *cells], _LEFT)]
    lines += ["", *_notes(records, found)]
    return "\n".join(lines).rstrip() + "\n"


_TITLES = (
    *("test", "size", "contestant", "rate", "", "lowest-highest", "CPU s/1000", "MiB"),
    *("250 p99 ms", "x Postfix", "of RSA", "stolen"),
)
_LEFT = {0, 2, 4}
_TIMES = {
    "latency": ("250 p50 ms", "p99", "arrival p50 ms", "p99"),
    "idle": ("sessions", "lost", "MiB without", "with", "250 p50 ms without", "with", "p99 without", "with"),
}


def _figures(found: Times, kind: str) -> tuple[str, ...]:
    f = found.figures
    if kind == "latency":
        return tuple(f"{f[n]:.1f}" for n in ("accepted_p50_ms", "accepted_p99_ms", "arrived_p50_ms", "arrived_p99_ms"))
    counts = (f"{f['sessions']:.0f}", f"{f['lost']:.0f}", f"{f['memory_alone_mib']:.0f}", f"{f['memory_mib']:.0f}")
    return (*counts, *(f"{f[n]:.1f}" for n in ("alone_p50_ms", "beside_p50_ms", "alone_p99_ms", "beside_p99_ms")))


def _cells(row: Row, found: list[Row], rsa_all: float) -> tuple[str, ...]:
    work = WORKS[row.test]
    peer, rsa = of_peer(row, found), of_rsa(row, rsa_all)
    return (
        row.test,
        size_text(row.size),
        label(row.contestant, work),
        f"{row.rate:.0f}",
        work.unit,
        f"{row.lowest:.0f}-{row.highest:.0f}" if row.rounds > 1 else "",
        f"{row.cpu_per_1000:.2f}",
        f"{row.memory_mib:.0f}",
        f"{row.reply_p99_ms:.1f}" if row.reply_p99_ms is not None else "-",
        f"{peer:.2f}" if peer is not None else "-",
        f"{rsa:.2f}" if rsa is not None else "-",
        f"{row.steal:.0%}",
    )


def size_text(octets: int) -> str:
    return f"{octets // 1024}k" if octets % 1024 == 0 else str(octets)


def _grid(cells: list[tuple[str, ...]], left: set[int]) -> list[str]:
    """Aligned columns, with an empty line between works."""
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    lines = []
    for number, line in enumerate(cells):
        if number > 1 and line[:2] != cells[number - 1][:2]:
            lines.append("")
        padded = (t.ljust(w) if i in left else t.rjust(w) for i, (t, w) in enumerate(zip(line, widths, strict=True)))
        lines.append("  ".join(padded).rstrip())
    return lines


def _head(records: list[Record]) -> list[str]:
    m: dict[str, Any] = dict(machine(records))
    if not m:
        return ["relays side by side"]
    return [
        f"relays side by side, {m['date'][:16].replace('T', ' ')} UTC, commit {m['commit']}",
        f"{cpus_text(records)}, Linux {m['kernel']}, {m['filesystem']}; {m['postfix']}, Python {m['python']}",
        f"limits: fsync of 10 KB {limit(records, 'fsync_us'):.0f} us; RSA-2048 {limit(records, 'rsa_one'):.0f}/s on"
        f" one core, {limit(records, 'rsa_all'):.0f}/s on all; smtp-source into smtp-sink"
        f" {limit(records, 'tools'):.0f} msg/s",
        f"median of {m['rounds']} rounds of {m['seconds']:g} s with {m['sessions']} connections",
    ]


def _notes(records: list[Record], found: list[Row]) -> Iterable[str]:
    kinds = {row.memory_kind for row in found}
    if "pss" in kinds:
        yield "MiB: most memory seen, proportional set size of all processes"
    if "rss" in kinds:
        yield "MiB: resident set size where PSS can't be read; shared pages count once for each process"
    if any(machine([r]).get("cpu_from") == "proc" for r in records):
        yield "CPU: from /proc, rounded to clock ticks for each process (cgroup v2 needs root)"
    yield "bulk, own: 50 recipients a message; CPU for 1000 recipients. own: a copy of its own for each, signed"
    if any(WORKS[row.test].tls for row in found):
        yield "tls-: STARTTLS with a full handshake for each connection, AUTH PLAIN; certificate ECDSA P-256"
    yield "of RSA: signatures made, by those that all cores make when they do nothing else"
    yield from dict.fromkeys(f"left out: {r['why']}" for r in records if r["kind"] == "absent")
    yield from dict.fromkeys(f"FAILED: {r['why']}" for r in records if r["kind"] == "failed")
    for row in found:
        what = f"{row.test} {size_text(row.size)} {row.contestant}"
        if row.steal > _STOLEN:
            yield f"noisy: the hypervisor took {row.steal:.0%} of the CPU during a round of {what}"
        if row.surplus:
            yield f"{what}: {row.surplus} recipients got their message twice"


def comparison(found: list[Change], source: str, differences: list[str]) -> str:
    """What fell first, then all the rest in one line each; then how the machine differs."""
    if not found:
        return f"nothing to compare with {source}: no work in common\n"
    lines = [f"ratios of the relay (to Postfix; own: to the RSA rate) against {source}:"]
    for change in sorted(found, key=lambda c: c.by):
        word = "FELL" if change.by < FELL else ""
        lines.append(
            f"  {change.test:15} {size_text(change.size):>5} {change.before:8.2f} -> {change.now:8.2f}"
            f" {change.by:+6.0%} {word}".rstrip()
        )
    if differences:
        lines += [
            "another machine or other programs than then, which moves ratios too:",
            *(f"  {d}" for d in differences),
        ]
    return "\n".join(lines) + "\n"
