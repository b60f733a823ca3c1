"""``relay serve``: binds the ports, starts the processes and then looks after them, as ``relay.supervise``.

The parent is single-threaded: it forks the mail processes (one by default) and
the HTTP process, and once all of them serve it lets go of all that it has
loaded, says READY and passes signals on. A mail process that ends takes the
relay down with a message (the service manager starts it again); the HTTP
process is started again, since a fault in a page must not touch mail. If the
parent is killed, the kernel ends the children.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import logging
import os
import resource
import select
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from config.settings import Settings
from relay.checks.files import exposed, runs_as
from relay.checks.result import Level
from relay.intake.balance import Balance
from relay.intake.listeners import Ports, bind_all
from relay.observe.log import setup
from relay.process import Body, Child, fork
from relay.queue.lease import reclaim
from relay.store.database import StoreError, connect, transaction
from relay.supervise import Supervisor, Wakeful, slim
from relay.web import again
from relay.web.liveness import Heartbeat

_log = logging.getLogger("relay")

MOST_FILES = 65_536
START_TIMEOUT_S = 60.0
LOCK_TIMEOUT_S = 2.0
"""Children of a relay that was killed a moment ago hold its lock until the kernel ended them."""


class ServeError(Exception):
    """The relay can't be started; the text says what to do."""


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


class Start:
    """All processes, from the settings and the ports."""

    def __init__(self, settings: Settings, ports: Ports) -> None:
        self.settings = settings
        self.ports = ports
        self.heartbeat = Heartbeat()
        workers = settings.server.workers
        self.balance = Balance(workers) if workers > 1 else None
        self.children: list[Child] = []

    def _mail(self, index: int) -> Body:
        settings, ports, balance, beat = self.settings, self.ports, self.balance, self.heartbeat.beat

        def body(ready: Callable[[], None]) -> None:
            from relay.app import Share, run

            if balance is not None:
                balance.join(index)
            run(settings, ports, Share(index, settings.server.workers, balance), ready, beat)

        return body

    def _web(self) -> Body:
        settings, ports, sock, alive = self.settings, self.ports, self.ports.http, self.heartbeat.alive
        balance = self.balance

        def body(ready: Callable[[], None]) -> None:
            from relay.web.process import run

            ports.close_mail()
            if balance is not None:
                balance.leave()
            run(settings, ready, sock, alive)

        return body

    def all(self) -> bool:
        """Start all children and wait until each serves."""
        # Once for all of them: modules are a third of a mail process's memory.
        import uvloop  # noqa: F401

        import relay.app  # noqa: F401

        gc.collect()
        gc.freeze()  # keeps the pages that the children share from being copied
        self.children += [fork("mail", self._mail(index)) for index in range(self.settings.server.workers)]
        if self.ports.http is not None:
            self.children.append(fork("web", self._web()))
        self.ports.close_mail()
        if self.balance is not None:
            self.balance.leave()
        deadline = time.monotonic() + START_TIMEOUT_S
        for child in self.children:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([child.ready], [], [], left)[0] or os.read(child.ready, 1) != b"r":
                _log.error("the %s process did not start", child.name)
                return False
        return True


def stay_private(settings: Settings) -> None:
    """Raises ServeError if others can read a secret or a key; warns about what is not as it should be."""
    found = [runs_as(settings.server.data_dir, serving=True), *exposed(settings)]
    faults = [f"{one.what}: {one.detail}: {one.todo}" for one in found if one.level is Level.FAIL]
    if faults:
        raise ServeError("; ".join(faults))
    for one in found:
        if one.level is Level.WARN:
            _log.warning("%s: %s: %s", one.what, one.detail, one.todo)


def take_files() -> None:
    """As many open files as the system allows: each session is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


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
    log = (settings.log.level, settings.log.format)
    setup(*log)
    if not settings.server.data_dir.is_dir():
        raise ServeError(f"server.data_dir {settings.server.data_dir} does not exist: `relay init` makes it")
    stay_private(settings)
    take_files()
    fd = lock(settings.server.data_dir)
    take_back(settings.database)
    listen = settings.listen
    ports = bind_all(listen.submission, listen.submissions, listen.inbound, listen.http)
    wakeful = Wakeful()
    start = Start(settings, ports)
    if not start.all():
        return Supervisor(wakeful, start.children, http=_detached(ports)).give_up()
    http = _detached(ports)
    if http is None:
        return slim(Supervisor(wakeful, start.children), [fd], log)
    beat = start.heartbeat.fd
    written, command = again.recipe(settings, http, beat)
    return slim(Supervisor(wakeful, start.children, command, http), [fd, http, beat, written], log)


def _detached(ports: Ports) -> int | None:
    """The HTTP process's listening socket, as a descriptor that is closed by whoever has it."""
    return None if ports.http is None else ports.http.detach()
