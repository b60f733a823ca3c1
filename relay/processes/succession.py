"""A reload: other processes with new settings take the places of those that run, at the same ports, without a gap.

The settings are read by a program of its own. Once a successor serves, the one
before it is told so: a mail process goes on with the sessions that it has, the
HTTP process with its requests, and then they end. If a successor doesn't come
to serve, whatever ran goes on, and what is started again has the settings of
before. Loaded by the small parent, so it imports next to nothing.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from relay.observe.log import setup
from relay.observe.sdnotify import notify
from relay.processes.process import READY, Child, branch, die_with, usual_signals

_log = logging.getLogger("relay")

SERVES_S: Final = 90.0
"""What successors have to start."""
ANSWER_OCTETS: Final = 65_536
_NO_ANSWER: Final = {"ok": False, "changed": [], "restart": [], "faults": ["the settings could not be looked at"]}


class ReloadPlan(NamedTuple):
    """The program that reads the settings, the file that it writes them to, and where what came of it is told."""

    command: list[str]
    written: int
    told: str


class Succession:
    """Of one parent. ``begin`` starts a process in a place, ``tell_mail`` sends a signal to all mail processes."""

    def __init__(
        self,
        plan: ReloadPlan | None,
        begin: Callable[[tuple[str, int]], Child | None],
        tell_mail: Callable[[signal.Signals], None],
    ) -> None:
        self._plan = plan
        self._begin = begin
        self._tell_mail = tell_mail
        self._reader = 0
        """The program that reads the settings; 0: none does."""
        self._answer = -1
        self._wanted = False
        self._before = b""
        """What processes were made of, for the case that successors don't serve."""
        self._told: dict[str, Any] = {}
        self._successors: dict[int, tuple[Child, Child]] = {}
        """By process id: who comes, and who was there."""
        self._leaving: set[int] = set()
        self.due: float | None = None
        self.stopped = False
        """The relay is being stopped: nobody is started any more."""

    def ask(self) -> None:
        """Read the settings now; if that is being done, once more afterwards."""
        if self._plan is None:
            self._tell_mail(signal.SIGHUP)
            notify("READY=1")
        elif self._reader or self._successors:
            self._wanted = True
        else:
            self._look(self._plan)

    def _look(self, plan: ReloadPlan) -> None:
        self._before = os.pread(plan.written, os.fstat(plan.written).st_size, 0)
        parent = os.getpid()
        try:
            answer, tell = os.pipe()
            pid = branch()
        except OSError as error:
            _log.error("the settings can't be read anew: %s", error.strerror)
            self._end({**_NO_ANSWER, "faults": [str(error.strerror)]})
            return
        if pid:
            os.close(tell)
            self._reader, self._answer = pid, answer
            return
        try:
            usual_signals()
            die_with(parent)
            os.dup2(tell, 1)
            os.execv(plan.command[0], plan.command)
        finally:
            os._exit(1)

    def answered(self, pid: int, code: int, children: Iterable[Child]) -> None:
        """A process ended that is none of the relay's: the program that read the settings."""
        if pid != self._reader:
            return
        self._reader = 0
        with os.fdopen(self._answer, "rb") as file:
            text = file.read(ANSWER_OCTETS)
        try:
            self._told = json.loads(text) if not code else dict(_NO_ANSWER)
        except ValueError:
            self._told = dict(_NO_ANSWER)
        if self.stopped:
            return
        told = self._told
        if not told["ok"]:
            for fault in told["faults"]:
                _log.error("the settings are kept as they were: %s", fault)
            self._end(told)
            return
        if told["restart"]:
            _log.warning("these settings take a restart: %s", ", ".join(told["restart"]))
        if not told["changed"]:
            self._tell_mail(signal.SIGHUP)
            self._end(told)
            return
        setup(*told["log"])
        _log.info("new settings: %s", ", ".join(told["changed"]))
        self._succeed([child for child in children if child.pid not in self._leaving])

    def _succeed(self, children: Iterable[Child]) -> None:
        self.due = time.monotonic() + SERVES_S
        for child in children:
            successor = self._begin(child.place)
            if successor is None:
                self._fail(f"the {child.name} process can't be started")
                return
            self._successors[successor.pid] = (successor, child)

    # -- as they come ------------------------------------------------------------------

    def listening(self) -> list[int]:
        """Pipes of those who are to say that they serve."""
        return [successor.ready for successor, _ in self._successors.values()]

    def go_on(self, children: Iterable[Child]) -> None:
        """See who serves by now; those before them are told."""
        running = {child.pid for child in children}
        for pid, (successor, before) in list(self._successors.items()):
            if not select.select([successor.ready], [], [], 0)[0] or os.read(successor.ready, 1) != READY:
                continue
            del self._successors[pid]
            if before.pid in running:
                self._leaving.add(before.pid)
                os.kill(before.pid, signal.SIGUSR2 if before.name == "mail" else signal.SIGTERM)
            if not self._successors:
                self._end(self._told)
        if self.due is not None and time.monotonic() > self.due:
            self._fail(f"new processes did not serve within {SERVES_S:.0f} s")

    def ended(self, child: Child, code: int) -> bool:
        """A process of the relay ended; True: none is to be started in its stead."""
        if child.pid in self._leaving:
            self._leaving.discard(child.pid)
            level = logging.INFO if code in (0, -signal.SIGTERM, -signal.SIGUSR2) else logging.ERROR
            _log.log(level, "the %s process with the settings of before has ended (%d)", child.name, code)
            return True
        if child.pid in self._successors:
            del self._successors[child.pid]
            self._fail(f"the new {child.name} process ended ({code}) before it served")
            return True
        for pid, (_, before) in self._successors.items():
            if before.pid == child.pid:  # who comes has its place all the same
                del self._successors[pid]
                if not self._successors:
                    self._end(self._told)
                return True
        return False

    def _fail(self, why: str) -> None:
        """Those that run stay; those that were to come go."""
        assert self._plan is not None
        _log.error("the settings are kept as they were: %s, see above", why)
        os.pwrite(self._plan.written, self._before, 0)
        os.ftruncate(self._plan.written, len(self._before))
        for pid in self._successors:
            self._leaving.add(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        self._successors = {}
        self._end({**self._told, "ok": False, "changed": [], "faults": [f"{why}: the log says more"]})

    def _end(self, told: dict[str, Any]) -> None:
        """What came of it is told, to systemd and to who waits for it."""
        self.due = None
        notify("READY=1")
        if self._plan is not None:
            path = Path(self._plan.told)
            beside = path.with_name(f"{path.name}-{os.getpid()}")
            with contextlib.suppress(OSError):
                beside.write_text(json.dumps(told), "utf-8")
                beside.replace(path)
        if self._wanted:
            self._wanted = False
            self.ask()
