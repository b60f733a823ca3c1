"""From a message's octets to what is stored of it, in two steps of pure work on values.

``read`` comes before the policies are asked, ``compiled`` after they have judged.
"""

from __future__ import annotations

import itertools
import secrets as random
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from relay.intake import foreign, reading, relay_fields, sandbox
from relay.intake.arrival import Arrived
from relay.intake.received import date_of, received
from relay.intake.relay_fields import RelayFields
from relay.mail.mend import check_replies, mended
from relay.mail.own_tracking import TrackWish
from relay.mail.scan import ScanLimits, Scanned, scan
from relay.mail.slots import SHAREABLE
from relay.mail.status import Status
from relay.mail.template import Template, compile_template
from relay.pipeline.contract import Message
from relay.pipeline.judged import Judged
from relay.queue.values import NewRecipient, NewSubmission
from relay.values.facts import Stream
from relay.values.ids import encode_id, new_submission_id
from relay.values.sandbox import SANDBOX


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


class ReadMessage(NamedTuple):
    """A message as policies are asked about it."""

    submission_id: int
    shown_id: str
    scanned: Scanned
    wishes: RelayFields
    message: Message
    shown: Scanned
    """What policies read: the same, but where copies differ."""


class ReadyMessage(NamedTuple):
    """What is to be stored, and the template its copies are made of."""

    new: NewSubmission
    template: Template
    shown_id: str


class Preparation:
    """Of one process: its ids are never another's."""

    def __init__(self, terms: AcceptTerms) -> None:
        self._terms = terms
        # Begins in the process that uses it: mail processes are forked with all modules.
        self._sequence = itertools.count(random.randbits(32))

    def next_bits(self, bits: int) -> int:
        """Low bits of the ids of one process: a sequence, so that two in a millisecond never meet."""
        return next(self._sequence) & ((1 << bits) - 1)

    def read(self, arrived: Arrived) -> ReadMessage:
        """Pure work on values: no look-up, no write. Raises Malformed."""
        now = arrived.txn.now
        submission_id = new_submission_id(now, self.next_bits)
        shown_id = encode_id(submission_id)
        limits = self._terms.limits
        scanned = mended(scan(arrived.raw, limits), limits, smtputf8=arrived.parameters.smtputf8)
        wishes = relay_fields.read(scanned, now)
        shown = scanned
        if arrived.attendant is not None and arrived.attendant.seen:
            shown = mended(scan(arrived.attendant.seen, limits), limits, smtputf8=arrived.parameters.smtputf8)
        message = reading.facts(shown, arrived.txn, wishes, len(arrived.raw))
        return ReadMessage(submission_id, shown_id, scanned, wishes, message, shown)

    def compiled(self, arrived: Arrived, read: ReadMessage, judged: Judged | Status) -> ReadyMessage | Status:
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
        return ReadyMessage(new, template, shown_id)

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
        read: ReadMessage,
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
