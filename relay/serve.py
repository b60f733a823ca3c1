"""``relay serve``: binds the ports, starts the processes and then looks after them, as ``relay.processes.supervise``.

The parent is single-threaded: it forks the mail processes (one by default) and
the HTTP process, and once all of them serve it lets go of all that it has
loaded, says READY and passes signals on. A process that ends is started again,
with the same ports, which stay open meanwhile. If the parent is killed, the
kernel ends the children. A relay that is being stopped gives up the lock with
its ports: another may run while it waits for its last replies.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import logging
import os
import select
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from config.settings import Settings
from relay import again
from relay.checks.files import exposed, open_files, runs_as
from relay.checks.policies import check_left_out
from relay.checks.refusals import refusals
from relay.checks.result import CheckResult, Level
from relay.intake.smtp.balance import Balance
from relay.intake.smtp.handed import open_all, take_handed
from relay.intake.smtp.listeners import Ports
from relay.observe.log import setup
from relay.processes.process import READY, Child, ProcessBody, Tell, fork, most_files, step_back
from relay.processes.supervise import Held, ProcessLimits, Supervisor, Wakeful, slim
from relay.queue.nodes import own_id
from relay.queue.owners import end_leases, process_of
from relay.store.contract import Failure
from relay.store.database import StoreError, connect
from relay.store.engines import shown
from relay.store.files import open_small
from relay.store.sqlite.roots import refuse_damaged
from relay.store.words import explained
from relay.web.server.liveness import Heartbeat

_log = logging.getLogger("relay")

START_TIMEOUT_S = 60.0
START_TRIES = 5
"""Of a process that is killed before it serves."""
LOCK_TIMEOUT_S = 5.0
"""One that was killed a moment ago holds its lock until the kernel ended its children; one that stops closes ports."""


class ServeError(Exception):
    """The relay can't be started; the text says what to do."""


def lock(data_dir: Path) -> int:
    """One relay for one data_dir; raises ServeError if another runs."""
    try:
        fd = open_small(data_dir / "lock")
    except OSError as error:
        raise ServeError(f"server.data_dir {data_dir} can't be used: {explained(error, data_dir)}") from error
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
    with contextlib.suppress(OSError):  # a full disk: the number only serves messages
        os.pwrite(fd, f"{os.getpid()}\n".encode().ljust(16), 0)
        os.ftruncate(fd, 16)
    return fd


class Start:
    """All processes, from the settings and the ports."""

    def __init__(self, settings: Settings, ports: Ports) -> None:
        self.settings = settings
        self.ports = ports
        workers = settings.server.workers
        self.heartbeat = Heartbeat(workers)
        self.balance = Balance(workers) if workers > 1 else None
        self.children: list[Child] = []

    def _mail(self, index: int) -> ProcessBody:
        settings, ports, balance, slot = self.settings, self.ports, self.balance, self.heartbeat.slot(index)

        def body(tell: Tell) -> None:
            from relay.mail_process.app import run
            from relay.mail_process.share import Share

            if balance is not None:
                balance.join(index)
            run(settings, ports, Share(index, settings.server.workers, balance), tell, slot)

        return body

    def _web(self) -> ProcessBody:
        settings, ports, heartbeat = self.settings, self.ports, self.heartbeat
        balance = self.balance

        def body(tell: Tell) -> None:
            from relay.web.server.process import PagePorts, run

            step_back()
            ports.close_mail()
            if balance is not None:
                balance.leave()
            pages = PagePorts(ports.http, ports.https, ports.acme)
            run(settings, tell.ready, pages, heartbeat.alive, heartbeat.troubles, tell.closed, heartbeat.web().beat)

        return body

    def _fork(self, name: str, index: int) -> Child:
        return fork(name, index, self._mail(index) if name == "mail" else self._web())

    def all(self) -> bool:
        """Start all children and wait until each serves."""
        # Once for all of them: modules are a third of a mail process's memory.
        import uvloop  # noqa: F401

        import relay.mail_process.app  # noqa: F401

        gc.collect()
        gc.freeze()  # keeps the pages that the children share from being copied
        places = [("mail", index) for index in range(self.settings.server.workers)]
        if self.ports.pages():
            places.append(("web", 0))
        self.children += [self._fork(*place) for place in places]
        deadline = time.monotonic() + START_TIMEOUT_S
        return all(self._serves(number, deadline) for number in range(len(places)))

    def _serves(self, number: int, deadline: float) -> bool:
        """Wait for one child; one that was killed before it served is started again, one that gave a reason is not."""
        for _ in range(START_TRIES):
            child = self.children[number]
            left = max(0.0, deadline - time.monotonic())
            if not select.select([child.ready], [], [], left)[0]:
                _log.error("the %s process did not start in %d s", child.name, START_TIMEOUT_S)
                os.kill(child.pid, signal.SIGKILL)  # it may not hear anything else
                return False
            if os.read(child.ready, 1) == READY:
                return True
            _, status = os.waitpid(child.pid, 0)
            os.close(child.ready)
            code = os.waitstatus_to_exitcode(status)
            if code >= 0 or -code in (signal.SIGTERM, signal.SIGINT):
                _log.error("the %s process did not start", child.name)
                del self.children[number]
                return False
            _log.error("the %s process was killed (%d) before it served, and is started again", child.name, code)
            self.children[number] = self._fork(*child.place)
        _log.error("the %s process was killed %d times before it served", child.name, START_TRIES)
        return False


def enough_files(settings: Settings) -> None:
    """Raises ServeError if this process may open too few to work; warns if they may become too few."""
    found = open_files(settings)
    text = f"{found.what}: {found.detail}: {found.todo}"
    if found.level is Level.FAIL:
        raise ServeError(text)
    if found.level is Level.WARN:
        _log.warning("%s", text)


def stay_private(settings: Settings) -> None:
    """Raises ServeError if others can read a secret or a key; warns about what is not as it should be."""
    found = [runs_as(settings.server.data_dir, serving=True), *exposed(settings)]
    faults = [f"{one.what}: {one.detail}: {one.todo}" for one in found if one.level is Level.FAIL]
    if faults:
        raise ServeError("; ".join(faults))
    _warn(found)


def _warn(found: Iterable[CheckResult]) -> None:
    for one in found:
        if one.level is Level.WARN:
            _log.warning("%s: %s: %s", one.what, one.detail, one.todo)


def _begin_certificate(settings: Settings) -> None:
    from relay.certificates.begin import begin_certificate  # here, since most relays have no need of it

    with contextlib.suppress(OSError):  # what is wrong with data_dir is told below
        begin_certificate(settings)


def take_back(settings: Settings) -> None:
    """End the leases of processes that are gone. Raises ServeError if the database can't be used."""
    stored = settings.stored
    try:
        with contextlib.closing(connect(stored)) as conn:
            refuse_damaged(conn, stored)
        found = end_leases(settings.database, time.time(), own_id(settings.database, stored), store=stored)
    except StoreError as error:
        raise ServeError(str(error)) from error
    except Failure as error:
        raise ServeError(f"database {shown(stored)} can't be written: {explained(error, stored)}") from error
    if found.copies:
        _log.info("%d leases of processes that are gone were taken back", found.copies)
    for node in found.nodes:
        _log.info("node %s (%s) holds leases, until it has not been heard of for %d s", node.name, node.id, node.term_s)
    if found.others:
        pids = ", ".join(sorted({process_of(name) for name in found.others}))
        _log.info("a relay that is being stopped still waits for its last replies (process %s)", pids)


def serve(settings: Settings, config: Path | None = None) -> int:
    """Run until told to stop; returns the exit status. ``config``: where the settings are read anew.

    Raises ServeError or ListenError at start.
    """
    log = (settings.log.level, settings.log.format)
    setup(*log)
    handed = take_handed()
    most_files()
    enough_files(settings)
    _begin_certificate(settings)
    faults = refusals(settings)
    if faults:
        raise ServeError("\n".join(faults))
    stay_private(settings)
    _warn(check_left_out(settings))
    fd = lock(settings.server.data_dir)
    take_back(settings)
    ports = open_all(settings.listen.addresses(), handed)
    wakeful = Wakeful()
    start = Start(settings, ports)
    started = start.all()
    listening = _detached(ports)
    balance, here = ([], []) if start.balance is None else (start.balance.kept(), start.balance.here())
    beats = start.heartbeat.fd
    written, command = again.recipe(again.Kept(settings, listening, beats, balance))
    held = Held(
        lock=fd,
        ports=listening.all(),
        passing=balance[1:],
        beats=beats,
        workers=settings.server.workers,
        memory=balance[0] if balance else -1,
        here=here,
        other=[written],
    )
    limits = ProcessLimits(settings.delivery.stop_grace, settings.server.watchdog)
    reload = None if config is None else again.reload_plan(written, config.absolute(), settings.server.data_dir)
    supervisor = Supervisor(wakeful, start.children, command, held, limits, reload)
    return slim(supervisor, log) if started else supervisor.give_up()


def _detached(ports: Ports) -> again.Listening:
    """The listening sockets, as descriptors that are closed by whoever has them."""
    pages = (None if sock is None else sock.detach() for sock in (ports.http, ports.https, ports.acme))
    return again.Listening(
        [sock.detach() for sock in ports.submission],
        [sock.detach() for sock in ports.submissions],
        [sock.detach() for sock in ports.inbound],
        *pages,
    )
