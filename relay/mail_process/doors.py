"""How mail comes in: SMTP's ports and the API's door, put together, opened and closed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable

from relay.brake.book import LoginBook
from relay.brake.braking import Braking
from relay.delivery.worker import Worker
from relay.feedback.inbound import MAX_OCTETS, Inbound
from relay.intake.accept import Acceptor
from relay.intake.api.door import ApiDesk, Door
from relay.intake.api.handed import socket_path
from relay.intake.prepare import AcceptTerms
from relay.intake.smtp.channel import ClientConnection
from relay.intake.smtp.farewell import farewell
from relay.intake.smtp.front import adopting, fronts
from relay.intake.smtp.inbound import InboundSession
from relay.intake.smtp.limits import Failures, KnownAccounts
from relay.intake.smtp.listeners import BACKLOG, Ports
from relay.intake.smtp.shared import Shared
from relay.intake.smtp.shares import Budget, Sessions
from relay.intake.smtp.submission import SubmissionDesk, SubmissionSession
from relay.mail.scan import ScanLimits
from relay.mail_process.parts import Parts
from relay.queue.operator import Operator
from relay.store.database import far
from relay.store.units import GroupCommit, StoreRoom

DOOR_GRACE_S = 5.0
"""For messages of the API that are in work when the relay stops."""
HAND_OVER_LOOK_S = 0.2
_SUBMISSION, _INBOUND, _SUBMISSIONS = 0, 1, 2
"""Roles of listeners whose connections one mail process may pass on to another."""
INBOUND_PER_ADDRESS = 100
"""Sessions at a time from one address on the inbound port."""


class Doors:
    """All by which a mail process takes mail."""

    def __init__(self, parts: Parts, ports: Ports) -> None:
        self._parts = parts
        self._ports = ports
        self._share = parts.share
        self._door: Door | None = None
        self._logins: LoginBook | None = None
        self._acceptor: Acceptor | None = None
        self._servers: list[asyncio.Server] = []
        self._shared: list[Shared] = []

    async def open(self, committer: GroupCommit, worker: Worker, room: StoreRoom) -> None:
        """Every listener takes connections once this has returned."""
        acceptor = self._acceptor = self._accepting(committer, worker, room)
        await self._open_api(acceptor, room)
        loop = asyncio.get_running_loop()
        desk = self._desk(acceptor, room)
        limits = self._parts.settings.limits
        budget = self._budget(limits.memory_octets, limits.message_octets)
        sessions = self._sessions(limits.sessions_per_address)
        shared = self._shared_by(_SUBMISSION, limits.message_octets, budget, sessions)
        implicit = self._shared_by(_SUBMISSIONS, limits.message_octets, budget, sessions)
        # The open port must take neither places nor memory of those who submit.
        strangers = self._sessions(min(limits.sessions_per_address, INBOUND_PER_ADDRESS))
        largest = min(limits.message_octets, MAX_OCTETS)
        returned = self._shared_by(_INBOUND, largest, self._budget(limits.inbound_memory_octets, largest), strangers)
        inbound = self._inbound(committer)

        def submission() -> ClientConnection:
            return SubmissionSession(shared, desk, loop=loop)

        def encrypted() -> ClientConnection:
            return SubmissionSession(implicit, desk, implicit_tls=True, loop=loop)

        def stranger() -> ClientConnection:
            return InboundSession(returned, inbound, loop=loop)

        await self._listen(submission, stranger, encrypted)

    async def close(self, *, handed_over: bool = False) -> None:
        """``handed_over``: what other mail processes pass on goes to the one that has this one's place."""
        for server in self._servers:
            server.close()
        self._servers = []
        self._ports.close()  # the servers had copies
        if self._share.balance is not None:
            if handed_over:
                self._share.balance.hand_over()
            else:
                self._share.balance.close()
        await asyncio.sleep(0)  # what the loop closes is closed in its next round

    async def close_api(self, grace_s: float = DOOR_GRACE_S) -> None:
        """Let what the API has in work end, for ``grace_s`` seconds or DOOR_GRACE_S."""
        if self._door is not None:
            door, self._door = self._door, None
            await door.close(min(grace_s, DOOR_GRACE_S))

    async def empty(self, stop: asyncio.Event, within_s: float) -> None:
        """Wait until no session is left, until ``stop``, or for so many seconds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within_s
        while loop.time() < end and not stop.is_set() and any(shared.live for shared in self._shared):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), HAND_OVER_LOOK_S)

    async def farewell(self, hurry: asyncio.Event) -> None:
        """Sessions end, each between two transactions."""
        await farewell(self._shared, hurry)

    def last_words(self) -> None:
        """What is kept in memory for a moment, written before the store is closed."""
        if self._acceptor is not None:
            self._acceptor.refusals.flush()
        if self._logins is not None:
            self._logins.flush()

    # -- parts -----------------------------------------------------------------

    def _accepting(self, committer: GroupCommit, worker: Worker, room: StoreRoom) -> Acceptor:
        parts = self._parts
        settings = parts.settings
        if settings.brake.action != "off":
            self._logins = LoginBook(committer.submit, Braking(settings.brake, Operator.of(settings), parts.clock))
        return Acceptor(
            AcceptTerms(
                settings.server.hostname,
                self._scan_limits(),
                settings.delivery.expire,
                settings.server.record_client,
                settings.tracking.text_links,
                tuple(f"{url.lower()}/" for url in (settings.links.base_url, settings.tracking.apart_url) if url),
            ),
            parts.chain,
            committer,
            worker,
            parts.facts,
            room,
            self._logins,
        )

    async def _open_api(self, acceptor: Acceptor, room: StoreRoom) -> None:
        parts = self._parts
        limits = parts.settings.limits
        api = ApiDesk(
            snapshots=parts.snapshots,
            secrets=parts.secrets,
            conn=parts.conn,
            chain=parts.chain,
            acceptor=acceptor,
            clock=parts.clock,
            facts=parts.facts,
            has_room=room.fits,
            recipients=limits.recipients,
            message_octets=limits.message_octets,
            far=far(parts.conn),
        )
        self._door = Door(socket_path(parts.settings.server.data_dir, self._share.index), api)
        await self._door.open()

    def _desk(self, acceptor: Acceptor, room: StoreRoom) -> SubmissionDesk:
        parts = self._parts
        auth = parts.settings.auth
        # Divided among processes, yet a typing error or two never makes anyone wait.
        most = max(self._share.of(auth.failures), min(auth.failures, 3))
        return SubmissionDesk(
            snapshots=parts.snapshots,
            secrets=parts.secrets,
            conn=parts.conn,
            chain=parts.chain,
            acceptor=acceptor,
            failures=Failures(most, auth.window),
            lately=KnownAccounts(),
            accounts=Failures(10 * auth.failures, auth.window),
            clock=parts.clock,
            plaintext_on_loopback=auth.plaintext_on_loopback,
            facts=parts.facts,
            has_room=room.fits,
            far=far(parts.conn),
        )

    def _inbound(self, committer: GroupCommit) -> Inbound:
        parts, log = self._parts, logging.getLogger("relay.inbound")
        return Inbound(parts.settings, parts.secrets, parts.conn, committer.submit, parts.clock, log)

    async def _listen(self, *sessions: Callable[[], ClientConnection]) -> None:
        """``sessions`` makes one for a connection of each role, in their order."""
        loop = asyncio.get_running_loop()
        hostname = self._parts.settings.server.hostname

        def adopts(session: Callable[[], ClientConnection]) -> Callable[[socket.socket], None]:
            return adopting(fronts(lambda: _settled(session()), hostname, loop), loop)

        if self._share.balance is not None:
            self._share.balance.adopt(loop, [adopts(session) for session in sessions])
        ports = self._ports
        for session, sockets in zip(sessions, (ports.submission, ports.inbound, ports.submissions), strict=True):
            front = fronts(session, hostname, loop)
            self._servers += [await loop.create_server(front, sock=sock, backlog=BACKLOG) for sock in sockets]

    # -- bounds ----------------------------------------------------------------

    def _scan_limits(self) -> ScanLimits:
        limits = self._parts.settings.limits
        return ScanLimits(limits.header_octets, limits.header_fields, limits.parts, limits.depth, limits.hops + 1)

    def _shared_by(self, role: int, message_octets: int, budget: Budget, sessions: Sessions) -> Shared:
        settings, certificate = self._parts.settings, self._parts.certificate
        limits = settings.limits
        shared = Shared(
            hostname=settings.server.hostname,
            sessions=sessions,
            budget=budget,
            message_octets=message_octets,
            recipients=limits.recipients,
            command_timeout_s=limits.command_timeout,
            data_timeout_s=limits.data_timeout,
            transactions=limits.transactions_per_session,
            tls=certificate.context if certificate else None,
            balance=self._share.balance,
            role=role,
        )
        # Whoever wants what there is too little of looks among these for who has more.
        budget.watch(shared.live)
        sessions.watch(shared.live)
        self._shared.append(shared)
        return shared

    def _budget(self, octets: int, message_octets: int) -> Budget:
        """This process's part of so much memory; a whole message always fits into it."""
        whole = max(self._share.of(octets), min(octets, message_octets))
        share = max(int(whole * self._parts.settings.limits.memory_share), message_octets)
        return Budget(whole, share, asyncio.get_running_loop().time)

    def _sessions(self, most_per_network: int) -> Sessions:
        most, loop = self._parts.settings.limits.sessions, asyncio.get_running_loop()
        return Sessions(self._share.of(most), self._share.of(min(most_per_network, most)), loop.time)


def _settled(session: ClientConnection) -> ClientConnection:
    session.settled = True
    return session
