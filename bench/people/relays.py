"""Relays to measure: made by the relay's own commands, each command timed with its memory."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contestant import RELAY, ROOT, environment
from bench.harness.errors import BenchError

TENANT, TENANT_ID = "bench", 1


@dataclass(frozen=True, slots=True)
class Ports:
    smtp: int
    http: int


@dataclass(frozen=True, slots=True)
class Ran:
    """One command, from its start to its end."""

    status: int
    seconds: float
    memory_mib: float
    """Most resident memory of it, or of a process that it started."""
    output: str
    """What it said on standard output."""
    error: str


@functools.cache
def _environment() -> dict[str, str]:
    return environment()


def make(directory: Path, ports: Ports) -> None:
    """A relay with one tenant and nobody on its list."""
    subprocess.run(
        [*RELAY, "init", "--dir", str(directory), "--hostname", "relay.bench.example"],
        check=True,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    (directory / "relay.toml").write_text(
        f"""
[server]
hostname = "relay.bench.example"
data_dir = "data"
[listen]
submission = ["127.0.0.1:{ports.smtp}"]
submissions = []
inbound = []
http = "127.0.0.1:{ports.http}"
[tls]
certificate = ""
key = ""
[links]
base_url = "http://127.0.0.1:{ports.http}"
[log]
level = "warning"
""",
        "utf-8",
    )
    told(directory, "tenant", "add", TENANT, "--contact", "post@shop.example", "--plan", "unlimited")
    told(directory, "topic", "add", TENANT, "news")


def database(directory: Path) -> Path:
    return directory / "data" / "relay.db"


def copy(directory: Path, target: Path) -> Path:
    shutil.copytree(directory, target)
    return target


def told(directory: Path, *words: str) -> str:
    """What a command says; raises BenchError with its error if it fails."""
    done = run(directory, words)
    if done.status:
        raise BenchError(f"relay {' '.join(words[:2])}: {done.error.strip() or done.output.strip()}")
    return done.output


def run(directory: Path, words: Sequence[str]) -> Ran:
    with tempfile.TemporaryDirectory() as temporary:
        result = Path(temporary) / "result"
        launch = [sys.executable, "-I", "-S", str(ROOT / "bench" / "people" / "launch.py"), str(result)]
        done = subprocess.run(
            [*launch, *RELAY, "-c", str(directory / "relay.toml"), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=_environment(),
        )
        if not result.exists():
            raise BenchError(f"relay {' '.join(words[:2])}: {done.stderr.strip()}")
        seconds, memory_mib, status = json.loads(result.read_text())
        return Ran(status, seconds, memory_mib, done.stdout, done.stderr)
