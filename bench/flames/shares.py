"""A flame graph's samples, told by the part of the relay that spent them. No I/O."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from bench.harness.errors import BenchError

_FRAME = re.compile(
    r'<title>(?P<title>[^<]*) \([\d,]+ samples?, [\d.]+%\)</title><rect [^>]*?y="(?P<y>\d+)"[^>]*?'
    r'fg:x="(?P<x>\d+)" fg:w="(?P<w>\d+)"'
)
_HEADING = re.compile(r"(?<=>)[^<>]*py-spy record[^<>]*(?=<)")
_COMMAND = re.compile(r"process (\d+):[^<]*?(?= \([\d,]+ samples?, |</)")
_MORE = re.compile(r"(<title>|<text [^>]*>) [^<\s][^<]*?(?= \([\d,]+ samples?, |</)")
"""py-spy cuts a command line at its semicolons and draws the pieces as frames; only these begin with a space."""
_PART = re.compile(r"\((?:[^()]*/)?(?P<part>(?:relay|policies)/(?:[a-z_]+/){0,2})[a-z_0-9]+\.py")
ELSEWHERE = "elsewhere"
"""Samples with no frame of the relay below them, such as an idle loop's own work."""


def nameless(svg: str) -> str:
    """Without the processes' command lines: they tell this machine's paths."""
    return _MORE.sub(r"\1its command line", _COMMAND.sub(r"process \1", _HEADING.sub("relay", svg)))


@dataclass(frozen=True, slots=True)
class Frame:
    title: str
    row: int
    """From the graph's y; py-spy draws the root at the top, so callees have the greater one."""
    x: int
    width: int
    """In samples."""


def frames(svg: str) -> list[Frame]:
    """Raises BenchError if none is found: py-spy draws otherwise than expected, or saw nothing."""
    found = [Frame(m["title"], int(m["y"]), int(m["x"]), int(m["w"])) for m in _FRAME.finditer(svg)]
    if not found:
        raise BenchError("the flame graph has no frames: was the relay busy while py-spy looked?")
    return found


def shares(found: list[Frame]) -> list[tuple[str, float]]:
    """(folder, part of all samples), the largest first.

    A sample belongs to the innermost frame of the relay on its stack: libraries
    and the standard library count for whoever called them.
    """
    rows = sorted({frame.row for frame in found})
    by_row = {row: [frame for frame in found if frame.row == row] for row in rows}
    counts: Counter[str] = Counter()
    above: list[tuple[Frame, str]] = []
    for i, row in enumerate(rows):
        below = by_row[rows[i + 1]] if i + 1 < len(rows) else []
        level = [(frame, _part(frame) or _caller(frame, above)) for frame in by_row[row]]
        for frame, part in level:
            inner = sum(other.width for other in below if _inside(other, frame))
            counts[part] += frame.width - inner
        above = level
    total = counts.total()
    return [(part, count / total) for part, count in counts.most_common() if count]


def _part(frame: Frame) -> str | None:
    match = _PART.search(frame.title)
    return match["part"] if match is not None else None


def _caller(frame: Frame, above: list[tuple[Frame, str]]) -> str:
    return next((part for outer, part in above if _inside(frame, outer)), ELSEWHERE)


def _inside(inner: Frame, outer: Frame) -> bool:
    return outer.x <= inner.x and inner.x + inner.width <= outer.x + outer.width
