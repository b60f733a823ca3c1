"""The API's door in a mail process: what the HTTP process hands over goes the way of SMTP's transactions.

The same facts, the same chain, the same acceptor; only the replies have
another form. The socket lies in the relay's own directory, so whoever can open
it is the relay.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from relay.intake import asking, sandbox
from relay.intake.accept import NO_ROOM, Acceptor
from relay.intake.ahead import MOST as MOST_AHEAD
from relay.intake.ahead import StandingsAhead
from relay.intake.api.attendant import ApiAttendant
from relay.intake.api.handed import HANDED, HEAD, MOST_OCTETS, HandedMessage, HandedRecipient, Told, framed
from relay.intake.arrival import Arrived
from relay.intake.parameters import MailParameters
from relay.intake.refusals import API
from relay.mail.address import AddressError, parse_address
from relay.mail.status import STORE_AWAY, UNEXPECTED, Status, permanent, temporary
from relay.pipeline.contract import Transaction
from relay.pipeline.judged import Accepted
from relay.store.contract import Tx
from relay.store.words import StoreFault, fault
from relay.tenants import idempotency
from relay.values.facts import Recipient
from relay.values.sandbox import SANDBOX

if TYPE_CHECKING:
    from relay.keys.secrets import Secrets
    from relay.pipeline.chain import Chain
    from relay.pipeline.waiting import Patience
    from relay.store.as_of import AsOf
    from relay.tenants.facts import Facts
    from relay.tenants.snapshot import Snapshot, SnapshotSource
    from relay.values.facts import Stream

_log = logging.getLogger("relay.api")

MOST_AT_A_TIME: Final = 256
"""Messages in work; what comes then waits in the socket."""
TURN: Final = 16
"""Recipients after which others of the loop come first."""
PROTOCOL: Final = "HTTP"
"""In Received."""


@dataclass(frozen=True, slots=True)
class ApiDesk:
    """What the door works with, put together once in ``relay.mail_process``."""

    snapshots: SnapshotSource
    secrets: Secrets
    conn: Tx
    """For look-ups only."""
    chain: Chain
    acceptor: Acceptor
    clock: Callable[[], float]
    facts: Facts
    has_room: Callable[[int], bool]
    recipients: int
    message_octets: int
    far: bool
    """Each look-up is a round trip: those of several recipients are made together."""


def bound(path: Path) -> socket.socket:
    """A socket that waits at ``path``, however long that is; what lay there of an earlier process is gone."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    before = os.umask(0o177)
    try:
        sock.bind(f"/proc/self/fd/{directory}/{path.name}")  # the name of a socket has room for 107 octets
    finally:
        os.umask(before)
        os.close(directory)
    sock.listen(16)
    sock.setblocking(False)
    return sock


class Door:
    """Waits at a socket until it is closed."""

    def __init__(self, path: Path, desk: ApiDesk) -> None:
        self._path = path
        self._desk = desk
        self._server: asyncio.Server | None = None
        self._places = asyncio.Semaphore(MOST_AT_A_TIME)
        self._jobs: set[asyncio.Task[None]] = set()
        self._lines: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._line, sock=bound(self._path), limit=1024 * 1024)

    async def close(self, grace_s: float) -> None:
        """Take no more; what is in work has so long for its answer."""
        if self._server is None:
            return
        self._server.close()
        readers = [job for job in self._jobs if job.get_name() == "line"]
        for reader in readers:
            reader.cancel()
        working = self._jobs - set(readers)
        if working:
            await asyncio.wait(working, timeout=grace_s)
        for writer in list(self._lines):
            writer.close()
        self._server = None

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.set_name("line")
        self._jobs.add(task)
        self._lines.add(writer)
        try:
            while True:
                await self._places.acquire()
                try:
                    handed = HANDED.decode(await _frame(reader))
                except BaseException:
                    self._places.release()
                    raise
                job = asyncio.get_running_loop().create_task(self._answer(handed, writer))
                self._jobs.add(job)
                job.add_done_callback(self._done)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except (msgspec.MsgspecError, ValueError):
            _log.exception("what the HTTP process handed over can't be read")
        finally:
            self._jobs.discard(task)
            self._lines.discard(writer)
            writer.close()

    def _done(self, job: asyncio.Task[None]) -> None:
        self._jobs.discard(job)
        self._places.release()

    async def _answer(self, handed: HandedMessage, writer: asyncio.StreamWriter) -> None:
        try:
            told = await self._take(handed)
        except Exception as error:
            away = fault(error) is StoreFault.AWAY
            if not away:
                _log.exception("a message of the API could not be worked on")
            told = ApiAttendant(handed).refused(STORE_AWAY if away else UNEXPECTED)
        if not writer.is_closing():
            writer.write(framed(told))

    # -- one message -----------------------------------------------------------------

    async def _take(self, handed: HandedMessage) -> Told:
        desk = self._desk
        if handed.key:
            try:
                kept = idempotency.find(desk.conn, handed.tenant_id, handed.key, handed.request)
            except idempotency.OtherRequest:
                return Told(handed.number, b"", fault="key")
            if kept is not None:
                return Told(handed.number, kept.body, replayed=True)
        attendant = ApiAttendant(handed)
        snapshot = desk.snapshots.current()
        stream = _stream(snapshot, handed)
        if handed.tenant_id not in snapshot.tenants or stream is None:
            return attendant.refused(permanent(50, 7, 1, "stream: there is no such stream"))
        return await self._asked(handed, attendant, snapshot, stream)

    async def _asked(self, handed: HandedMessage, attendant: ApiAttendant, snapshot: Snapshot, stream: Stream) -> Told:
        desk = self._desk
        now = desk.clock()
        tenant = desk.facts.tenant(snapshot, handed.tenant_id, now)
        recipients: list[Recipient] = []
        usage = desk.facts.usage(snapshot, tenant.id, now)
        txn = Transaction(tenant, stream, handed.reverse_path, handed.client, now, usage, recipients)
        patience = desk.chain.patience() if desk.chain.waits else None
        as_of = desk.snapshots.as_of
        refused = self._at_once(handed, txn)
        if refused is None:
            found = desk.chain.reverse_path(txn, patience)
            refused = found if found is None or isinstance(found, Status) else await found
        if refused is not None:
            return self._noted(txn, attendant, refused)
        period = asking.period_near_limit(tenant, usage, len(handed.recipients))
        accepted: list[Accepted] = []
        ahead = StandingsAhead() if desk.far else None
        for number, one in enumerate(handed.recipients):
            if number % TURN == TURN - 1:
                await asyncio.sleep(0)
            following = partial(_canonical, handed.recipients, number + 1) if ahead is not None else tuple
            verdict = self._known(txn, one, period, handed.sandbox, ahead, following)
            if isinstance(verdict, Recipient):
                if verdict.canonical in attendant.given:
                    continue
                asked = desk.chain.recipient(txn, verdict, patience)
                verdict = asked if isinstance(asked, Accepted | Status) else await asked
            judged = attendant.take(one, verdict, handed.sandbox)
            if judged is not None:
                accepted.append(judged)
                recipients.append(judged.recipient)
        if not accepted:
            return self._noted(txn, attendant, attendant.first)
        return await self._accepted(
            handed, attendant, sandbox.asking_of(txn, accepted), tuple(accepted), as_of, patience
        )

    def _at_once(self, handed: HandedMessage, txn: Transaction) -> Status | None:
        if asking.stream_frozen(txn.tenant, txn.stream):
            return asking.frozen(txn.tenant)
        if len(handed.raw) > self._desk.message_octets:
            return permanent(52, 3, 4, f"the message is larger than {self._desk.message_octets} octets")
        if len(handed.recipients) > self._desk.recipients:
            return temporary(52, 5, 3, f"at most {self._desk.recipients} recipients a message")
        return None if self._desk.has_room(len(handed.raw)) else NO_ROOM

    def _known(
        self,
        txn: Transaction,
        one: HandedRecipient,
        period: str,
        unreal: bool,
        ahead: StandingsAhead | None,
        following: Callable[[], Sequence[str]],
    ) -> Recipient | Accepted | Status:
        """The person, as far as anything is known; who is of the sandbox is judged here."""
        try:
            address = parse_address(one.email)
        except AddressError as error:
            return permanent(1, 1, 3, str(error))
        canonical = address.canonical
        if address.domain == SANDBOX:
            return sandbox.recipient(str(address), canonical, txn.tenant)
        desk, tenant = self._desk, txn.tenant.id
        if ahead is None:
            standing = asking.standing_of(desk.conn, desk.secrets, tenant, canonical, period)
        else:
            standing = ahead.standing(desk.conn, desk.secrets, tenant, canonical, period, following)
        return Recipient(str(address), canonical, address.domain, standing, "NEVER")

    async def _accepted(
        self,
        handed: HandedMessage,
        attendant: ApiAttendant,
        txn: Transaction,
        accepted: tuple[Accepted, ...],
        as_of: AsOf,
        patience: Patience | None,
    ) -> Told:
        loop = asyncio.get_running_loop()
        replied: asyncio.Future[Status] = loop.create_future()
        arrived = Arrived(
            txn,
            accepted,
            handed.raw,
            MailParameters(len(handed.raw), handed.smtputf8, "HDRS"),
            PROTOCOL,
            as_of,
            patience,
            attendant.turned_away(),
            API,
            handed.login,
            self._braked(handed),
            attendant,
        )
        self._desk.acceptor.accept(arrived, replied.set_result, loop.create_task)
        return attendant.told(await replied)

    def _braked(self, handed: HandedMessage) -> bool:
        """Whether its token seems to be used by another."""
        brakes = self._desk.snapshots.current().brakes
        brake = brakes.get(handed.login) if brakes else None
        return brake is not None and brake.holds(handed.client, self._desk.clock())

    def _noted(self, txn: Transaction, attendant: ApiAttendant, status: Status) -> Told:
        """Refused before the message was read; on record for each recipient, unless it is only looked at."""
        if attendant.looks:
            return attendant.refused(status)
        for address, why in attendant.each(status):
            self._desk.acceptor.refusals.note(txn, address, why, API)
        return attendant.refused(status)


def _stream(snapshot: Snapshot, handed: HandedMessage) -> Stream | None:
    own = [stream for stream in snapshot.streams.values() if stream.tenant_id == handed.tenant_id]
    if handed.stream:
        return next((stream for stream in own if stream.name == handed.stream), None)
    return min(own, key=lambda stream: stream.id, default=None)


async def _frame(reader: asyncio.StreamReader) -> bytes:
    octets = HEAD.unpack(await reader.readexactly(HEAD.size))[0]
    if octets > MOST_OCTETS:
        raise ValueError(f"a frame of {octets} octets")
    return await reader.readexactly(octets)


def _canonical(recipients: Sequence[HandedRecipient], begin: int) -> list[str]:
    """Of those who are asked about next; wrong addresses are left out."""
    found = []
    for one in recipients[begin : begin + MOST_AHEAD - 1]:
        with contextlib.suppress(AddressError):
            found.append(parse_address(one.email).canonical)
    return found
