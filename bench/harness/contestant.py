"""A contestant: an executable that knows ``start MODE``, ``stop``, ``port`` and, in the TLS modes, ``login``."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.harness.errors import Absent, BenchError
from bench.harness.net import free_port, wait_for_smtp
from bench.harness.processes import CgroupTree, DescendantTree, Tree, end
from bench.harness.works import DOMAIN, SELECTOR

BENCH = Path(__file__).resolve().parent.parent
NO_SUCH_MODE, NOT_INSTALLED = 3, 4
"""Exit statuses of ``start``."""
_START_S = 180
_GREETING_S = 30


def script_of(name: str) -> Path | None:
    """A path as given, ``relay``, or a file in bench/contestants; None if there is none."""
    if "/" in name:
        path = Path(name).resolve()
    else:
        path = BENCH / "contestant" if name == "relay" else BENCH / "contestants" / name
    return path if path.is_file() and os.access(path, os.X_OK) else None


@dataclass(frozen=True, slots=True)
class Place:
    """Where contestants live while they are measured."""

    directory: Path
    cache: Path
    """For what is made once, such as the database with a million consents."""
    key: Path
    certificate: Path
    """PEM, for STARTTLS, with its key beside it in ``certificate.key``."""
    cgroup: Path | None
    sink_port: int


class Contestant:
    def __init__(self, name: str, place: Place) -> None:
        script = script_of(name)
        if script is None:
            raise BenchError(f"{name}: no such contestant")
        self.name = script.name if "/" in name else name
        self._script = script
        self._place = place
        self._state = place.directory / f"state-{self.name}"
        self.port = 0
        self.login: tuple[str, str] | None = None
        """User name and password for AUTH, in the modes that want it."""
        self.tree: Tree

    def start(self, mode: str) -> None:
        """Start it afresh. Raises Absent if it isn't installed or lacks the mode, BenchError if it fails."""
        shutil.rmtree(self._state, ignore_errors=True)
        self._state.mkdir(parents=True)
        self.port = free_port()
        cgroup = self._place.cgroup
        self.tree = CgroupTree(cgroup, self.name) if cgroup is not None else DescendantTree()
        try:
            status, said = self._call("start", mode)
            if status == NO_SUCH_MODE:
                raise Absent(f"{self.name} has no mode {mode}")
            if status == NOT_INSTALLED:
                raise Absent(said or f"{self.name} is not installed")
            if status:
                raise BenchError(f"{self.name} doesn't start: {said or f'status {status}'}")
            self.port = int(self._call("port")[1])
            self._greeted()
            self.login = self._login() if mode.endswith("-tls") else None
        except BaseException:
            self.stop()
            raise

    def _greeted(self) -> None:
        try:
            wait_for_smtp(self.port, _GREETING_S, self.name)
        except BenchError as error:
            lines = self.log()
            raise BenchError(f"{error}; its log ends: {lines[-1]}" if lines else str(error)) from None

    def log(self) -> list[str]:
        """What it has logged where it keeps its state, by line; nothing is there once it is stopped."""
        log = self._state / "log"
        return log.read_text(errors="replace").strip().splitlines() if log.is_file() else []

    def _login(self) -> tuple[str, str]:
        status, said = self._call("login")
        user, _, password = said.partition(" ")
        if status or not password:
            raise BenchError(f"{self.name} names no user and password for AUTH")
        return user, password

    def stop(self) -> None:
        """End its processes and remove its state."""
        try:
            self._call("stop")
        finally:
            end(self.tree)
            shutil.rmtree(self._state, ignore_errors=True)

    def _call(self, *args: str) -> tuple[int, str]:
        """Exit status, and the last line it wrote: an error or, for ``port`` and ``login``, the answer."""
        environment = {
            **os.environ,
            "BENCH_STATE": str(self._state),
            "BENCH_PORT": str(self.port),
            "BENCH_SINK_PORT": str(self._place.sink_port),
            "BENCH_DOMAIN": DOMAIN,
            "BENCH_SELECTOR": SELECTOR,
            "BENCH_KEY": str(self._place.key),
            "BENCH_CERTIFICATE": str(self._place.certificate),
            "BENCH_CERTIFICATE_KEY": str(self._place.certificate.with_suffix(".key")),
            "BENCH_PEERS": str(peers_directory()),
            "PEERS_DIR": str(self._place.cache),
        }
        log = self._place.directory / f"{self.name}.log"  # a daemon may keep it open: no pipe
        with log.open("a+b") as file:
            before = file.seek(0, os.SEEK_END)
            try:
                done = subprocess.run(
                    [str(self._script), *args],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    timeout=_START_S,
                    preexec_fn=self.tree.enter if args[0] == "start" else None,
                )
            except subprocess.TimeoutExpired:
                raise BenchError(f"{self.name} {' '.join(args)}: not done within {_START_S} s") from None
            file.seek(before)
            lines = file.read().decode(errors="replace").strip().splitlines()
        return done.returncode, lines[-1] if lines else ""


def peers_directory() -> Path:
    """Where peers that no package manager puts in place are installed; as in the Makefile."""
    if given := os.environ.get("PEERS_DIR"):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "relay-peers"
