"""``relay serve``: binds the ports, starts the processes and looks after them.

The parent stays small and single-threaded: it forks the mail processes (one
by default) and the HTTP process, passes signals on, and says READY once all
of them serve. A mail process that ends takes the relay down with a message
(the service manager starts it again); the HTTP process is started again,
since a fault in a page must not touch mail. If the parent is killed, the
kernel ends the children.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import logging
import os
import select
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config.settings import Settings
from relay.intake.balance import Balance
from relay.intake.listeners import Ports, bind_all
from relay.observe.log import setup
from relay.observe.sdnotify import notify
from relay.queue.lease import reclaim
from relay.store.database import StoreError, connect, transaction
from relay.web.liveness import Heartbeat

_log = logging.getLogger("relay")

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 45.0
LOCK_TIMEOUT_S = 2.0
"""Children of a relay that was killed a moment ago hold its lock until the kernel ended them."""
WEB_RESTART_S = 2.0
_STOPPED = (0, -signal.SIGTERM, -signal.SIGINT)
"""Status of a mail process that was told to stop; the signals themselves where they came before it listened to them."""
_PR_SET_PDEATHSIG = 1


class ServeError(Exception):
    """The relay can't be started; the text says what to do."""


@dataclass(slots=True)
class _Child:
    name: str
    pid: int
    ready: int
    """Read end of a pipe: one octet says ready, end of file says gone."""


def lock(data_dir: Path) -> int:
    """One relay for one data_dir; raises ServeError if another runs."""
    fd = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError:
            if time.monotonic() > deadline:
                pid = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
                os.close(fd)
                raise ServeError(
                    f"a relay runs on {data_dir} already (process {pid or 'unknown'}): stop it first"
                ) from None
            time.sleep(0.05)
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


class Supervisor:
    def __init__(self, settings: Settings, ports: Ports) -> None:
        self.settings = settings
        self.ports = ports
        self.heartbeat = Heartbeat()
        workers = settings.server.workers
        self.balance = Balance(workers) if workers > 1 else None
        self.children: dict[int, _Child] = {}
        self.stopping = False
        self.web_due: float | None = None
        self.failed = False

    # -- starting ------------------------------------------------------------------

    def _fork(self, name: str, body: Callable[[Callable[[], None]], None]) -> _Child:
        ready, tell = os.pipe()
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            os.close(tell)
            child = _Child(name, pid, ready)
            self.children[pid] = child
            return child
        os.close(ready)
        _die_with_parent(parent)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        code = 1
        try:
            body(lambda: _tell(tell))
            code = 0
        except KeyboardInterrupt:
            code = 0
        except Exception as error:
            if isinstance(error, sqlite3.Error):
                _log.error("the database refused: %s; `relay check` tells more", error)
            elif type(error).__module__.startswith(("relay.", "config.")):
                for line in str(error).splitlines():
                    _log.error("%s", line)
            else:
                _log.exception("%s ended by an error", name)
        finally:
            logging.shutdown()
            os._exit(code)

    def _start_mail(self, index: int) -> _Child:
        settings, ports, balance, beat = self.settings, self.ports, self.balance, self.heartbeat.beat

        def body(ready: Callable[[], None]) -> None:
            from relay.app import Share, run

            if balance is not None:
                balance.join(index)
            run(settings, ports, Share(index, settings.server.workers, balance), ready, beat)

        return self._fork("mail", body)

    def _start_web(self) -> _Child:
        settings, ports, sock, alive = self.settings, self.ports, self.ports.http, self.heartbeat.alive
        balance = self.balance

        def body(ready: Callable[[], None]) -> None:
            from relay.web.process import run

            ports.close_mail()
            if balance is not None:
                balance.leave()
            run(settings, ready, sock, alive)

        return self._fork("web", body)

    def start(self) -> bool:
        """Start all children and wait until each serves."""
        if self.settings.server.workers > 1:
            import relay.app  # noqa: F401  once for all of them: modules are a third of a mail process's memory
        gc.collect()
        gc.freeze()  # keeps the pages that parent and children share from being copied
        first = [self._start_mail(index) for index in range(self.settings.server.workers)]
        if self.ports.http is not None:
            first.append(self._start_web())
        if self.balance is not None:
            self.balance.leave()
            self.balance = None  # mail processes are started once
        deadline = time.monotonic() + START_TIMEOUT_S
        for child in first:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([child.ready], [], [], left)[0] or os.read(child.ready, 1) != b"r":
                _log.error("the %s process did not start", child.name)
                return False
        return True

    # -- running -------------------------------------------------------------------

    def run(self) -> int:
        """Exit status of the whole relay."""
        wake, tell = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(tell, False)
        signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        if not self.start():
            self.failed = True
            self._stop()
        else:
            print("READY", flush=True)
            _log.info("READY")
            notify("READY=1")
        while self.children:
            timeout = None if self.web_due is None else max(0.0, self.web_due - time.monotonic())
            select.select([wake], [], [], timeout)
            received = b""
            with contextlib.suppress(BlockingIOError):
                received = os.read(wake, 512)
            for octet in received:
                self._signal(octet)
            self._reap()
            if self.web_due is not None and time.monotonic() >= self.web_due and not self.stopping:
                self.web_due = None
                self._start_web()
        return 1 if self.failed else 0

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
        self.ports.close()
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


def _tell(fd: int) -> None:
    with contextlib.suppress(OSError):
        os.write(fd, b"r")


def _die_with_parent(parent: int) -> None:
    """Linux: end this process when its parent is gone, however it went."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def take_back(database: Path) -> None:
    """End the leases of processes that are gone: here, while no process of this relay has made new ones.

    Raises ServeError if the database can't be used.
    """
    try:
        with contextlib.closing(connect(database)) as conn, transaction(conn):
            count = reclaim(conn, time.time())
    except StoreError as error:
        raise ServeError(str(error)) from error
    except sqlite3.Error as error:
        raise ServeError(f"database {database} can't be written: {error}") from error
    if count:
        _log.info("%d leases of processes that are gone were taken back", count)


def serve(settings: Settings) -> int:
    """Run until told to stop; returns the exit status. Raises ServeError or ListenError at start."""
    setup(settings.log.level, settings.log.format)
    if not settings.server.data_dir.is_dir():
        raise ServeError(f"server.data_dir {settings.server.data_dir} does not exist: `relay init` makes it")
    fd = lock(settings.server.data_dir)
    take_back(settings.database)
    listen = settings.listen
    ports = bind_all(listen.submission, listen.submissions, listen.inbound, listen.http)
    try:
        return Supervisor(settings, ports).run()
    finally:
        ports.close()
        os.close(fd)
