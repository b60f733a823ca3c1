"""One load: a generator sends, the contestant works, smtp-sink counts."""

from __future__ import annotations

import math
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.harness.errors import BenchError
from bench.harness.generator import Login, Traffic, finish, report, smtp_source, timed
from bench.harness.machine import stolen
from bench.harness.processes import Memory, Tree, memory
from bench.harness.target import Arrived, Target
from bench.harness.works import Work

_POLL_S = 0.004
_POLL_FAR_S = 0.05
_SAMPLE_S = 0.5
_CALM_S = 0.25
_CALM_CPU_S = 0.01
_SETTLE_S = 3.0
_PROBE_S = 20.0
_ENOUGH_S = 0.5
"""A pilot of this length tells the rate well enough."""


def pause(elapsed_s: float, arrived: int, want: int) -> float:
    """Seconds until the next look at the target.

    A look takes time of the cores that are measured (1.6 % of them every 4 ms), so
    there are few while the last arrival is still far at the rate seen so far.
    """
    if not arrived:
        return _POLL_S
    left = elapsed_s * (want - arrived) / arrived
    return max(_POLL_S, min(_POLL_FAR_S, left / 4))


class Measured(Protocol):
    """A contestant that runs."""

    @property
    def name(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def tree(self) -> Tree: ...
    @property
    def login(self) -> tuple[str, str] | None: ...


@dataclass(frozen=True, slots=True)
class Load:
    """Figures of one load. Rates count recipients (equal to messages where each has one)."""

    sent: int
    seconds: float
    rate: float
    cpu_per_1000: float
    memory_mib: float
    memory_kind: str
    processes: int
    steal: float
    surplus: int
    """Recipients that arrived more than once."""
    reply_p50_ms: float | None = None
    """From the final dot to the 250; None where the generator doesn't take times."""
    reply_p99_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Loader:
    """How loads are made in this run."""

    target: Target
    message: Path
    sessions: int
    limit_s: float

    def probe(self, contestant: Measured, work: Work) -> None:
        """One message through a contestant that has just been started: does it do what its mode says?

        The target must have been started with a dump. Raises BenchError if it doesn't.
        """
        process = self.source(contestant, work, 1, recipients=1)
        limit = time.monotonic() + _PROBE_S
        while self.target.arrived().messages < work.arrives or process.poll() is None:
            if time.monotonic() > limit:
                finish(process)
                raise BenchError(
                    f"{contestant.name}: one message in mode {work.mode} isn't through in {_PROBE_S:.0f} s"
                )
            time.sleep(_POLL_S)
        finish(process)
        if process.returncode:
            raise BenchError(f"{contestant.name} refuses the message in mode {work.mode}")
        signature = re.search(rb"^DKIM-Signature:.*?a=([\w-]+)", self.target.text(), re.M | re.S | re.I)
        if work.arrives and work.signed and signature is None:  # who signs where nobody asks for it does more
            raise BenchError(f"{contestant.name} does not sign in mode {work.mode}")
        if signature and signature[1] != b"rsa-sha256":
            raise BenchError(f"{contestant.name} signs with {signature[1].decode()}, not rsa-sha256")

    def pilot(self, contestant: Measured, work: Work, seconds: float, most: int) -> int:
        """How many messages make a load of that length; warms the contestant up."""
        n = max(2, math.ceil(60 / work.recipients))
        while True:
            trial = self.run(contestant, work, n, settle=False)
            if trial.seconds >= _ENOUGH_S or n >= most:
                return max(n, min(most, int(trial.rate / work.recipients * seconds)))
            n = min(most, n * 5)

    def run(self, contestant: Measured, work: Work, n: int, settle: bool = True) -> Load:
        """Send n messages and wait for the last arrival, or for the last reply if nothing is to arrive."""
        before = self.target.arrived()
        want = before.recipients + n * work.recipients if work.arrives else before.recipients
        steal = stolen()
        cpu = contestant.tree.cpu()
        begin = time.monotonic()
        process = self.source(contestant, work, n, work.recipients)
        try:
            over, last, peak = self._wait(contestant, process, begin, before.recipients, want)
            reply = report(process)["reply"] if process.stdout is not None else {}
        finally:
            finish(process)
        end = max(over, last.at) if work.arrives else over
        lost, total = (b - a for a, b in zip(steal, stolen(), strict=True))
        used = (self._settled(contestant) if settle else contestant.tree.cpu()) - cpu
        peak = max(peak, memory(contestant.tree.pids()))
        surplus = self.target.arrived().recipients - want
        if surplus and not work.arrives:
            raise BenchError(f"{contestant.name} delivered {surplus} messages that it was to hold")
        recipients = n * work.recipients
        return Load(
            sent=n,
            seconds=end - begin,
            rate=recipients / (end - begin),
            cpu_per_1000=used / recipients * 1000,
            memory_mib=peak.octets / 2**20,
            memory_kind=peak.kind,
            processes=peak.processes,
            steal=lost / max(total, 0.01),
            surplus=surplus,
            reply_p50_ms=reply.get("p50"),
            reply_p99_ms=reply.get("p99"),
        )

    def _wait(
        self, contestant: Measured, process: subprocess.Popen[bytes], begin: float, base: int, want: int
    ) -> tuple[float, Arrived, Memory]:
        """(when the load's generator ended, the arrivals, the most memory seen)

        ``base`` and ``want`` are the target's recipients before and after the load.
        """
        peak, sampled, over = Memory(), begin, 0.0
        while True:
            now, arrived = time.monotonic(), self.target.arrived()
            if not over and process.poll() is not None:
                over = now
                if process.returncode:
                    raise BenchError(f"{contestant.name}: the load's generator ended with status {process.returncode}")
            if over and arrived.recipients >= want:
                return over, arrived, peak
            if now - begin > self.limit_s:
                what = "not all messages accepted" if not over else f"{want - arrived.recipients} recipients missing"
                raise BenchError(f"{contestant.name}: {what} after {self.limit_s:.0f} s")
            if now - sampled > _SAMPLE_S:
                sampled, peak = now, max(peak, memory(contestant.tree.pids()))
            time.sleep(pause(now - begin, arrived.recipients - base, want - base))

    def _settled(self, contestant: Measured) -> float:
        """CPU when the aftermath (queue files removed, events written) is over, or after a few seconds."""
        limit = time.monotonic() + _SETTLE_S
        used = contestant.tree.cpu()
        while True:
            time.sleep(_CALM_S)
            self.target.arrived()  # keeps its pipe empty
            before, used = used, contestant.tree.cpu()
            if used - before < _CALM_CPU_S or time.monotonic() > limit:
                return used

    def source(self, contestant: Measured, work: Work, n: int, recipients: int) -> subprocess.Popen[bytes]:
        login = Login(*contestant.login) if contestant.login is not None else None
        sessions = min(n, self.sessions)
        traffic = Traffic(contestant.port, self.message, n, sessions, work.kept, recipients, login)
        return timed(traffic) if work.tls or work.timed else smtp_source(traffic)
