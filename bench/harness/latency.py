"""One message at a time through a contestant that has nothing else to do: time to the 250, time to the arrival.

The generator is the target too, so that one clock tells all times.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bench.harness.contestant import Contestant
from bench.harness.errors import BenchError
from bench.harness.generator import Login, Traffic, finish, report, timed

_PAUSE_S = 0.005
_WARM_UP = 20


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from MAIL to the 250 after the message, and to the message's arrival."""

    messages: int
    accepted_p50_ms: float
    accepted_p99_ms: float
    arrived_p50_ms: float
    arrived_p99_ms: float


def measure(contestant: Contestant, message: Path, sink_port: int, n: int, limit_s: float) -> Latency:
    """n messages over one connection, each 5 ms after the arrival of the one before. The sink's port has to be free."""
    _run(contestant, message, sink_port, _WARM_UP, limit_s)
    return _run(contestant, message, sink_port, n, limit_s)


def _run(contestant: Contestant, message: Path, sink_port: int, n: int, limit_s: float) -> Latency:
    login = Login(*contestant.login) if contestant.login is not None else None
    traffic = Traffic(contestant.port, message, n, sessions=1, kept=True, login=login)
    process = timed(traffic, "-a", str(sink_port), "-w", str(_PAUSE_S))
    limit = time.monotonic() + limit_s
    try:
        while process.poll() is None:
            if time.monotonic() > limit:
                raise BenchError(f"{contestant.name}: {n} messages, one at a time, take more than {limit_s:.0f} s")
            time.sleep(0.05)
        if process.returncode:
            raise BenchError(f"{contestant.name}: the load's generator ended with status {process.returncode}")
        found = report(process)
    finally:
        finish(process)
    accepted, arrived = found["transaction"], found["arrival"]
    return Latency(n, accepted["p50"], accepted["p99"], arrived["p50"], arrived["p99"])
