"""A contestant's processes: who they are, what they cost, and their end.

With root and cgroup v2 a private mount gives exact figures. Elsewhere the
benchmark makes itself the parent of every orphan (``PR_SET_CHILD_SUBREAPER``)
and adds up its descendants, rounded to clock ticks by the kernel.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple, Protocol

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PR_SET_CHILD_SUBREAPER = 36
_STOP_S = 5.0
_KILL_S = 5.0

_tools: set[int] = set()
"""Load and target: ours, and no cost of any contestant."""


def start_tool(
    command: list[str], stdout: int | IO[bytes] = subprocess.DEVNULL, stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, stdin=stdin, stdout=stdout)
    _tools.add(process.pid)
    return process


class Memory(NamedTuple):
    """Octets of all processes; ``kind`` is pss (shared pages divided by their users) or rss (counted in each)."""

    octets: int = 0
    kind: str = "pss"
    processes: int = 0


def memory(pids: list[int]) -> Memory:
    """PSS where the kernel lets us read it for every process, else RSS."""
    pss = rss = count = 0
    kind = "pss"
    for pid in pids:
        try:
            resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
            with contextlib.suppress(PermissionError):
                pss += _proportional(pid)
                rss, count = rss + resident, count + 1
                continue
            kind, rss, count = "rss", rss + resident, count + 1
        except (OSError, IndexError):
            continue  # it ended meanwhile
    return Memory(pss if kind == "pss" else rss, kind, count)


def _proportional(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except FileNotFoundError:
        if Path("/proc/self/smaps_rollup").exists():
            raise
        raise PermissionError from None  # a kernel before 4.14
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0)


class Tree(Protocol):
    """All processes that a contestant's ``start`` left behind."""

    def enter(self) -> None:
        """Called in a new child before it runs the contestant."""

    def pids(self) -> list[int]: ...

    def cpu(self) -> float:
        """CPU seconds so far, of the ended too."""

    def close(self) -> None:
        """Forget it; its processes have ended."""


class CgroupTree:
    """A control group of its own."""

    def __init__(self, mount: Path, name: str) -> None:
        self._dir = Path(tempfile.mkdtemp(prefix=f"relay-bench-{name}-", dir=mount))

    def read(self, name: str) -> str:
        return (self._dir / name).read_text()

    def enter(self) -> None:
        (self._dir / "cgroup.procs").write_text(str(os.getpid()))

    def pids(self) -> list[int]:
        return [int(pid) for pid in self.read("cgroup.procs").split()]

    def cpu(self) -> float:
        for line in self.read("cpu.stat").splitlines():
            name, _, value = line.partition(" ")
            if name == "usage_usec":
                return int(value) / 1e6
        return 0.0

    def close(self) -> None:
        """The kernel lets go of a group a moment after its last process."""
        limit = time.monotonic() + _KILL_S
        while time.monotonic() < limit:
            try:
                self._dir.rmdir()
                return
            except OSError:
                time.sleep(0.05)


class DescendantTree:
    """Our descendants without our tools."""

    def __init__(self) -> None:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._gone = 0.0

    def enter(self) -> None:
        """A child is a descendant already."""

    def _processes(self) -> dict[int, float]:
        """Process id → CPU seconds of it and of the children it has waited for; reaps our orphans' remains."""
        children: dict[int, list[int]] = {}
        seconds: dict[int, float] = {}
        dead = set()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                pid = int(entry.name)
                children.setdefault(int(fields[1]), []).append(pid)
                seconds[pid] = sum(map(int, fields[11:15])) / _TICKS
                if fields[0] == "Z":
                    dead.add(pid)
        found: dict[int, float] = {}
        todo = [pid for pid in children.get(os.getpid(), []) if pid not in _tools]
        for pid in [pid for pid in todo if pid in dead]:
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0]:
                    self._gone += seconds[pid]
                    todo.remove(pid)
        while todo:
            pid = todo.pop()
            found[pid] = seconds[pid]
            todo += children.get(pid, [])
        return found

    def pids(self) -> list[int]:
        return list(self._processes())

    def cpu(self) -> float:
        live = sum(self._processes().values())
        return live + self._gone

    def close(self) -> None:
        """Nothing to give back."""


def end(tree: Tree) -> None:
    """Wait for its processes, then end by id what is still there."""
    for number, wait_s in ((0, _STOP_S), (signal.SIGTERM, _STOP_S), (signal.SIGKILL, _KILL_S)):
        limit = time.monotonic() + wait_s
        for pid in tree.pids() if number else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        while tree.pids() and time.monotonic() < limit:
            time.sleep(0.05)
    tree.close()


@contextlib.contextmanager
def cgroup_mount(directory: Path) -> Iterator[Path | None]:
    """A private mount of cgroup v2 below the directory, or None where we may not have one."""
    mount = directory / "cgroup"
    mount.mkdir()
    done = None
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            done = subprocess.run(
                ["mount", "-t", "cgroup2", "none", str(mount)], stderr=subprocess.DEVNULL, timeout=10
            ).returncode
    try:
        yield mount if done == 0 and _usable(mount) else None
    finally:
        if done == 0:
            subprocess.run(["umount", str(mount)], timeout=10)
        mount.rmdir()


def _usable(mount: Path) -> bool:
    """Whether a group below it tells its CPU; not so in some containers."""
    try:
        probe = CgroupTree(mount, "probe")
        try:
            return "usage_usec" in probe.read("cpu.stat")
        finally:
            probe.close()
    except OSError:
        return False
