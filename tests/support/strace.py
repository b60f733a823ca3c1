"""System calls of a running process made to fail, by strace's injection."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from tests.support.peers import need, until


class Injected:
    """``with Injected(pid, "fdatasync,fsync", "error=EIO:when=3") as fault:`` attaches to all its threads.

    ``fault.struck`` says whether it has happened. A fault counts in each thread by itself.
    """

    def __init__(self, pid: int, calls: str, fault: str) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="strace-")
        self._log = Path(self._directory.name) / "log"
        words = ["-f", "-o", str(self._log), "-e", f"trace={calls}", "-e", f"inject={calls}:{fault}", "-p", str(pid)]
        self._strace = subprocess.Popen(
            [need("strace"), *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self._attached(pid)

    def _attached(self, pid: int) -> None:
        tasks = Path(f"/proc/{pid}/task")

        def traced() -> bool:
            if self._strace.poll() is not None:
                if "+++ killed by SIGKILL" in self._text():  # struck before it could be looked at
                    return True
                assert self._strace.stderr is not None
                raise AssertionError(self._strace.stderr.read().decode())
            states = [(task / "status").read_text() for task in tasks.iterdir()]
            return all("TracerPid:\t0\n" not in state for state in states)

        until(traced, "strace is attached")

    @property
    def struck(self) -> bool:
        return "(INJECTED)" in self._text() or "(DELAYED)" in self._text()

    @property
    def calls(self) -> int:
        """How many of the calls were seen."""
        return sum(1 for line in self._text().splitlines() if "(" in line and "resumed>" not in line)

    def _text(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def __enter__(self) -> Injected:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._strace.poll() is None:
            self._strace.terminate()  # it detaches, the process goes on
            try:
                self._strace.wait(3)
            except subprocess.TimeoutExpired:  # it waits for a thread that died
                self._strace.kill()
        self._strace.wait(20)
        if self._strace.stderr is not None:
            self._strace.stderr.close()
        self._directory.cleanup()
