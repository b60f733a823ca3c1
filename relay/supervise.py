"""The parent while the relay runs: passes signals on, and sees how its children end.

Before, it bound the ports and forked the children (``relay.serve``), with
settings and modules that it has no use for any more. Those it would keep for
good, and of each page that the children share and have written to since, the
old state. So it lets go of them all: it executes Python anew with no more than
this module, as the same process, with the same children, descriptors and
signals on their way. What is imported here is what the parent costs.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from relay.observe.log import setup
from relay.observe.sdnotify import notify
from relay.process import Child, branch, die_with, usual_signals

_log = logging.getLogger("relay")

STOP_TIMEOUT_S = 45.0
WEB_RESTART_S = 2.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_STOPPED = (0, -signal.SIGTERM, -signal.SIGINT)
"""Status of a mail process that was told to stop; the signals themselves where they came before it listened to them."""
_COMM = Path("/proc/self/comm")
_ANEW = "import sys; sys.path.append(sys.argv[1]); from relay.supervise import resume; sys.exit(resume(sys.argv[2]))"


class Wakeful:
    """Signals as octets of a pipe, in the order in which they came."""

    def __init__(self, ends: Sequence[int] = ()) -> None:
        self.wake, self._tell = ends or os.pipe()
        for fd in (self.wake, self._tell):
            os.set_blocking(fd, False)
            os.set_inheritable(fd, False)
        signal.set_wakeup_fd(self._tell, warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def kept(self) -> list[int]:
        """What the next one is made with, after this process has executed something else: none is lost meanwhile."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        ends = [self.wake, self._tell]
        for fd in ends:
            os.set_inheritable(fd, True)
        return ends

    def received(self) -> bytes:
        with contextlib.suppress(BlockingIOError):
            return os.read(self.wake, 512)
        return b""


class Supervisor:
    """``web`` is what starts the HTTP process again, given one more argument: the pipe by which it says that it serves.

    ``http`` is its listening socket, which this process holds for it.
    """

    def __init__(
        self, wakeful: Wakeful, children: Sequence[Child], web: Sequence[str] = (), http: int | None = None
    ) -> None:
        self.wakeful = wakeful
        self.children = {child.pid: child for child in children}
        self.web = list(web)
        self.http = http
        self.stopping = False
        self.web_due: float | None = None
        self.failed = False

    def serve(self) -> int:
        """Run until told to stop, or until a mail process ends; exit status of the relay."""
        print("READY", flush=True)
        _log.info("READY")
        notify("READY=1")
        return self.run()

    def give_up(self) -> int:
        """Not all could be started: stop those that were."""
        self.failed = True
        self._stop()
        return self.run()

    def run(self) -> int:
        while self.children:
            timeout = None if self.web_due is None else max(0.0, self.web_due - time.monotonic())
            select.select([self.wakeful.wake], [], [], timeout)
            for octet in self.wakeful.received():
                self._signal(octet)
            self._reap()
            if self.web_due is not None and time.monotonic() >= self.web_due and not self.stopping:
                self.web_due = None
                self._start_web()
        return 1 if self.failed else 0

    def _start_web(self) -> None:
        parent = os.getpid()
        ready, tell = os.pipe()
        pid = branch()
        if pid:
            os.close(tell)
            self.children[pid] = Child("web", pid, ready)
            return
        try:
            usual_signals()
            die_with(parent)
            os.set_inheritable(tell, True)
            os.execv(self.web[0], [*self.web, str(tell)])
        finally:
            os._exit(1)

    def _signal(self, number: int) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self._stop()
        elif number == signal.SIGHUP:
            notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
            for child in self.children.values():
                if child.name == "mail":
                    os.kill(child.pid, signal.SIGHUP)
            notify("READY=1")

    def _stop(self) -> None:
        if self.stopping:
            return
        self.stopping = True
        self.web_due = None
        notify("STOPPING=1")
        if self.http is not None:
            os.close(self.http)
        for pid in self.children:
            os.kill(pid, signal.SIGTERM)
        signal.signal(signal.SIGALRM, lambda *_: self._kill())
        signal.alarm(int(STOP_TIMEOUT_S))

    def _kill(self) -> None:
        for child in self.children.values():
            _log.error("the %s process did not stop in %d s and is killed", child.name, STOP_TIMEOUT_S)
            os.kill(child.pid, signal.SIGKILL)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            child = self.children.pop(pid, None)
            if child is None:
                continue
            os.close(child.ready)
            code = os.waitstatus_to_exitcode(status)
            if self.stopping:
                if child.name == "mail" and code not in _STOPPED:
                    _log.error("the mail process ended (%d) instead of stopping in order", code)
                    self.failed = True
            elif child.name == "web":
                _log.error("the web process ended (%d) and is started again", code)
                self.web_due = time.monotonic() + WEB_RESTART_S
            else:
                _log.error("the mail process ended (%d), stopping", code)
                self.failed = True
                self._stop()


# -- the same process, anew --------------------------------------------------------


def slim(supervisor: Supervisor, held: Sequence[int], log: tuple[str, str]) -> int:
    """Serve, as a Python that has loaded this module only. ``held`` are descriptors that are still needed."""
    children = list(supervisor.children.values())
    for fd in (*held, *(child.ready for child in children)):
        os.set_inheritable(fd, True)
    wake = supervisor.wakeful.kept()
    state = {
        "wake": wake,
        "children": [(child.name, child.pid, child.ready) for child in children],
        "web": supervisor.web,
        "http": supervisor.http,
        "log": log,
        "comm": _comm(),
    }
    sys.stdout.flush()
    sys.stderr.flush()
    above = str(Path(__file__).resolve().parent.parent)
    try:
        # Without site-packages, which load things at each start, and without the working directory and what lies there.
        os.execv(sys.executable, [sys.executable, "-S", "-P", "-c", _ANEW, above, json.dumps(state)])
    except OSError as error:
        _log.warning("the parent stays as large as it is: %s can't be executed: %s", sys.executable, error)
        supervisor.wakeful = Wakeful(wake)
        return supervisor.serve()


def resume(state: str) -> int:
    """What ``slim`` executes."""
    told: dict[str, Any] = json.loads(state)
    setup(*told["log"])
    children = [Child(*each) for each in told["children"]]
    for child in children:
        os.set_inheritable(child.ready, False)
    with contextlib.suppress(OSError):
        _COMM.write_text(told["comm"])
    return Supervisor(Wakeful(told["wake"]), children, told["web"], told["http"]).serve()


def _comm() -> str:
    """The name by which ``ps`` and `relay check` know this process."""
    try:
        return _COMM.read_text().strip()
    except OSError:
        return ""
