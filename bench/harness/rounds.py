"""Contestants in turn, so that the machine's moods meet all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.harness import machine
from bench.harness.contestant import Contestant, Place
from bench.harness.errors import Absent, BenchError
from bench.harness.load import Load, Loader, source
from bench.harness.options import Options
from bench.harness.table import size_text
from bench.harness.target import Target
from bench.harness.works import MODES, Work, label, message

_WARM_UP = 8
"""A later round warms up with this part of its load."""
_TOOLS = 3000


class Rounds:
    """Remembers between rounds how many messages make a load, and who isn't there."""

    def __init__(self, place: Place, seconds: float) -> None:
        self.place = place
        self._seconds = seconds
        self._target = Target(place.sink_port, place.directory)
        self._counts: dict[tuple[str, str, int], int] = {}
        self._absent: set[tuple[str, str]] = set()

    def run(self, options: Options) -> Iterator[dict[str, Any]]:
        """Records of kind limit, load, absent and failed; what happens is printed as it happens."""
        try:
            for number in range(options.rounds):
                yield self._limits(options, number)
                for mode in MODES:
                    works = [work for work in options.works if work.mode == mode]
                    for name in options.contestants if works else ():
                        for record in self._turn(options, name, works):
                            yield {**record, "round": number}
        finally:
            self._target.stop()

    def _limits(self, options: Options, number: int) -> dict[str, Any]:
        one, every = machine.rsa_rates()
        record = {
            "kind": "limit",
            "round": number,
            "fsync_us": machine.fsync_us(self.place.directory),
            "rsa_one": one,
            "rsa_all": every,
            "tools": self._tools(options),
        }
        print(
            f"round {number + 1} of {options.rounds}: fsync {record['fsync_us']:.0f} us, RSA-2048 {one:.0f}/s on one"
            f" core, {every:.0f}/s on {machine.cpus()}, tools alone {record['tools']:.0f} msg/s",
            flush=True,
        )
        return record

    def _tools(self, options: Options) -> float:
        """Messages a second from smtp-source straight into smtp-sink: no contestant can show more."""
        self._target.start(dump=False)
        begin = self._target.arrived().at
        process = source(self._target.port, self._message(options.sizes[0]), _TOOLS, options.sessions, kept=True)
        while process.poll() is None:
            self._target.arrived()
        return _TOOLS / (self._target.arrived().at - begin)

    def _message(self, size: int) -> Path:
        path = self.place.directory / f"message-{size}"
        if not path.exists():
            path.write_bytes(message(size))
        return path

    def _turn(self, options: Options, name: str, works: list[Work]) -> Iterator[dict[str, Any]]:
        """One contestant, started once, on the works of one mode."""
        mode = works[0].mode
        if (name, mode) in self._absent:
            return
        contestant = Contestant(name, self.place)
        try:
            self._target.start(dump=True)
            contestant.start(mode)
        except Absent as error:
            self._absent.add((name, mode))
            print(f"  left out: {error}", flush=True)
            yield {"kind": "absent", "contestant": contestant.name, "mode": mode, "why": str(error)}
            return
        except BenchError as error:
            yield self._failed(contestant, mode, error)
            return
        try:
            self._loader(options, options.sizes[0]).probe(contestant, works[0])
            for size in options.sizes:
                for work in works:
                    yield self._load(options, contestant, work, size)
        except BenchError as error:
            yield self._failed(contestant, mode, error)
        finally:
            contestant.stop()

    def _failed(self, contestant: Contestant, mode: str, error: BenchError) -> dict[str, Any]:
        """What it left in its queue would spoil its other works of this mode: they are left out."""
        print(f"  FAILED: {error}", flush=True)
        return {"kind": "failed", "contestant": contestant.name, "mode": mode, "why": str(error)}

    def _loader(self, options: Options, size: int) -> Loader:
        return Loader(self._target, self._message(size), options.sessions, options.limit_s)

    def _load(self, options: Options, contestant: Contestant, work: Work, size: int) -> dict[str, Any]:
        self._target.start(dump=work.shared_copies)
        loader, known = self._loader(options, size), (contestant.name, work.name, size)
        n = self._counts.get(known)
        if n is None:
            n = self._counts[known] = loader.pilot(contestant, work, options.seconds, options.most)
        else:
            loader.run(contestant, work, max(1, n // _WARM_UP), settle=False)
        found = loader.run(contestant, work, n)
        print(_line(contestant.name, work, size, found), flush=True)
        return {"kind": "load", "contestant": contestant.name, "test": work.name, "size": size, **asdict(found)}


def _line(name: str, work: Work, size: int, load: Load) -> str:
    return (
        f"  {work.name:12} {size_text(size):>4} {label(name, work):17} {load.rate:8.0f} {work.unit:6}"
        f" ({load.sent} messages, {load.seconds:.1f} s, {load.cpu_per_1000:.2f} CPU s/1000,"
        f" {load.memory_mib:.0f} MiB in {load.processes}, {load.steal:.0%} stolen)"
    )
