"""The parent while the relay runs: passes signals on, sees how its children end, and starts them again.

Before, it bound the ports and forked the children (``relay.serve``), with
settings and modules that it has no use for any more. Those it would keep for
good, and of each page that the children share and have written to since, the
old state. So it lets go of them all: it executes Python anew with no more than
this module, as the same process, with the same children, descriptors and
signals on their way. What is imported here is what the parent costs.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import select
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from relay.observe.log import setup
from relay.observe.sdnotify import notify
from relay.processes.process import CLOSED, Child, branch, die_with, flush, usual_signals
from relay.processes.succession import ReloadPlan, Succession
from relay.processes.watch import LOOKS, KeepAlive, Watch, waits_for_the_disk

_log = logging.getLogger("relay")

STOP_MARGIN_S = 30.0
"""What a stop may take beyond its grace: sessions, outcomes, the HTTP process's requests."""
HURRIED_S = 15.0
"""What it may take once somebody asked again."""
AGAIN_S = 1.0
"""A stop asked for again so soon is the same one: some tools tell a process and then its whole group."""
FIRST_DELAY_S, LAST_DELAY_S = 0.5, 30.0
"""Before a process that keeps ending is started once more: the first time at once, then this, doubling."""
STEADY_S = 60.0
"""A process that ran so long and ends is no such one."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_STOPPED = (0, -signal.SIGTERM, -signal.SIGINT, -signal.SIGUSR1)
"""Status of a mail process that was told to stop; the signals themselves where they came before it listened to them."""
ChildPlace = tuple[str, int]
"""Name and index of a process."""
_COMM = Path("/proc/self/comm")


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


class ProcessLimits(NamedTuple):
    """Seconds."""

    stop_grace_s: float
    watchdog_s: float
    """0: nobody is watched."""


class Held(NamedTuple):
    """Descriptors that stay open for processes to come."""

    lock: int
    ports: list[int]
    passing: list[int]
    """By which mail processes pass connections on."""
    beats: int
    """Memory with a time for each process, which it writes as long as it doesn't hang."""
    workers: int
    memory: int
    """Where each mail process says that it takes connections from others, at ``here``; -1: there is only one."""
    here: list[int]
    other: list[int]

    def all(self) -> list[int]:
        memory = [self.memory] if self.memory >= 0 else []
        return [self.lock, *self.ports, *self.passing, self.beats, *memory, *self.other]


class Supervisor:
    """``again`` is what starts a process again, given its name, its index, and the pipe by which it tells."""

    def __init__(
        self,
        wakeful: Wakeful,
        children: Sequence[Child],
        again: Sequence[str],
        held: Held,
        limits: ProcessLimits,
        reload: ReloadPlan | None = None,
    ) -> None:
        self.wakeful = wakeful
        self.children = {child.pid: child for child in children}
        self.again = list(again)
        self.held = held
        self.limits = limits
        self.reload = reload
        """How settings are read anew; None: only the certificate is."""
        self.succession = Succession(reload, self._begin, self._tell_mail)
        self.stopping_since: float | None = None
        self.failed = False
        self._due: dict[ChildPlace, float] = {}
        """When those are started again that have ended."""
        self._began: dict[ChildPlace, float] = {child.place: time.monotonic() for child in children}
        self._ends: Counter[ChildPlace] = Counter()
        """In a row, each soon after the start."""
        self._locked = True
        self._closed: set[int] = set()
        """Those who have said so."""
        every_s = limits.watchdog_s / LOOKS
        self._watch = Watch(held.beats, held.workers + 1, every_s) if limits.watchdog_s else None
        self._alive = KeepAlive.asked(held.beats, held.workers)

    def serve(self) -> int:
        """Run until told to stop; exit status of the relay."""
        with contextlib.suppress(OSError):  # a full disk behind it, or nobody who reads
            os.write(1, b"READY\n")
        _log.info("READY")
        notify("READY=1")
        return self.run()

    def give_up(self) -> int:
        """Not all could be started: stop those that were."""
        self.failed = True
        self._stop()
        signal.alarm(int(HURRIED_S))  # nothing is under way that would be worth more
        return self.run()

    def run(self) -> int:
        while self.children or (self._due and self.stopping_since is None):
            ears = [self.wakeful.wake, *self._telling(), *self.succession.listening()]
            select.select(ears, [], [], self._patience())
            for octet in self.wakeful.received():
                self._signal(octet)
            self._reap()
            if self.stopping_since is None:
                self._start_due()
                self._kill_hanging()
                self._keep_alive()
                self.succession.go_on(self.children.values())
            else:
                self._let_go()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # one that comes now must not change the exit status
        return 1 if self.failed else 0

    def _patience(self) -> float | None:
        """How long to wait for a signal, in seconds."""
        if self.stopping_since is not None:
            return None
        moments = list(self._due.values())
        moments += [each.due for each in (self._watch, self._alive) if each is not None]
        if self.succession.due is not None:
            moments.append(self.succession.due)
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    # -- starting again ----------------------------------------------------------------

    def _start_due(self) -> None:
        for place in [place for place, due in self._due.items() if due <= time.monotonic()]:
            del self._due[place]
            self._start(place)

    def _start(self, place: ChildPlace) -> None:
        if self._begin(place) is None:
            self._later(place)

    def _begin(self, place: ChildPlace) -> Child | None:
        """A new process in that place; None if none can be made."""
        name, index = place
        self._began[place] = time.monotonic()
        parent = os.getpid()
        try:
            ready, tell = os.pipe()
            pid = branch()
        except OSError as error:
            _log.error("the %s process can't be started, trying again: %s", name, error.strerror)
            return None
        if pid:
            os.close(tell)
            child = self.children[pid] = Child(name, index, pid, ready)
            if self._watch is not None:
                self._watch.forget(self._slot(place))
            if self._alive is not None and name == "mail":
                self._alive.forget(index)
            return child
        try:
            usual_signals()
            die_with(parent)
            os.set_inheritable(tell, True)
            os.execv(self.again[0], [*self.again, name, str(index), str(tell)])
        finally:
            os._exit(1)

    def _later(self, place: ChildPlace) -> float:
        """Start it again, the later the more often it ended; in how many seconds."""
        now = time.monotonic()
        if now - self._began[place] >= STEADY_S:
            self._ends[place] = 0
        ends = self._ends[place]
        self._ends[place] += 1
        delay_s = 0.0 if not ends else min(FIRST_DELAY_S * 2.0 ** min(ends - 1, 10), LAST_DELAY_S)
        self._due[place] = now + delay_s
        return delay_s

    def _kill_hanging(self) -> None:
        if self._watch is None:
            return
        for index in self._watch.hanging():
            for child in self.children.values():
                if self._slot(child.place) == index and not waits_for_the_disk(child.pid):
                    text = "the %s process %d has stood still for %d s (it hangs, or was stopped) and is killed"
                    _log.error(text, child.name, child.pid, self.limits.watchdog_s)
                    os.kill(child.pid, signal.SIGKILL)

    def _keep_alive(self) -> None:
        if self._alive is not None:
            mail = {self._slot(child.place): child.pid for child in self.children.values() if child.name == "mail"}
            self._alive.look(mail)

    def _slot(self, place: ChildPlace) -> int:
        """Where it beats: mail processes by their index, then the HTTP process."""
        name, index = place
        return index if name == "mail" else self.held.workers

    # -- stopping ----------------------------------------------------------------------

    def _signal(self, number: int) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            if self.stopping_since is None:
                self._stop()
            elif time.monotonic() - self.stopping_since > AGAIN_S:
                self._hurry()
        elif number == signal.SIGHUP and self.stopping_since is None:
            notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
            self.succession.ask()

    def _tell_mail(self, number: signal.Signals) -> None:
        for child in self.children.values():
            if child.name == "mail":
                os.kill(child.pid, number)

    def _stop(self) -> None:
        self.stopping_since = time.monotonic()
        self._due.clear()
        self.succession.stopped = True
        limit_s = self.limits.stop_grace_s + STOP_MARGIN_S
        # The unit's own limit follows the setting (sd_notify(3)).
        notify(f"STOPPING=1\nEXTEND_TIMEOUT_USEC={int((limit_s + STOP_MARGIN_S) * 1_000_000)}")
        for fd in (*self.held.ports, *self.held.passing):
            os.close(fd)
        for pid in self.children:
            os.kill(pid, signal.SIGTERM)
        signal.signal(signal.SIGALRM, lambda *_: self._kill())
        signal.alarm(int(limit_s))

    def _hurry(self) -> None:
        _log.warning("told to stop again: nothing is waited for any longer")
        self._tell_mail(signal.SIGUSR1)
        signal.alarm(int(HURRIED_S))

    def _telling(self) -> list[int]:
        """Pipes of those whose ports may still be open, once that matters."""
        if self.stopping_since is None or not self._locked:
            return []
        return [child.ready for child in self.children.values() if child.pid not in self._closed]

    def _let_go(self) -> None:
        """Once all ports are closed another relay may have the lock, while this one waits for its last replies."""
        for child in self.children.values():
            if child.pid not in self._closed and select.select([child.ready], [], [], 0)[0]:
                told = os.read(child.ready, 16)
                if not told or CLOSED in told:
                    self._closed.add(child.pid)
        if self._locked and self._closed >= self.children.keys():
            self._locked = False
            fcntl.flock(self.held.lock, fcntl.LOCK_UN)
            if self.children and not self.failed:
                _log.info("all ports are closed: a new relay may start; waiting for what is under way")

    def _kill(self) -> None:
        limit_s = time.monotonic() - (self.stopping_since or 0.0)
        for child in self.children.values():
            _log.error("the %s process did not stop in %d s and is killed", child.name, limit_s)
            os.kill(child.pid, signal.SIGKILL)

    # -- ends --------------------------------------------------------------------------

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
                self.succession.answered(pid, os.waitstatus_to_exitcode(status), self.children.values())
            else:
                os.close(child.ready)
                self._ended(child, os.waitstatus_to_exitcode(status))

    def _ended(self, child: Child, code: int) -> None:
        if self.stopping_since is not None:
            if child.name == "mail" and code not in _STOPPED:
                _log.error("the mail process ended (%d) instead of stopping in order", code)
                self.failed = True
            return
        if self.succession.ended(child, code):
            return
        if child.name == "mail" and self.held.memory >= 0:
            os.pwrite(self.held.memory, bytes(8), self.held.here[child.number])  # others pass nothing on to it
        delay_s = self._later(child.place)
        when = f"in {delay_s:g} s" if delay_s else "at once"
        _log.error("the %s process ended (%d) and is started again %s", child.name, code, when)


# -- the same process, anew --------------------------------------------------------


def slim(supervisor: Supervisor, log: tuple[str, str]) -> int:
    """Serve, as a Python that has loaded this module only."""
    children = list(supervisor.children.values())
    for fd in (*supervisor.held.all(), *(child.ready for child in children)):
        os.set_inheritable(fd, True)
    wake = supervisor.wakeful.kept()
    state = {
        "wake": wake,
        "children": children,
        "again": supervisor.again,
        "held": supervisor.held,
        "limits": supervisor.limits,
        "log": log,
        "reload": supervisor.reload,
        "comm": _comm(),
    }
    flush()
    # Programs that are executed from here, this one and those of ``relay.again``, find what this one found.
    os.environ["PYTHONPATH"] = os.pathsep.join([*sys.path, str(Path(__file__).resolve().parents[2])])
    try:
        # Without `site`, which loads things at each start, and without the working directory and what lies there.
        os.execv(sys.executable, [sys.executable, "-S", "-P", "-m", "relay.processes.supervise", json.dumps(state)])
    except OSError as error:
        _log.warning("the parent stays as large as it is: %s can't be executed: %s", sys.executable, error)
        supervisor.wakeful = Wakeful(wake)
        return supervisor.serve()


def resume(state: str) -> int:
    """What ``slim`` executes: ``python -m relay.processes.supervise STATE``."""
    told: dict[str, Any] = json.loads(state)
    setup(*told["log"])
    children = [Child(*each) for each in told["children"]]
    for child in children:
        os.set_inheritable(child.ready, False)
    with contextlib.suppress(OSError):
        _COMM.write_text(told["comm"])
    held, limits = Held(*told["held"]), ProcessLimits(*told["limits"])
    reload = ReloadPlan(*told["reload"]) if told["reload"] is not None else None
    return Supervisor(Wakeful(told["wake"]), children, told["again"], held, limits, reload).serve()


def _comm() -> str:
    """The name by which ``ps`` and `relay check` know this process."""
    try:
        return _COMM.read_text().strip()
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(resume(sys.argv[1]))
