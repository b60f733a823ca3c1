"""What is looked at: the cost of fresh mail beside a queue that waits, and a start with a queue that is due."""

from __future__ import annotations

import json
import os
import select
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.backlog.running import Ports, Running, running
from bench.harness.errors import BenchError
from bench.harness.generator import Traffic, finish, report, timed, tool
from bench.harness.load import Loader
from bench.harness.processes import start_tool
from bench.harness.target import Target
from bench.harness.works import WORKS

SLOW_S = 2.0
"""The slow site's time for each message."""
LONGEST_S = 45.0
"""What hasn't happened by then is told as that."""
SMALL_ADDRESS = "127.0.0.3"
"""The small tenant is known by it."""


class Cost(NamedTuple):
    """CPU seconds for 1000 fresh messages, medians, and the most memory beside the full queue."""

    empty: float
    full: float
    memory_mib: float

    @property
    def ratio(self) -> float:
        return self.full / self.empty


def cost(
    empty: Path, full: Path, ports: Ports, cgroup: Path | None, message: Path, rounds: int, seconds: float
) -> Cost:
    """Fresh mail (kept connections, delivered, unsigned) through a relay with each queue in turn."""
    target = Target(ports.sink, full.parent)
    spent: dict[Path, list[float]] = {empty: [], full: []}
    most, n = 0, 0
    work = WORKS["relay-kept"]
    try:
        for _ in range(rounds):
            for directory in (empty, full):
                target.start(dump=False)
                loader = Loader(target, message, sessions=30, limit_s=LONGEST_S)
                with running(directory, f"relay-{directory.name}", ports.relay, cgroup) as relay:
                    n = n or loader.pilot(relay, work, seconds, most=20_000)
                    loader.run(relay, work, max(1, n // 8), settle=True)
                    found = loader.run(relay, work, n)
                    relay.sample()
                    spent[directory].append(found.cpu_per_1000)
                    if directory is full:
                        most = max(most, relay.most_octets, int(found.memory_mib * 2**20))
    finally:
        target.stop()
    return Cost(statistics.median(spent[empty]), statistics.median(spent[full]), most / 2**20)


class Rush(NamedTuple):
    """A start with all copies due, most for a slow site. Seconds from the start; None: not within LONGEST_S."""

    ready_s: float
    first_s: float | None
    """Until the first copy arrived anywhere."""
    deferred_first_s: float | None
    deferred_last_s: float | None
    """Until the small tenant's waiting copies arrived, the first and the last of them."""
    fresh_p50_ms: float | None
    fresh_p99_ms: float | None
    """From MAIL to the arrival of the small tenant's fresh mail, while the big tenant's queue is worked off."""
    memory_mib: float


def rush(directory: Path, ports: Ports, cgroup: Path | None, message: Path, deferred: int, fresh: int) -> Rush:
    target = Target(ports.sink, directory.parent)
    target.start(dump=False)
    try:
        with _slow_site(ports.slow) as site, running(directory, "relay-due", ports.relay, cgroup) as relay:
            first, small_first, small_last = _watch(relay, target, site, deferred)
            target.stop()
            times = _fresh(relay, ports, message, fresh)
            relay.sample()
            most = relay.most_octets / 2**20
    finally:
        target.stop()
    known = [moment for moment in (first, small_first) if moment is not None]
    return Rush(
        relay.ready_s,
        min(known, default=None),
        small_first,
        small_last,
        times.get("p50"),
        times.get("p99"),
        most,
    )


def _watch(
    relay: Running, target: Target, site: subprocess.Popen[bytes], deferred: int
) -> tuple[float | None, float | None, float | None]:
    """(the slow site's first message, the small tenant's first, its last), in seconds from the start."""
    slow = first = last = None
    sampled = time.monotonic()
    while last is None and (at := time.monotonic()) - relay.started_at < LONGEST_S:
        arrived = target.arrived()
        if arrived.messages and first is None:
            first = arrived.at - relay.started_at
        if arrived.messages >= deferred:
            last = arrived.at - relay.started_at
        if slow is None and (told := _told(site)) is not None:
            slow = told - relay.started_at
        if at - sampled > 0.5:
            sampled = at
            relay.sample()
        time.sleep(0.01)
    return slow, first, last


def _fresh(relay: Running, ports: Ports, message: Path, n: int) -> dict[str, float]:
    """Milliseconds to arrival; empty if it isn't all through in time."""
    traffic = Traffic(relay.port, message, n, sessions=1, kept=True)
    options = ("-a", str(ports.sink), "-w", "0.02", "-b", SMALL_ADDRESS, "-f", "post@small.example")
    process = timed(traffic, *options)
    try:
        process.wait(LONGEST_S)
        times: dict[str, float] = report(process).get("arrival", {})
        return times
    except (subprocess.TimeoutExpired, BenchError):
        return {}
    finally:
        finish(process)


@contextmanager
def _slow_site(port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = start_tool([str(tool()), "-S", str(port), "-d", str(SLOW_S)], subprocess.PIPE, subprocess.PIPE)
    try:
        yield process
    finally:
        finish(process)


def _told(site: subprocess.Popen[bytes]) -> float | None:
    """When its first message came (monotonic), once it says so."""
    if site.stdout is None or not select.select([site.stdout], [], [], 0)[0]:
        return None
    line = os.read(site.stdout.fileno(), 4096)
    return float(json.loads(line.splitlines()[0])["first_arrival"]) if line else None
