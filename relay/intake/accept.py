"""From a whole message to the promise: judge, compile, commit, and only then ``250``.

``Acceptor.accept`` is the one place whose answer may be the final 250 of a
submission. It comes after the commit that holds the message, its recipients,
its counters and its event; any other way out leaves nothing stored.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets as random
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from msgspec.structs import replace

from relay.intake import foreign, reading, relay_fields, sandbox
from relay.intake.parameters import MailParameters
from relay.intake.received import date_of, received
from relay.intake.refusals import DATA, RCPT, RefusalBuffer
from relay.intake.relay_fields import RelayFields
from relay.mail.dsn import wanted
from relay.mail.dsn_report import Action, RecipientReport
from relay.mail.mend import check_replies, mended
from relay.mail.own_tracking import TrackWish
from relay.mail.scan import Malformed, ScanLimits, Scanned, scan
from relay.mail.slots import SHAREABLE
from relay.mail.status import STORE_AWAY, UNEXPECTED, Status, ok, temporary
from relay.mail.template import Template, compile_template
from relay.pipeline.chain import Chain
from relay.pipeline.contract import Message, Transaction
from relay.pipeline.judged import Accepted, Judged
from relay.pipeline.waiting import Patience
from relay.queue.count import Refused
from relay.queue.enqueue import enqueue
from relay.queue.notices import enqueue_notice
from relay.queue.values import Claim, Enqueued, NewRecipient, NewSubmission, without
from relay.store.as_of import NEVER, AsOf
from relay.store.company import Company
from relay.store.contract import Tx
from relay.store.units import GroupCommit, StoreBusy, StoreFull
from relay.store.words import StoreFault, fault
from relay.tenants.facts import Facts
from relay.values.facts import Recipient, Stream
from relay.values.ids import encode_id, new_submission_id
from relay.values.sandbox import SANDBOX

_log = logging.getLogger("relay.accept")

LARGE_OCTETS = 512 * 1024
"""A message beyond this is scanned and compiled in a thread, so that others don't wait."""


class Arrived(NamedTuple):
    """A transaction that is complete: all that is known when the last dot came."""

    txn: Transaction
    accepted: tuple[Accepted, ...]
    raw: bytes
    """Without bare CR or LF, nor NUL: the session has looked."""
    parameters: MailParameters
    protocol: str
    """For the Received field (RFC 3848), e.g. ``ESMTPSA``."""
    as_of: AsOf = NEVER
    """When the recipients' standings were read."""
    patience: Patience | None = None
    """The time that hooks may still wait; None: no hook does."""
    turned_away: tuple[tuple[str, Status], ...] = ()
    """Recipients that were refused before the message was read: canonical address and why."""
    moment: str = DATA
    """Where it came in, for the record of refusals: ``DATA``, or ``API`` where one request says all."""
    login: str = ""
    """What it was sent with: ``password:ID``, ``token:ID``."""
    braked: bool = False
    """That seems to be used by another: the message is taken and held."""
    attendant: Attendant | None = None
    """Of a message that another door than SMTP's let in."""


class Attendant(Protocol):
    """Who goes along with a message on its way through acceptance, for a door that answers with more than a reply."""

    @property
    def seen(self) -> bytes:
        """What policies read in place of the message, whose copies differ; empty: the message."""

    @property
    def looks(self) -> bool:
        """The message is only looked at: nothing of it is stored or put on record."""

    def looked(self, new: NewSubmission) -> None:
        """What would have been stored."""

    def compiled(self, template: Template) -> Template:
        """The template with the slots of the door's own."""

    def all_refused(self, refused: tuple[tuple[Recipient, Status], ...]) -> None:
        """The policies let none of them pass, each for a reason."""

    def storing(self, conn: Tx, new: NewSubmission) -> None:
        """In the commit's unit of work, after all else; what it raises refuses the message."""


Answering = Callable[[Status], None]
StartJob = Callable[[Coroutine[Any, Any, None]], object]
"""Runs what can't be answered at once; the session cancels it when its client is gone."""


class Outlet(Protocol):
    """Where accepted copies go on to: the delivery side, as far as the acceptor sees it."""

    def claim(self, new: NewSubmission) -> Claim | None:
        """A lease for its copies if they fit into memory; None: leave them to the queue."""

    def release(self, new: NewSubmission) -> None:
        """Give back what was claimed for a submission that was not stored."""

    def take(self, new: NewSubmission, stored: Enqueued, template: Template, claim: Claim | None) -> None:
        """Called after the commit with what was stored."""


class LoginNotes(Protocol):
    """Who hears what each log-in does (``relay.brake``)."""

    def note(self, txn: Transaction, login: str, message: Message, copies: int, strangers: int) -> None:
        """A message was taken; ``strangers``: of its recipients, of whom the tenant had nothing yet."""


class DiskPlace(Protocol):
    """Room on the disk (``relay.store.sqlite.room``)."""

    def take(self, octets: int) -> bool:
        """Count what is about to be written; False if there is no room for it."""

    def give(self, octets: int) -> None:
        """It was written, or could not be."""


@dataclass(frozen=True, slots=True)
class AcceptTerms:
    """Settings of acceptance."""

    hostname: str
    limits: ScanLimits
    expire_s: float
    record_client: bool = False
    """Its address goes into Received."""
    track_text: bool = False
    """Links in plain text are tracked too."""
    own_pages: tuple[str, ...] = ()
    """Beginnings of addresses of the relay's own pages, which are never tracked."""


class _Read(NamedTuple):
    """A message as policies are asked about it."""

    submission_id: int
    shown_id: str
    scanned: Scanned
    wishes: RelayFields
    message: Message
    shown: Scanned
    """What policies read: the same, but where copies differ."""


class _Ready(NamedTuple):
    new: NewSubmission
    template: Template
    shown_id: str


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
        self._terms = terms
        self._chain = chain
        self._company = Company(committer)
        self._outlet = outlet
        # Begins in the process that uses it: mail processes are forked with all modules.
        self._sequence = itertools.count(random.randbits(32))
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
            read = self._read(arrived)
            judged = self._chain.message(arrived.txn, read.message, arrived.accepted, arrived.patience)
            if not isinstance(judged, Judged | Status):
                start(self._later(arrived, reply, read, judged))
                return
            ready = self._compiled(arrived, read, judged)
        except Exception as error:
            ready = _not_stored(error)
        self._go_on(arrived, ready, reply, read)

    async def _later(
        self, arrived: Arrived, reply: Answering, read: _Read, judging: Coroutine[Any, Any, Judged | Status]
    ) -> None:
        try:
            ready = self._compiled(arrived, read, await judging)
        except Exception as error:
            ready = _not_stored(error)
        self._go_on(arrived, ready, reply, read)

    async def _slowly(self, arrived: Arrived, reply: Answering) -> None:
        """A large message: its octets are worked on in a thread."""
        loop = asyncio.get_running_loop()
        read = None
        try:
            read = await loop.run_in_executor(None, self._read, arrived)
            if self._chain.reads_content:
                await loop.run_in_executor(None, read.message.content.read)
            judged = self._chain.message(arrived.txn, read.message, arrived.accepted, arrived.patience)
            if not isinstance(judged, Judged | Status):
                judged = await judged
            ready = await loop.run_in_executor(None, self._compiled, arrived, read, judged)
        except Exception as error:
            ready = _not_stored(error)
        self._go_on(arrived, ready, reply, read)

    def _go_on(self, arrived: Arrived, ready: _Ready | Status, reply: Answering, read: _Read | None) -> None:
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

    def _next_bits(self, bits: int) -> int:
        """Low bits of the ids of one process: a sequence, so that two in a millisecond never meet."""
        return next(self._sequence) & ((1 << bits) - 1)

    def _commit(self, arrived: Arrived, ready: _Ready, reply: Answering, read: _Read | None) -> None:
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
        self, arrived: Arrived, ready: _Ready, stored: Enqueued, claim: Claim | None, reply: Answering
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
                hostname=self._terms.hostname,
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

    # -- judging and compiling ---------------------------------------------------

    def _read(self, arrived: Arrived) -> _Read:
        """Pure work on values: no look-up, no write. Raises Malformed."""
        now = arrived.txn.now
        submission_id = new_submission_id(now, self._next_bits)
        shown_id = encode_id(submission_id)
        limits = self._terms.limits
        scanned = mended(scan(arrived.raw, limits), limits, smtputf8=arrived.parameters.smtputf8)
        wishes = relay_fields.read(scanned, now)
        shown = scanned
        if arrived.attendant is not None and arrived.attendant.seen:
            shown = mended(scan(arrived.attendant.seen, limits), limits, smtputf8=arrived.parameters.smtputf8)
        message = reading.facts(shown, arrived.txn, wishes, len(arrived.raw))
        return _Read(submission_id, shown_id, scanned, wishes, message, shown)

    def _compiled(self, arrived: Arrived, read: _Read, judged: Judged | Status) -> _Ready | Status:
        """Pure work too. Raises Malformed."""
        if isinstance(judged, Status):
            return judged
        if not judged.accepted:
            if arrived.attendant is not None:
                arrived.attendant.all_refused(judged.refused)
            return judged.refused[0][1]
        now, shown_id, scanned, message = arrived.txn.now, read.shown_id, read.scanned, read.message
        check_replies(scanned)
        given_id = reading.message_id(scanned)
        message_id = given_id or f"<{shown_id}@{self._terms.hostname}>"
        dropped = foreign.fields(scanned, arrived.txn.tenant)  # Bcc, Return-Path and Relay-* never leave anyway
        template = compile_template(
            scanned,
            judged.additions,
            dropped | reading.unusable(scanned, given_id),
            [a.slots for a in judged.accepted],
            if_missing=(("Date", date_of(int(now))), ("Message-ID", message_id)),
            trace=self._trace(arrived, shown_id),
            track=self._track(arrived.txn.stream, read.wishes),
        )
        if arrived.attendant is not None:
            template = arrived.attendant.compiled(template)
        new = self._new(arrived, read, message_id, judged, template)
        found = reading.words_of(read.shown, message, judged.accepted)
        if found is not None:
            new = replace(new, words=found)
        if foreign.suspicious(scanned) or template.dropped:
            new = replace(new, taken_out=foreign.taken_out(scanned, dropped) + template.dropped)
        return _Ready(new, template, shown_id)

    def _track(self, stream: Stream, wishes: RelayFields) -> TrackWish | None:
        """What of the copies is to be known: the message's word before the stream's, and never of essential mail."""
        wanted = wishes.track or stream.track
        if wanted == "none" or stream.essential:
            return None
        opens, clicks = wanted in ("opens", "all"), wanted in ("clicks", "all")
        return TrackWish(opens, clicks, stream.decoy, self._terms.track_text, self._terms.own_pages)

    def _trace(self, arrived: Arrived, shown_id: str) -> bytes:
        terms, txn = self._terms, arrived.txn
        return received(terms.hostname, txn.client if terms.record_client else "", arrived.protocol, shown_id, txn.now)

    def _new(
        self,
        arrived: Arrived,
        read: _Read,
        message_id: str,
        judged: Judged,
        template: Template,
    ) -> NewSubmission:
        txn, wishes, message = arrived.txn, read.wishes, read.message
        due_at = max(txn.now, wishes.send_at or txn.now)
        author = message.from_addresses[0]
        return NewSubmission(
            id=read.submission_id,
            tenant_id=txn.tenant.id,
            stream_id=txn.stream.id,
            campaign="" if sandbox.alone(judged.accepted) else message.campaign,
            campaign_explicit=bool(wishes.campaign),
            topic=message.topic,
            reverse_path=txn.reverse_path,
            message_id=message_id,
            from_address=author,
            from_domain=author.rpartition("@")[2],
            subject=message.subject[:200],
            size_octets=len(arrived.raw),
            accepted_at=txn.now,
            due_at=due_at,
            expires_at=due_at + self._terms.expire_s if wishes.expire is None else wishes.expire,
            last_at=wishes.expire,
            template=template.encode(),
            recipients=tuple(
                NewRecipient(a.recipient, a.slots, a.effects, a.hold)
                if a.recipient.domain != SANDBOX
                else NewRecipient(a.recipient, a.slots, (), None)
                for a in judged.accepted
            ),
            refused=judged.refused,
            ret=arrived.parameters.ret,
            envid=arrived.parameters.envid,
            tag=wishes.tag,
            meta=wishes.meta,
            client=txn.client,
            login=arrived.login,
            braked=arrived.braked,
            shared=len(judged.accepted) > 1 and _same_for_all(judged, template),
            as_of=arrived.as_of,
        )


def _same_for_all(judged: Judged, template: Template) -> bool:
    """Whether one copy may go to several recipients: nothing in it speaks to one of them."""
    return not any(a.slots for a in judged.accepted) and template.slots <= SHAREABLE


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
