"""The relay on a directory that is kept between its starts, with the harness's means of measuring."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.contestant import RELAY, ROOT, environment, settings
from bench.harness.errors import BenchError
from bench.harness.net import wait_for_smtp
from bench.harness.processes import CgroupTree, DescendantTree, Tree, end, memory

_GREETING_S = 60.0


@dataclass(frozen=True, slots=True)
class Ports:
    relay: int
    sink: int
    slow: int
    """Of the site that takes its time."""


@dataclass(slots=True)
class Running:
    """Looks like a contestant to the harness."""

    name: str
    port: int
    tree: Tree
    started_at: float
    """Monotonic, right before the program's start."""
    ready_s: float = 0.0
    most_octets: int = 0
    login: tuple[str, str] | None = None

    def sample(self) -> None:
        """Note the memory of all processes if it is the most so far (PSS where it can be read)."""
        self.most_octets = max(self.most_octets, memory(self.tree.pids()).octets)


def configure(directory: Path, mode: str, ports: Ports) -> None:
    """relay.toml; the slow site has the domain slow.example."""
    settings(directory, mode, str(ports.relay), str(ports.sink))
    with (directory / "relay.toml").open("a") as file:
        file.write(f'[delivery.routes]\n"slow.example" = "127.0.0.1:{ports.slow}"\n')


@contextlib.contextmanager
def running(directory: Path, name: str, port: int, cgroup: Path | None) -> Iterator[Running]:
    """Start it, wait for its greeting, and end it."""
    tree: Tree = CgroupTree(cgroup, name) if cgroup is not None else DescendantTree()
    with (directory / "log").open("ab") as log:
        begin = time.monotonic()
        process = subprocess.Popen(
            [*RELAY, "-c", str(directory / "relay.toml"), "serve"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=ROOT,
            env=environment(),
            start_new_session=True,
            preexec_fn=tree.enter,
        )
    try:
        relay = Running(name, port, tree, begin)
        try:
            wait_for_smtp(port, _GREETING_S, name)
        except BenchError as error:
            raise BenchError(f"{error}; its log ends: {_last_line(directory / 'log')}") from None
        relay.ready_s = time.monotonic() - begin
        yield relay
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        end(tree)
        process.poll()


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "nothing"
