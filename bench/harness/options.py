"""The command line."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.harness.contestant import BENCH, script_of
from bench.harness.works import QUICK, WORKS, Work

RESULTS = BENCH / "results"
_CONTESTANTS = ("relay", "postfix", "haraka", "exim")


@dataclass(frozen=True, slots=True)
class Options:
    contestants: tuple[str, ...]
    works: tuple[Work, ...]
    chosen: bool
    """Not the works and contestants of a whole run."""
    sizes: tuple[int, ...]
    rounds: int
    seconds: float
    sessions: int
    most: int
    limit_s: float
    directory: Path
    results: Path
    lock: Path | None
    quick: bool
    show: Path | None
    against: Path | None
    write_docs: bool


def parse(argv: Sequence[str]) -> Options:
    """Raises SystemExit (status 2) with one line on wrong use."""
    parser = argparse.ArgumentParser(
        prog="bench/run", description="The relay beside other mail relays, on the same work in one run, on loopback."
    )
    add = parser.add_argument
    add("--contestants", type=_contestants, help=f"default: {','.join(_CONTESTANTS)}; a path with / is an executable")
    add("--works", "--tests", type=_works, help=f"default: {','.join(WORKS)}; --quick: {','.join(QUICK)}")
    add("--sizes", type=_sizes, default=(10_240,), help="of the message: 1k,10k,50k (default: 10k)")
    add("--rounds", type=_positive, help="the table shows medians (default: 3)")
    add("--seconds", type=float, help="aimed length of a load (default: 4)")
    add("--sessions", type=_positive, default=30, help="simultaneous connections of the load (default: 30)")
    add("--most", type=_positive, default=20_000, help="messages in a load (default: 20000)")
    add("--limit", type=float, default=60.0, help="a load that isn't through after so many seconds has failed (60)")
    add("--dir", type=Path, default=Path("/var/tmp"), help="on a disk, for queues and databases (default: /var/tmp)")
    add("--results", type=Path, default=RESULTS, help="folder for results (default: bench/results)")
    add("--lock", type=Path, help="hold this lock while a contestant is measured, where measurements share a machine")
    add("--quick", action="store_true", help="short rounds of relay and postfix, compared with the last results")
    add("--against", type=Path, help="with --quick or --show: compare with this file")
    add("--show", type=Path, help="print the table of a results file and end")
    add("--write-docs", action="store_true", help="write the last whole results (or --show's) into docs/BENCHMARKS.md")
    given = parser.parse_args(argv)
    if given.against is not None and not (given.quick or given.show):
        parser.error("--against needs --quick or --show")
    if given.seconds is not None and not 0 < given.seconds <= 600:
        parser.error("--seconds: more than 0, at most 600")
    quick: bool = given.quick
    return Options(
        contestants=given.contestants or (("relay", "postfix") if quick else _CONTESTANTS),
        works=given.works or tuple(WORKS[name] for name in (QUICK if quick else WORKS)),
        chosen=given.works is not None or given.contestants is not None,
        sizes=given.sizes,
        rounds=given.rounds or 3,
        seconds=given.seconds or (1.0 if quick else 4.0),
        sessions=given.sessions,
        most=given.most,
        limit_s=given.limit,
        directory=given.dir,
        results=given.results,
        lock=given.lock,
        quick=quick,
        show=given.show,
        against=given.against,
        write_docs=given.write_docs,
    )


def _contestants(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if script_of(name) is None:
            known = ", ".join(_CONTESTANTS)
            raise argparse.ArgumentTypeError(f"no contestant {name!r}; there are {known}, or the path of an executable")
    return names


def _works(text: str) -> tuple[Work, ...]:
    unknown = [name for name in text.split(",") if name not in WORKS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no work {unknown[0]!r}; there are {', '.join(WORKS)}")
    return tuple(WORKS[name] for name in dict.fromkeys(text.split(",")))


def _sizes(text: str) -> tuple[int, ...]:
    found = [re.fullmatch(r"([1-9]\d{0,6})(k?)", word) for word in text.split(",")]
    sizes = tuple(int(match[1]) * (1024 if match[2] else 1) for match in found if match is not None)
    if len(sizes) < len(found) or not all(1000 <= size <= 10_000_000 for size in sizes):
        raise argparse.ArgumentTypeError(f"{text!r}: write sizes from 1k to 9000k, as in 1k,10k,50k")
    return tuple(dict.fromkeys(sizes))


def _positive(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,6}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
