"""The loads' two generators: Postfix's smtp-source, and bench/tools where STARTTLS, AUTH or times are wanted."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bench.harness.contestant import BENCH, peers_directory
from bench.harness.errors import Absent, BenchError
from bench.harness.processes import start_tool
from bench.harness.works import FORWARD_PATH, REVERSE_PATH

_SOURCES = BENCH / "tools"
_COMPILE = ("-std=c11", "-O2", "-Wall", "-Wextra")
_COMPILE_S = 60
_CLIENT = "client.bench.example"


class Login(NamedTuple):
    """A user name and password for AUTH PLAIN."""

    user: str
    password: str

    @property
    def response(self) -> str:
        """RFC 4616, in base64."""
        return base64.b64encode(f"\0{self.user}\0{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a generator sends; ``login`` means STARTTLS and AUTH."""

    port: int
    message: Path
    n: int
    sessions: int
    kept: bool
    recipients: int = 1
    login: Login | None = None


def smtp_source(traffic: Traffic) -> subprocess.Popen[bytes]:
    command = ["smtp-source", "-s", str(traffic.sessions), "-m", str(traffic.n), "-r", str(traffic.recipients)]
    command += ["-F", str(traffic.message), "-f", REVERSE_PATH, "-t", FORWARD_PATH, "-M", _CLIENT]
    return start_tool([*command, *(["-d"] if traffic.kept else []), f"127.0.0.1:{traffic.port}"])


def timed(traffic: Traffic, *options: str) -> subprocess.Popen[bytes]:
    """Ours, which ends with a line of JSON on its standard output: see ``report``."""
    command = [str(tool()), "-s", str(traffic.sessions), "-m", str(traffic.n), "-r", str(traffic.recipients)]
    command += ["-F", str(traffic.message), "-f", REVERSE_PATH, "-t", FORWARD_PATH]
    command += ["-k"] if traffic.kept else []
    command += ["-T", "-A", traffic.login.response] if traffic.login is not None else []
    return start_tool([*command, *options, str(traffic.port)], subprocess.PIPE)


def report(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The figures of a generator of ours that has ended: seconds, and percentiles in ms. Raises BenchError."""
    out, _ = process.communicate()
    try:
        figures: dict[str, Any] = json.loads(out.splitlines()[-1])
    except (ValueError, IndexError):
        raise BenchError(f"bench/tools/load ended with status {process.returncode} and no figures") from None
    return figures


def tool() -> Path:
    """bench/tools compiled into PEERS_DIR once for each of its versions; raises Absent without a compiler."""
    sources = sorted(_SOURCES.glob("*.[ch]"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    built = peers_directory() / "tools" / f"load-{digest}"
    if built.exists():
        return built
    if shutil.which("gcc") is None:
        raise Absent("no gcc to compile bench/tools with; as root on Debian: bench/contestants/install")
    built.parent.mkdir(parents=True, exist_ok=True)
    growing = built.with_suffix(f".{os.getpid()}")
    code = [str(path) for path in sources if path.suffix == ".c"]
    done = subprocess.run(
        ["gcc", *_COMPILE, "-o", str(growing), *code, "-lssl", "-lcrypto"],
        capture_output=True,
        text=True,
        timeout=_COMPILE_S,
    )
    if done.returncode:
        raise Absent(f"bench/tools can't be compiled: {first_error(done.stderr)}; bench/contestants/install has it all")
    growing.replace(built)
    return built


def first_error(output: str) -> str:
    return next((line.strip() for line in output.splitlines() if "error:" in line), "gcc failed")


def finish(process: subprocess.Popen[bytes]) -> None:
    """End it if it still runs."""
    if process.poll() is None:
        process.kill()
        process.wait()
    for stream in (process.stdout, process.stdin):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
