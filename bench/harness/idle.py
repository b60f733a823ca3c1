"""What thousands of sessions that do nothing cost: memory, and an honest client's time."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.harness.contestant import Contestant
from bench.harness.errors import BenchError
from bench.harness.generator import Traffic, finish, report, timed, tool
from bench.harness.processes import memory, start_tool

SESSIONS = 2000
_ADDRESS = "127.0.0.2"
"""The idle ones' own, so that a limit for each address doesn't meet the honest client."""
_OPEN_S = 60.0
_CALM_S = 1.0


@dataclass(frozen=True, slots=True)
class Idle:
    """Memory in MiB (PSS where it can be read), times in milliseconds from MAIL to 250."""

    sessions: int
    lost: int
    """Sessions that the contestant closed meanwhile."""
    opened_s: float
    memory_alone_mib: float
    memory_mib: float
    alone_p50_ms: float
    alone_p99_ms: float
    beside_p50_ms: float
    beside_p99_ms: float


def measure(contestant: Contestant, message: Path, n: int, limit_s: float, sessions: int = SESSIONS) -> Idle:
    """n messages of an honest client (one session) without, then beside the idle sessions."""
    _client(contestant, message, max(20, n // 4), limit_s)
    alone = _client(contestant, message, n, limit_s)
    before = memory(contestant.tree.pids())
    begin = time.monotonic()
    with _sessions(contestant.port, sessions) as idle:
        opened = time.monotonic() - begin
        time.sleep(_CALM_S)
        beside = _client(contestant, message, n, limit_s)
        during = memory(contestant.tree.pids())
        lost = idle()
    return Idle(
        sessions,
        lost,
        opened,
        before.octets / 2**20,
        during.octets / 2**20,
        alone["p50"],
        alone["p99"],
        beside["p50"],
        beside["p99"],
    )


def _client(contestant: Contestant, message: Path, n: int, limit_s: float) -> dict[str, float]:
    process = timed(Traffic(contestant.port, message, n, sessions=1, kept=True), "-w", "0.002")
    try:
        process.wait(limit_s)
        times: dict[str, float] = report(process)["transaction"]
    except subprocess.TimeoutExpired:
        raise BenchError(f"{contestant.name}: {n} messages of one session take more than {limit_s:.0f} s") from None
    finally:
        finish(process)
    return times


@contextlib.contextmanager
def _sessions(port: int, n: int) -> Iterator[Any]:
    """Open sessions after EHLO, kept until the end; yields a function that ends them and tells how many were lost."""
    command = [str(tool()), "-I", "-s", str(n), "-b", _ADDRESS, str(port)]
    process = start_tool(command, subprocess.PIPE, subprocess.PIPE)

    def end() -> int:
        return int(report(process)["lost"])

    try:
        if process.stdout is None or not select.select([process.stdout], [], [], _OPEN_S)[0]:
            raise BenchError(f"{n} idle sessions can't be opened in {_OPEN_S:.0f} s")
        line = process.stdout.readline()
        if not line or json.loads(line).get("idle") != n:
            raise BenchError(f"{n} idle sessions can't be opened")
        yield end
    finally:
        finish(process)
