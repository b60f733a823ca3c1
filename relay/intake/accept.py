"""From a whole message to the promise: judge, compile, commit, and only then ``250``.

``Acceptor.accept`` is the one place whose answer may be the final 250 of a
submission. It comes after the commit that holds the message, its recipients,
its counters and its event; any other way out leaves nothing stored.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any, Final

from msgspec.structs import replace

from relay.intake.arrival import Answering, Arrived, DiskPlace, LoginNotes, Outlet, StartJob
from relay.intake.prepare import AcceptTerms, Preparation, ReadMessage, ReadyMessage
from relay.intake.refusals import DATA, RCPT, RefusalBuffer
from relay.mail.dsn import wanted
from relay.mail.dsn_report import Action, RecipientReport
from relay.mail.scan import Malformed
from relay.mail.status import STORE_AWAY, UNEXPECTED, Status, ok, temporary
from relay.pipeline.chain import Chain
from relay.pipeline.contract import Message
from relay.pipeline.judged import Judged
from relay.queue.count import Refused
from relay.queue.enqueue import enqueue
from relay.queue.notices import enqueue_notice
from relay.queue.values import Claim, Enqueued, NewSubmission, without
from relay.store.company import Company
from relay.store.contract import Tx
from relay.store.units import GroupCommit, StoreBusy, StoreFull
from relay.store.words import StoreFault, fault
from relay.tenants.facts import Facts
from relay.values.sandbox import SANDBOX

_log = logging.getLogger("relay.accept")

LARGE_OCTETS = 512 * 1024
"""A message beyond this is scanned and compiled in a thread, so that others don't wait."""


class Acceptor:
    def __init__(
        self,
        terms: AcceptTerms,
        chain: Chain,
        committer: GroupCommit,
        outlet: Outlet,
        facts: Facts,
        room: DiskPlace,
        logins: LoginNotes | None = None,
    ) -> None:
        self._hostname = terms.hostname
        self._preparation = Preparation(terms)
        self._chain = chain
        self._company = Company(committer)
        self._outlet = outlet
        self._facts = facts
        self._room = room
        self._logins = logins
        self.refusals = RefusalBuffer(committer.submit)
        """Of this process's sessions."""

    def accept(self, arrived: Arrived, reply: Answering, start: StartJob) -> None:
        """Decide about a whole message; ``reply`` is called once, later or at once, with what the client is told.

        The policies are asked on the loop's thread, however large the message is.
        """
        if len(arrived.raw) > LARGE_OCTETS:
            start(self._slowly(arrived, reply))
            return
        read = None
        try:
            read = self._preparation.read(arrived)
            judged = self._chain.message(arrived.txn, read.message, arrived.accepted, arrived.patience)
            if not isinstance(judged, Judged | Status):
                start(self._later(arrived, reply, read, judged))
                return
            ready = self._preparation.compiled(arrived, read, judged)
        except Exception as error:
            ready = _not_stored(error)
        self._go_on(arrived, ready, reply, read)

    async def _later(
        self, arrived: Arrived, reply: Answering, read: ReadMessage, judging: Coroutine[Any, Any, Judged | Status]
    ) -> None:
        try:
            ready = self._preparation.compiled(arrived, read, await judging)
        except Exception as error:
            ready = _not_stored(error)
        self._go_on(arrived, ready, reply, read)

    async def _slowly(self, arrived: Arrived, reply: Answering) -> None:
        """A large message: its octets are worked on in a thread."""
        loop = asyncio.get_running_loop()
        read = None
        try:
            read = await loop.run_in_executor(None, self._preparation.read, arrived)
            if self._chain.reads_content:
                await loop.run_in_executor(None, read.message.content.read)
            judged = self._chain.message(arrived.txn, read.message, arrived.accepted, arrived.patience)
            if not isinstance(judged, Judged | Status):
                judged = await judged
            ready = await loop.run_in_executor(None, self._preparation.compiled, arrived, read, judged)
        except Exception as error:
            ready = _not_stored(error)
        self._go_on(arrived, ready, reply, read)

    def _go_on(
        self, arrived: Arrived, ready: ReadyMessage | Status, reply: Answering, read: ReadMessage | None
    ) -> None:
        """``read``: None where the message could not be read."""
        if not isinstance(ready, Status):
            try:
                if arrived.attendant is not None and arrived.attendant.looks:
                    arrived.attendant.looked(ready.new)
                    reply(_LOOKED)
                    return
                self._commit(arrived, ready, reply, read)
                return
            except Exception as error:
                ready = _not_stored(error)
        reply(self._refused(arrived, ready, None if read is None else read.message))

    def _commit(self, arrived: Arrived, ready: ReadyMessage, reply: Answering, read: ReadMessage | None) -> None:
        new = ready.new
        octets = len(new.template)
        if not self._room.take(octets):
            reply(self._refused(arrived, NO_ROOM, new))
            return
        claim = self._outlet.claim(new)

        def committed(stored: Enqueued, error: BaseException | None) -> None:
            self._room.give(octets)
            if error is None:
                self._promise(arrived, ready, stored, claim, reply)
                if self._logins is not None and read is not None and arrived.login:
                    self._tell(self._logins, arrived, read.message, new)
                return
            if claim is not None:
                self._outlet.release(new)
            reply(self._refused(arrived, _not_stored(error), new))

        enqueue_unit = self._company.at_once if arrived.attendant is None else self._company.along
        try:
            enqueue_unit(lambda conn: self._store(conn, arrived, new, claim), committed)
        except StoreBusy as error:
            committed(_NOTHING, error)

    def _promise(
        self, arrived: Arrived, ready: ReadyMessage, stored: Enqueued, claim: Claim | None, reply: Answering
    ) -> None:
        """Only here a message is taken: its commit is on the disk."""
        new = ready.new
        if stored.refused:  # others were quicker, and the plan was used up
            left_out = [one for one in new.recipients if any(one.recipient is rcpt for rcpt, _ in stored.refused)]
            if claim is not None:
                self._outlet.release(replace(new, recipients=tuple(left_out)))
            new = without(new, stored.refused)
        if _log.isEnabledFor(logging.INFO):
            _log.info(
                "id=%s tenant=%s stream=%s message-id=%s recipients=%d refused=%d size=%d accepted",
                ready.shown_id,
                arrived.txn.tenant.name,
                arrived.txn.stream.name,
                new.message_id,
                len(new.recipients),
                len(new.refused),
                new.size_octets,
            )
        if new.refused or arrived.turned_away:
            self._note(arrived, [(rcpt.canonical, status) for rcpt, status in new.refused], new)
        self._facts.counted(new.tenant_id, stored.counted)
        reply(ok(50, 0, 0, f"{ready.shown_id} queued"))
        self._outlet.take(new, stored, ready.template, claim)

    def _tell(self, logins: LoginNotes, arrived: Arrived, message: Message, new: NewSubmission) -> None:
        """Who sent how much to whom; a fault there is nothing to the message."""
        real = [one.recipient.standing for one in new.recipients if one.recipient.domain != SANDBOX]
        try:
            if real and not arrived.braked:
                strangers = sum(one.subscriber_id is None for one in real)
                logins.note(arrived.txn, arrived.login, message, len(real), strangers)
        except Exception:
            _log.exception("what a log-in does could not be noted")

    def _store(self, conn: Tx, arrived: Arrived, new: NewSubmission, claim: Claim | None) -> Enqueued:
        """The write behind the promise; recipients refused at DATA are told to the sender in the same commit."""
        stored = enqueue(conn, new, claim)
        reports = tuple(
            RecipientReport(r.address, Action.FAILED, status.enhanced, r.orcpt, diagnostic=status.reply)
            for r, status in (*new.refused, *stored.refused)
            if wanted(r.notify, arrived.txn.stream.kind, "failed")
        )
        if reports:
            enqueue_notice(
                conn,
                hostname=self._hostname,
                tenant_id=new.tenant_id,
                reverse_path=new.reverse_path,
                reports=reports,
                original=arrived.raw,
                ret=new.ret,
                envelope_id=new.envid,
                arrival=new.accepted_at,
                now=new.accepted_at,
            )
        if arrived.attendant is not None:
            arrived.attendant.storing(conn, without(new, stored.refused) if stored.refused else new)
        return stored

    def _note(
        self, arrived: Arrived, refused: Iterable[tuple[str, Status]], message: Message | NewSubmission | None
    ) -> None:
        """Put on record who was refused: now, and before the message was read."""
        if arrived.attendant is not None and arrived.attendant.looks:
            return
        for address, status in arrived.turned_away:
            moment = RCPT if arrived.moment == DATA else arrived.moment
            self.refusals.note(arrived.txn, address, status, moment, message)
        for address, status in refused:
            self.refusals.note(arrived.txn, address, status, arrived.moment, message)

    def _refused(self, arrived: Arrived, status: Status, message: Message | NewSubmission | None) -> Status:
        _log.info(
            "tenant=%s stream=%s recipients=%d refused at DATA: %s",
            arrived.txn.tenant.name,
            arrived.txn.stream.name,
            len(arrived.accepted),
            status.reply,
        )
        self._note(arrived, [(accepted.recipient.canonical, status) for accepted in arrived.accepted], message)
        return status


NO_ROOM: Final = temporary(52, 3, 1, "the disk is nearly full, try again later")
_LOOKED: Final = ok(50, 0, 0, "it would be taken; nothing was stored")
_NOTHING = Enqueued(None, (), (), False, "")


def _not_stored(error: BaseException) -> Status:
    """Why nothing was kept."""
    match error:
        case Malformed():
            return error.status
        case Refused():
            return error.status
        case StoreFull():
            return temporary(52, 3, 1, "the disk is full, try again later")
        case StoreBusy():
            return STORE_AWAY
    if fault(error) is StoreFault.AWAY:
        return STORE_AWAY
    _log.error("a message could not be taken", exc_info=error)
    return UNEXPECTED
