"""Contestants in turn, so that the machine's moods meet all of them."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.harness import idle, latency, machine
from bench.harness.contestant import Contestant, Place
from bench.harness.errors import Absent, BenchError
from bench.harness.generator import Traffic, smtp_source
from bench.harness.load import Load, Loader
from bench.harness.options import Options
from bench.harness.table import size_text
from bench.harness.target import Target
from bench.harness.works import MODES, Work, label, message

_WARM_UP = 8
"""A later round warms up with this part of its load."""
_TOOLS = 3000
LOG_LINES = 40
"""Of a contestant that failed, which are shown."""
_FEW, _A_SECOND = 100, 100
"""Messages that are sent one at a time: at least, and for each second of a load's wanted length."""


@contextlib.contextmanager
def locked(path: Path | None, shared: bool = False) -> Iterator[None]:
    """Alone among all who take this lock, as ``flock -x`` does; shared, as ``-s``, for what must not disturb."""
    if path is None:
        yield
        return
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield


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
                with locked(options.lock):
                    record = self._limits(options, number)
                yield record
                for mode in MODES:
                    works = [work for work in options.works if work.mode == mode]
                    for name in options.contestants if works else ():
                        with locked(options.lock):
                            records = list(self._turn(options, name, works))
                        yield from ({**record, "round": number} for record in records)
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
        message = self._message(options.sizes[0])
        process = smtp_source(Traffic(self._target.port, message, _TOOLS, options.sessions, kept=True))
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
            yield self._left_out(contestant, mode, error)
            return
        except BenchError as error:
            yield self._failed(contestant, mode, error)
            return
        try:
            self._loader(options, options.sizes[0]).probe(contestant, works[0])
            for size in options.sizes:
                for work in works:
                    yield self._measured(options, contestant, work, size)
        except Absent as error:  # no compiler for our generator
            yield self._left_out(contestant, mode, error)
        except BenchError as error:
            yield self._failed(contestant, mode, error)
        finally:
            contestant.stop()

    def _left_out(self, contestant: Contestant, mode: str, error: Absent) -> dict[str, Any]:
        print(f"  left out: {error}", flush=True)
        return {"kind": "absent", "contestant": contestant.name, "mode": mode, "why": str(error)}

    def _failed(self, contestant: Contestant, mode: str, error: BenchError) -> dict[str, Any]:
        """What it left in its queue would spoil its other works of this mode: they are left out."""
        print(f"  FAILED: {error}", flush=True)
        for line in contestant.log()[-LOG_LINES:]:
            print(f"    {line}", flush=True)
        return {"kind": "failed", "contestant": contestant.name, "mode": mode, "why": str(error)}

    def _loader(self, options: Options, size: int) -> Loader:
        return Loader(self._target, self._message(size), options.sessions, options.limit_s)

    def _measured(self, options: Options, contestant: Contestant, work: Work, size: int) -> dict[str, Any]:
        if work.kind == "load":
            return self._load(options, contestant, work, size)
        found: latency.Latency | idle.Idle
        n = max(_FEW, int(options.seconds * _A_SECOND))
        if work.kind == "latency":
            self._target.stop()  # the generator takes its place
            found = latency.measure(contestant, self._message(size), self._target.port, n, options.limit_s)
            text = (
                f"250 after {found.accepted_p50_ms:.1f} ms, p99 {found.accepted_p99_ms:.1f};"
                f" arrival after {found.arrived_p50_ms:.1f} ms, p99 {found.arrived_p99_ms:.1f}"
            )
        else:
            found = idle.measure(contestant, self._message(size), n, options.limit_s)
            text = (
                f"{found.sessions} idle sessions: {found.memory_alone_mib:.0f} -> {found.memory_mib:.0f} MiB;"
                f" 250 p99 {found.alone_p99_ms:.1f} -> {found.beside_p99_ms:.1f} ms, {found.lost} lost"
            )
        print(f"  {work.name:15} {size_text(size):>4} {label(contestant.name, work):17} {text}", flush=True)
        return {"kind": work.kind, "contestant": contestant.name, "test": work.name, "size": size, **asdict(found)}

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
        f"  {work.name:15} {size_text(size):>4} {label(name, work):17} {load.rate:8.0f} {work.unit:6}"
        f" ({load.sent} messages, {load.seconds:.1f} s, {load.cpu_per_1000:.2f} CPU s/1000,"
        f" {load.memory_mib:.0f} MiB in {load.processes}, {load.steal:.0%} stolen{_reply(load)})"
    )


def _reply(load: Load) -> str:
    if load.reply_p50_ms is None:
        return ""
    return f", 250 after {load.reply_p50_ms:.1f} ms, p99 {load.reply_p99_ms:.1f}"
