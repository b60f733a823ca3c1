"""Where the mail process is put together, started and stopped.

The only module that knows all parts. One event loop runs the listeners, the
deliveries and the group commit; RSA and fsync run in threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from config.settings import Settings
from relay.audit import sequence
from relay.brake import rounds as brake_rounds
from relay.brake.book import LoginBook
from relay.brake.braking import Braking
from relay.conduct import quota_watch
from relay.conduct.rounds import Rounds
from relay.conduct.watch import TenantWatch
from relay.delivery.smtp.compose import Composer, LinkBase
from relay.delivery.smtp.engine import Engine
from relay.delivery.smtp.judge import Judge
from relay.delivery.smtp.limits import LAST_BACK_OFF_S
from relay.delivery.smtp.mail import SmtpChannel
from relay.delivery.smtp.report import Reporter
from relay.delivery.smtp.resolve import Resolver
from relay.delivery.smtp.session import LONGEST_DATA
from relay.delivery.smtp.sign import self_test
from relay.delivery.smtp.signatures import TOGETHER, Signatures
from relay.delivery.worker import Worker, WorkerTerms
from relay.events import follow
from relay.exemplars import keep as exemplars
from relay.feedback.inbound import MAX_OCTETS, Inbound
from relay.intake.accept import Acceptor, AcceptTerms
from relay.intake.api.door import ApiDesk, Door
from relay.intake.api.handed import socket_path
from relay.intake.smtp.balance import Balance
from relay.intake.smtp.channel import ClientConnection, Shared
from relay.intake.smtp.farewell import farewell
from relay.intake.smtp.front import adopting, fronts
from relay.intake.smtp.inbound import InboundSession
from relay.intake.smtp.limits import Failures, KnownAccounts
from relay.intake.smtp.listeners import BACKLOG, Ports
from relay.intake.smtp.shares import Budget, Sessions
from relay.intake.smtp.submission import SubmissionDesk, SubmissionSession
from relay.intake.smtp.tls import Certificate, CertificateError
from relay.keys import dkim_keys
from relay.keys.belonging import remember
from relay.keys.secrets import Secrets
from relay.lists import fates
from relay.mail.scan import ScanLimits
from relay.mail_store import MailStore
from relay.mailings.running import run as mailings
from relay.notes.memory import PolicyMemory
from relay.observe.steady import Steady
from relay.observe.trouble import WORDS, Trouble
from relay.pipeline import registry as policy_registry
from relay.pipeline.chain import Chain
from relay.processes.process import Tell
from relay.queue import operator, watch
from relay.queue.moved import Mover
from relay.queue.nodes import own_id
from relay.queue.operator import Operator
from relay.queue.owners import Owners
from relay.queue.schedule import Schedule
from relay.rights import retention
from relay.statistics import sums
from relay.store.contract import Tx
from relay.store.database import far
from relay.store.thread import ready as threads
from relay.store.thread import usual_number
from relay.store.units import GroupCommit, StoreRoom
from relay.tenants.facts import Facts
from relay.tenants.snapshot import Snapshot, SnapshotSource
from relay.tracking.hosts import TrackingHosts
from relay.web.server.liveness import BeatSlot
from relay.webhooks import dispatch

_log = logging.getLogger("relay")

FAILED_GRACE_S = 15.0
DOOR_GRACE_S = 5.0
"""For messages of the API that are in work when the relay stops."""
THREADS_S = 2.0
HAND_OVER_S = 600.0
"""Sessions that go on for longer after another process took over are told to come again, between two transactions."""
HAND_OVER_LOOK_S = 0.2
_SUBMISSION, _INBOUND, _SUBMISSIONS = 0, 1, 2
"""Roles of listeners whose connections one mail process may pass on to another."""
INBOUND_PER_ADDRESS = 100
"""Sessions at a time from one address on the inbound port."""


@dataclass(frozen=True, slots=True)
class Share:
    """Which of ``workers`` mail processes this is: limits of the whole relay are divided among them."""

    index: int = 0
    workers: int = 1
    balance: Balance | None = None
    """Of sessions; None where there is one process only."""

    def of(self, limit: int) -> int:
        return max(1, limit // self.workers)

    @property
    def first(self) -> bool:
        return self.index == 0


def _next_round(work: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(work)


class App:
    """All parts of one mail process."""

    def __init__(self, settings: Settings, ports: Ports, share: Share, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.ports = ports
        self.share = share
        self.clock = clock
        self.secrets = Secrets.load(settings.secrets_file)
        self.store = MailStore(settings)
        self.conn = self.store.conn
        policies = policy_registry.load_from(settings)
        for policy in policies:
            policy.shared_among(share.workers)
        self._door: Door | None = None
        self._memory: PolicyMemory | None = None
        self._logins: LoginBook | None = None
        self._last_words: Callable[[], None] = lambda: None
        """What is kept in memory for a moment, written before the store is closed."""
        terms = settings.policies
        self.chain = Chain(policies, wait_s=terms.wait, most_waiting=share.of(terms.most_waiting))
        self.snapshots = SnapshotSource(self.conn, settings, self.secrets, next_round=_next_round, clock=self.clock)
        self.certificate = (
            Certificate(settings.tls.certificate, settings.tls.key)
            if settings.tls.certificate and settings.tls.key
            else None
        )
        cores = os.cpu_count() or 1
        # With a process for each core, a thread would only take the interpreter away from its own loop.
        self.signing_pool = threads(cores, "relay-sign") if share.workers < cores else None
        self.facts = Facts(self.conn)
        self.owners = Owners(settings.database, node=own_id(settings.database, settings.stored))
        self.steady = Steady(self.clock)
        self._servers: list[asyncio.Server] = []
        self._shared: list[Shared] = []
        self._tasks: list[asyncio.Task[None]] = []
        """All along."""
        self._chores: list[asyncio.Task[None]] = []
        """Of the first mail process, until the relay is stopped: then they are those of the next relay."""

    # -- parts -----------------------------------------------------------------

    def _worker(self, committer: GroupCommit) -> Worker:
        settings, share = self.settings, self.share
        delivery = settings.delivery
        resolver = Resolver(settings.dns.nameservers, settings.dns.timeout)
        own_ports = frozenset(int(address.rpartition(":")[2]) for address in settings.listen.inbound)
        divided = delivery.model_copy(
            update={
                "connections": share.of(delivery.connections),
                "connections_per_site": share.of(delivery.connections_per_site),
            }
        )
        judge = Judge(self.conn, committer.submit, Operator.of(settings), delivery.missing_wait, self.clock, _dns_log)
        signatures = Signatures(self.signing_pool)
        engine = Engine(
            divided,
            settings.server.hostname,
            resolver,
            self.clock,
            _delivery_log,
            own_ports=own_ports,
            look_ahead=self.signing_pool is not None,
            together=TOGETHER if signatures.together else 0,
            places=lambda: signatures.places,
            judge=judge,
        )
        tracking = settings.tracking
        hosts = TrackingHosts(settings.links.base_url, tracking.apart_url, tracking.tenant_hosts)
        links = LinkBase(settings.links.base_url, settings.links.mail_domain, hosts, tracking.consent)
        terms = WorkerTerms(
            inflight=share.of(delivery.inflight),
            expire_s=delivery.expire,
            longest_send_s=delivery.connect_timeout
            + 5 * delivery.command_timeout
            + (LONGEST_DATA + 1) * delivery.data_timeout,
            schedule=Schedule(delivery.retry, delivery.jitter),
            enabled=delivery.enabled,
        )
        self.owners.enter(settings.server.node_name, share.index, terms.lease_s, self.clock())
        composer = Composer(self.conn, self.secrets, links, share.of(settings.limits.memory_octets) // 4, self.clock)
        reporter = Reporter(settings.server.hostname, composer, self.snapshots)
        return Worker(
            terms,
            SmtpChannel(engine, composer, signatures, reporter),
            self.chain,
            self.snapshots,
            self.conn,
            committer,
            self.clock,
            self.facts,
            self.store.looking,
            self.owners,
            self.steady,
        )

    def _mover(self) -> Mover:
        settings = self.settings
        waits = Schedule(settings.delivery.retry, settings.delivery.jitter)
        longest_s = waits.longest_s + LAST_BACK_OFF_S
        return Mover(settings.stored, Operator.of(settings), longest_s, self.clock, Steady(self.clock))

    def _scan_limits(self) -> ScanLimits:
        limits = self.settings.limits
        return ScanLimits(limits.header_octets, limits.header_fields, limits.parts, limits.depth, limits.hops + 1)

    def _shared_by(self, role: int, message_octets: int, budget: Budget, sessions: Sessions) -> Shared:
        limits = self.settings.limits
        shared = Shared(
            hostname=self.settings.server.hostname,
            sessions=sessions,
            budget=budget,
            message_octets=message_octets,
            recipients=limits.recipients,
            command_timeout_s=limits.command_timeout,
            data_timeout_s=limits.data_timeout,
            transactions=limits.transactions_per_session,
            tls=self.certificate.context if self.certificate else None,
            balance=self.share.balance,
            role=role,
        )
        # Whoever wants what there is too little of looks among these for who has more.
        budget.watch(shared.live)
        sessions.watch(shared.live)
        self._shared.append(shared)
        return shared

    def _budget(self, octets: int, message_octets: int) -> Budget:
        """This process's part of so much memory; a whole message always fits into it."""
        whole = max(self.share.of(octets), min(octets, message_octets))
        share = max(int(whole * self.settings.limits.memory_share), message_octets)
        return Budget(whole, share, asyncio.get_running_loop().time)

    def _sessions(self, most_per_network: int) -> Sessions:
        most, loop = self.settings.limits.sessions, asyncio.get_running_loop()
        return Sessions(self.share.of(most), self.share.of(min(most_per_network, most)), loop.time)

    async def _listen(self, committer: GroupCommit, worker: Worker, room: StoreRoom) -> None:
        settings, limits = self.settings, self.settings.limits
        loop = asyncio.get_running_loop()
        if settings.brake.action != "off":
            self._logins = LoginBook(committer.submit, Braking(settings.brake, Operator.of(settings), self.clock))
        acceptor = Acceptor(
            AcceptTerms(
                settings.server.hostname,
                self._scan_limits(),
                settings.delivery.expire,
                settings.server.record_client,
                settings.tracking.text_links,
                tuple(f"{url.lower()}/" for url in (settings.links.base_url, settings.tracking.apart_url) if url),
            ),
            self.chain,
            committer,
            worker,
            self.facts,
            room,
            self._logins,
        )
        self._last_words = acceptor.refusals.flush
        api = ApiDesk(
            snapshots=self.snapshots,
            secrets=self.secrets,
            conn=self.conn,
            chain=self.chain,
            acceptor=acceptor,
            clock=self.clock,
            facts=self.facts,
            has_room=room.fits,
            recipients=limits.recipients,
            message_octets=limits.message_octets,
            far=far(self.conn),
        )
        self._door = Door(socket_path(settings.server.data_dir, self.share.index), api)
        await self._door.open()
        # Divided among processes, yet a typing error or two never makes anyone wait.
        most = max(self.share.of(settings.auth.failures), min(settings.auth.failures, 3))
        desk = SubmissionDesk(
            snapshots=self.snapshots,
            secrets=self.secrets,
            conn=self.conn,
            chain=self.chain,
            acceptor=acceptor,
            failures=Failures(most, settings.auth.window),
            lately=KnownAccounts(),
            accounts=Failures(10 * settings.auth.failures, settings.auth.window),
            clock=self.clock,
            plaintext_on_loopback=settings.auth.plaintext_on_loopback,
            facts=self.facts,
            has_room=room.fits,
            far=far(self.conn),
        )
        budget = self._budget(limits.memory_octets, limits.message_octets)
        sessions = self._sessions(limits.sessions_per_address)
        shared = self._shared_by(_SUBMISSION, limits.message_octets, budget, sessions)
        implicit = self._shared_by(_SUBMISSIONS, limits.message_octets, budget, sessions)
        # The open port must take neither places nor memory of those who submit.
        strangers = self._sessions(min(limits.sessions_per_address, INBOUND_PER_ADDRESS))
        largest = min(limits.message_octets, MAX_OCTETS)
        returned = self._shared_by(_INBOUND, largest, self._budget(limits.inbound_memory_octets, largest), strangers)
        inbound = Inbound(
            settings, self.secrets, self.conn, committer.submit, self.clock, logging.getLogger("relay.inbound")
        )

        def served(session: Callable[[], ClientConnection]) -> Callable[[], asyncio.BaseProtocol]:
            return fronts(session, settings.server.hostname, loop)

        def adopts(session: Callable[[], ClientConnection]) -> Callable[[socket.socket], None]:
            return adopting(served(lambda: _settled(session())), loop)

        def submission() -> ClientConnection:
            return SubmissionSession(shared, desk, loop=loop)

        def encrypted() -> ClientConnection:
            return SubmissionSession(implicit, desk, implicit_tls=True, loop=loop)

        def stranger() -> ClientConnection:
            return InboundSession(returned, inbound, loop=loop)

        if self.share.balance is not None:
            self.share.balance.adopt(loop, [adopts(submission), adopts(stranger), adopts(encrypted)])
        for session, sockets in (
            (submission, self.ports.submission),
            (encrypted, self.ports.submissions),
            (stranger, self.ports.inbound),
        ):
            front = served(session)
            self._servers += [await loop.create_server(front, sock=sock, backlog=BACKLOG) for sock in sockets]

    # -- life ----------------------------------------------------------------------

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
        _test_keys(self.snapshots.latest, self.secrets)
        committer = self.store.writer()
        if self.share.first:  # the keys fit, or none is there yet
            await committer.submit(lambda conn: remember(conn, self.secrets))
        worker = self._worker(committer)
        await worker.beat()  # nothing is leased before
        room = self.store.room(self.share.workers, slot.tell, slot.others)
        self._tasks = [
            loop.create_task(worker.run()),
            loop.create_task(self.store.care(committer, room, slot.beat, self._call)),
        ]
        if self.share.first:
            self._tasks += [loop.create_task(chore) for chore in self.store.chores()]
            plans = quota_watch.follower(self.settings, self.clock)
            self._chores = [
                loop.create_task(
                    watch.run(
                        self.settings.stored,
                        self.chain,
                        self.clock,
                        self._mover().look,
                        Operator.of(self.settings),
                    )
                ),
                loop.create_task(exemplars.run(self.settings.stored, self.settings.links.base_url, self.clock)),
                loop.create_task(brake_rounds.run(self.settings.stored, self.clock)),
                loop.create_task(retention.run(self.settings.stored, self.settings.retention, self.clock)),
                loop.create_task(sequence.run(self.settings.stored, self.secrets, self.clock)),
                loop.create_task(TenantWatch(self.settings.stored, self.settings, self.clock).run()),
                loop.create_task(mailings.run(self.settings, self.clock)),
                loop.create_task(Rounds(self.settings.stored, self.settings, self.secrets, self.clock).run()),
                loop.create_task(follow.run(self.settings.stored, (*follow.ALL, fates.FOLLOWER, plans, sums.FOLLOWER))),
            ]
            if not self.settings.listen.http:  # else the HTTP process does it
                self._chores.append(loop.create_task(dispatch.run(self.settings, self.secrets, self.clock)))
        await self._remember(committer)
        await self._listen(committer, worker, room)
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
        await self._close_ports()
        tell.closed()
        # Where a part has failed nothing is taken until another process is there in its stead.
        grace_s = self.settings.delivery.stop_grace
        await self._stop(committer, worker, min(grace_s, FAILED_GRACE_S) if failed else grace_s, hurry)
        if failed:
            raise PartEnded("a part of the relay ended by itself, see the log")

    async def _remember(self, committer: GroupCommit) -> None:
        """What policies noticed before, here or in another process, is known before the first message."""
        memory = PolicyMemory(self.chain.policies, self.conn, committer.submit, self.clock)
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
        await self._close_ports(handed_over=True)
        if self._door is not None:
            await self._door.close(DOOR_GRACE_S)
            self._door = None
        loop = asyncio.get_running_loop()
        end = loop.time() + HAND_OVER_S
        while loop.time() < end and not stop.is_set() and any(shared.live for shared in self._shared):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), HAND_OVER_LOOK_S)

    async def _close_ports(self, *, handed_over: bool = False) -> None:
        """``handed_over``: what other mail processes pass on goes to the one that has this one's place."""
        for server in self._servers:
            server.close()
        self._servers = []
        self.ports.close()  # the servers had copies
        if self.share.balance is not None:
            if handed_over:
                self.share.balance.hand_over()
            else:
                self.share.balance.close()
        await asyncio.sleep(0)  # what the loop closes is closed in its next round

    async def _stop(self, committer: GroupCommit, worker: Worker, grace_s: float, hurry: asyncio.Event) -> None:
        for chore in self._chores:
            chore.cancel()
        door = self._door.close(min(grace_s, DOOR_GRACE_S)) if self._door is not None else asyncio.sleep(0)
        await asyncio.gather(farewell(self._shared, hurry), worker.stop(grace_s, hurry), door)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._chores, return_exceptions=True)
        self._last_words()
        if self._memory is not None:
            self._memory.write()
        if self._logins is not None:
            self._logins.flush()
        await committer.close()
        if self.signing_pool is not None:
            self.signing_pool.shutdown(wait=False, cancel_futures=True)
        self.store.close()

    def reload(self) -> None:
        """SIGHUP: show the certificate that lies on disk now."""
        if self.certificate is None:
            return
        try:
            self.certificate.reload()
        except CertificateError as error:
            _log.error("the certificate is kept as it was: %s", error)
        else:
            _log.info("the certificate was read again")


def _settled(session: ClientConnection) -> ClientConnection:
    session.settled = True
    return session


def _delivery_log(what: str, detail: Mapping[str, object]) -> None:
    _log.info("%s %s", what, " ".join(f"{key}={value}" for key, value in detail.items()))


def _dns_log(what: str, detail: Mapping[str, object]) -> None:
    _log.warning("%s %s", what, " ".join(f"{key}={value}" for key, value in detail.items()))


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

    # Values of a message die by reference count; looking for cycles after every 700 of them only costs time.
    gc.set_threshold(20_000, 20, 50)
    app = App(settings, ports, share)
    uvloop.run(app.run(tell, slot))
