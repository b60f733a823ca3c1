"""Figures beside their goals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Figure = tuple[str, str, str, bool | None]
"""What, figure, goal, whether it is reached (None without a goal)."""

_LOOKUP_US = 20.0
_IMPORT_S = 60.0
_MEMORY_MIB = 512.0
_WAIT_MS = 100.0
_BOMB_S = 2.0
_MILLION = 1_000_000


def figures(people: int, lines: int, octets: int, found: Mapping[str, Any]) -> list[Figure]:
    return [
        ("people in the registry", f"{people}", "", None),
        ("database", f"{octets >> 20} MiB", "", None),
        *_lookups(found["lookups"]),
        *_imports(found),
        *_export(found["export"]),
        *(
            (f"relay {what}, whole command", f"{seconds:.2f} s", "", None)
            for what, seconds in found["commands"].items()
        ),
        *(
            (f"GET {what}, p50 / p99", f"{p50:.1f} / {p99:.1f} ms", "", None)
            for what, (p50, p99) in found["api"].items()
        ),
        *_bombs(found["bombs"]),
    ]


def _lookups(found: Mapping[str, Any]) -> Iterator[Figure]:
    for what, (p50, p99) in found.items():
        judged = what in ("known", "unknown")
        goal, met = ("≤ 20 µs", p50 <= _LOOKUP_US) if judged else ("", None)
        yield f"look-up: {what}, p50 / p99", f"{p50:.1f} / {p99:.1f} µs", goal, met


def _imports(found: Mapping[str, Any]) -> Iterator[Figure]:
    names = {"txt": "TXT", "csv": "CSV", "xlsx": "XLSX", "into_full": "CSV into the large registry"}
    for kind, name in names.items():
        one = found[f"import_{kind}"]
        limit = _IMPORT_S * max(one["lines"], 1000) / _MILLION
        seconds, memory, wait = one["seconds"], one["memory_mib"], one["wait_most_ms"]
        # A small list is mostly the start of a command.
        goal, met = (f"< {limit:.0f} s", seconds < limit) if one["lines"] >= _MILLION // 10 else ("", None)
        yield f"import of {one['lines']} lines, {name}", f"{seconds:.1f} s", goal, met
        yield "… memory at the peak", f"{memory:.0f} MiB", f"< {_MEMORY_MIB:.0f} MiB", memory < _MEMORY_MIB
        yield (
            "… a relay's writes wait for the lock, p99 / longest",
            f"{one['wait_p99_ms']:.1f} / {wait:.1f} ms",
            f"longest < {_WAIT_MS:.0f} ms",
            wait < _WAIT_MS,
        )
        yield "… its commits, p50 / p99", f"{one['commit_p50_ms']:.1f} / {one['commit_p99_ms']:.1f} ms", "", None
    p50, p99 = found["commits_alone"]["p50"], found["commits_alone"]["p99"]
    yield "commits with nothing beside them, p50 / p99", f"{p50:.1f} / {p99:.1f} ms", "", None


def _export(one: Mapping[str, Any]) -> Iterator[Figure]:
    yield "export, CSV", f"{one['seconds']:.1f} s, {one['rows'] / one['seconds']:.0f} rows/s", "", None
    memory = one["memory_mib"]
    yield "… memory at the peak", f"{memory:.0f} MiB", f"< {_MEMORY_MIB:.0f} MiB", memory < _MEMORY_MIB


def _bombs(found: Mapping[str, Any]) -> Iterator[Figure]:
    for what, (seconds, memory, _) in found.items():
        goal = f"< {_BOMB_S:.0f} s"
        yield f"refused: {what}", f"{seconds:.2f} s, {memory:.0f} MiB", goal, seconds < _BOMB_S
