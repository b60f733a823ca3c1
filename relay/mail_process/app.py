"""The mail process's life: one event loop runs the listeners, the deliveries and the group commit; RSA and fsync run
in threads."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Callable
from dataclasses import replace

from config.settings import Settings
from relay.certificates import watch as certificates
from relay.certificates.context import CertificateError
from relay.delivery.smtp.sign import self_test
from relay.delivery.worker import Worker
from relay.intake.smtp.listeners import Ports
from relay.keys import dkim_keys
from relay.keys.belonging import remember
from relay.keys.secrets import Secrets
from relay.mail_process.chores import chores
from relay.mail_process.doors import Doors
from relay.mail_process.engine import delivering
from relay.mail_process.parts import Parts
from relay.mail_process.share import Share
from relay.notes.memory import PolicyMemory
from relay.observe.trouble import WORDS, Trouble
from relay.processes.process import Tell
from relay.queue import operator
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.store.thread import ready as threads
from relay.store.thread import usual_number
from relay.store.units import GroupCommit
from relay.tenants.snapshot import Snapshot
from relay.web.server.liveness import BeatSlot

_log = logging.getLogger("relay")

FAILED_GRACE_S = 15.0
THREADS_S = 2.0
COLLECTOR = (20_000, 20, 50)
"""Thresholds of the collector: values of a message die by reference count, so looking for cycles after every 700 of
them only costs time."""
HAND_OVER_S = 600.0
"""Sessions that go on for longer after another process took over are told to come again, between two transactions."""


class App:
    """One mail process."""

    def __init__(self, settings: Settings, ports: Ports, share: Share, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.share = share
        self.clock = clock
        self.parts = Parts(settings, share, clock)
        self.doors = Doors(self.parts, ports)
        self._memory: PolicyMemory | None = None
        self._tasks: list[asyncio.Task[None]] = []
        """All along."""
        self._chores: list[asyncio.Task[None]] = []
        """Of the first mail process, until the relay is stopped: then they are those of the next relay."""

    async def run(self, tell: Tell, slot: BeatSlot) -> None:
        """Serve until SIGTERM or SIGINT; ``tell`` hears once all ports listen, and once none does any more.

        SIGUSR1 during the stop: nothing is waited for any longer. SIGUSR2: another process has its place from now on;
        it goes on with the sessions that it has, and then stops.
        """
        loop = asyncio.get_running_loop()
        loop.set_default_executor(threads(usual_number(), "relay"))
        look_up = loop.create_task(_make_threads_of_uvloop())
        stop, hurry, succeeded = asyncio.Event(), asyncio.Event(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGUSR1, hurry.set)
        loop.add_signal_handler(signal.SIGUSR2, succeeded.set)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        parts = self.parts
        _test_keys(parts.snapshots.latest, parts.secrets)
        committer = parts.store.writer()
        if self.share.first:  # the keys fit, or none is there yet
            await committer.submit(lambda conn: remember(conn, parts.secrets))
        worker = delivering(parts, committer)
        await worker.beat()  # nothing is leased before
        room = parts.store.room(self.share.workers, slot.tell, slot.others)
        self._tasks = [
            loop.create_task(worker.run()),
            loop.create_task(parts.store.care(committer, room, slot.beat, self._call)),
        ]
        if self.settings.tls.acme and parts.certificate is not None:
            self._tasks.append(loop.create_task(certificates.follow(parts.certificate)))
        if self.share.first:
            self._tasks += [loop.create_task(chore) for chore in parts.store.chores()]
            mine = chores(self.settings, parts.secrets, parts.chain, self.clock)
            self._chores = [loop.create_task(chore) for chore in mine]
        await self._remember(committer)
        await self.doors.open(committer, worker, room)
        await asyncio.wait([look_up], timeout=THREADS_S)
        tell.ready()
        told = {loop.create_task(_wait(stop)), loop.create_task(_wait(succeeded))}
        running = [*self._tasks, *self._chores]
        ended, _ = await asyncio.wait([*told, *running], return_when=asyncio.FIRST_COMPLETED)
        failed = not ended & told
        for task in ended - told:
            _log.critical("a part of the relay ended: %r", task.exception())
        for task in told:
            task.cancel()
        if not failed and not stop.is_set():
            await self._hand_over(worker, stop)
        _log.info("stopping")
        await self.doors.close()
        tell.closed()
        # Where a part has failed nothing is taken until another process is there in its stead.
        grace_s = self.settings.delivery.stop_grace
        await self._stop(committer, worker, min(grace_s, FAILED_GRACE_S) if failed else grace_s, hurry)
        if failed:
            raise PartEnded("a part of the relay ended by itself, see the log")

    async def _remember(self, committer: GroupCommit) -> None:
        """What policies noticed before, here or in another process, is known before the first message."""
        memory = PolicyMemory(self.parts.chain.policies, self.parts.conn, committer.submit, self.clock)
        if not memory.wanted:
            return
        self._memory = memory
        await memory.read()
        self._tasks.append(asyncio.get_running_loop().create_task(memory.run()))

    def _call(self, conn: Tx, trouble: Trouble, past: bool) -> object:
        """The operator: mail can't be stored, or could not be for a while."""
        subject = "mail could not be stored for a while" if past else "mail can't be stored"
        about, now = f"store-{trouble.name.lower()}", self.clock()
        return operator.call(conn, Operator.of(self.settings), about, subject, [WORDS[trouble]], now=now)

    async def _hand_over(self, worker: Worker, stop: asyncio.Event) -> None:
        """Take nothing new and lease nothing, but let clients go on with the sessions they have, for HAND_OVER_S."""
        _log.info("another process has taken over with new settings; sessions go on here until they end")
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        self._chores = []
        worker.terms = replace(worker.terms, enabled=False)
        await self.doors.close(handed_over=True)
        await self.doors.close_api()
        await self.doors.empty(stop, HAND_OVER_S)

    async def _stop(self, committer: GroupCommit, worker: Worker, grace_s: float, hurry: asyncio.Event) -> None:
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(self.doors.farewell(hurry), worker.stop(grace_s, hurry), self.doors.close_api(grace_s))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._chores, return_exceptions=True)
        self.doors.last_words()
        if self._memory is not None:
            self._memory.write()
        await committer.close()
        if self.parts.signing_pool is not None:
            self.parts.signing_pool.shutdown(wait=False, cancel_futures=True)
        self.parts.store.close()

    def reload(self) -> None:
        """SIGHUP: show the certificate that lies on disk now."""
        certificate = self.parts.certificate
        if certificate is None:
            return
        try:
            certificate.reload()
        except CertificateError as error:
            _log.error("the certificate is kept as it was: %s", error)
        else:
            _log.info("the certificate was read again")


class PartEnded(Exception):
    """A task that runs as long as the relay does is gone; the service manager starts the relay anew."""


async def _make_threads_of_uvloop() -> None:
    """They resolve names, are made with the first one, and abort the process if they can't be: not in the middle."""
    with contextlib.suppress(OSError):
        await asyncio.get_running_loop().getaddrinfo("localhost", 0)


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


def _test_keys(snapshot: Snapshot, secrets: Secrets) -> None:
    """Sign and verify (with dkimpy) once before any mail is taken; raises on failure."""
    domain = next((d for d in snapshot.domains.values() if d.verified and d.keys), None)
    if domain is not None:
        self_test([dkim_keys.open_key(secrets, domain.name, key) for key in domain.keys])


def run(settings: Settings, ports: Ports, share: Share, tell: Tell, slot: BeatSlot) -> None:
    """Run one mail process to its end."""
    import gc

    import uvloop

    gc.set_threshold(*COLLECTOR)
    app = App(settings, ports, share)
    uvloop.run(app.run(tell, slot))
