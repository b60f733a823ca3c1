"""Goes along with one message of the API: fills its places, keeps its answer in the commit, says what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from relay.intake import sandbox
from relay.intake.api.handed import AcceptedMessage, HandedLook, HandedMessage, HandedRecipient, Told, ToldRefusal
from relay.intake.refusals import code_of
from relay.mail.status import UNEXPECTED, Status, refusal
from relay.mail.stored import Template
from relay.mail.writing import TextPlace, with_slots
from relay.mailings import progress
from relay.pipeline.judged import Accepted
from relay.queue.count import Refused
from relay.queue.values import NewSubmission
from relay.store.contract import Tx
from relay.tenants import idempotency
from relay.tenants.idempotency import KeptAnswer
from relay.values.facts import Recipient
from relay.values.ids import encode_id
from relay.values.sandbox import SANDBOX

_JSON: Final = msgspec.json.Encoder()
_CODES: Final = {"5.3.4": "too-large", "5.4.6": "loop", "5.1.1": "address", "5.1.3": "address", "5.7.13": "frozen"}
"""Words for replies that have none of their own."""
_TOO_MANY: Final = "4.5.3"


class KeptBefore(Exception):
    """Another process has worked off a request with this key meanwhile."""


class ApiAttendant:
    def __init__(self, handed: HandedMessage) -> None:
        self._handed = handed
        self.given: dict[str, str] = {}
        """Canonical address → as the application wrote it, of all that were looked at."""
        self._canonical: dict[str, str] = {}
        """The other way round."""
        self._refused: list[tuple[str, Status]] = []
        self._kept: KeptAnswer | None = None
        self._body = b""
        self._fault = ""
        self._looked: HandedLook | None = None

    # -- before the message is read ------------------------------------------------------

    def take(self, one: HandedRecipient, verdict: Accepted | Status, unreal: bool) -> Accepted | None:
        """The recipient with the values of its own copy, if it is taken."""
        if isinstance(verdict, Status):
            canonical = one.email
            self.given.setdefault(canonical, one.email)
            self._refused.append((canonical, verdict))
            return None
        if verdict.recipient.canonical in self.given:
            return None
        self.given[verdict.recipient.canonical] = one.email
        self._canonical[one.email] = verdict.recipient.canonical
        if unreal and verdict.recipient.domain != SANDBOX:
            verdict = sandbox.unreal(verdict)
        if not one.slots:
            return verdict
        return Accepted(verdict.recipient, {**verdict.slots, **one.slots}, verdict.effects, verdict.hold)

    @property
    def first(self) -> Status:
        return self._refused[0][1] if self._refused else UNEXPECTED

    def turned_away(self) -> tuple[tuple[str, Status], ...]:
        return tuple(self._refused)

    def each(self, status: Status) -> Iterator[tuple[str, Status]]:
        """All recipients, each with why it was refused: its own reason, else that of the message."""
        yield from self._refused
        told = {address for address, _ in self._refused}
        for one in self._handed.recipients:
            address = self._canonical.get(one.email, one.email)
            if address not in told:
                told.add(address)
                yield address, status

    # -- in acceptance (``relay.intake.arrival.Attendant``) ---------------------------------

    @property
    def seen(self) -> bytes:
        return self._handed.seen

    @property
    def looks(self) -> bool:
        return self._handed.look

    def looked(self, new: NewSubmission) -> None:
        first = new.recipients[0]
        hold = "" if first.hold is None else first.hold.why
        self._looked = HandedLook(new.template, dict(first.slots), new.from_domain, hold)

    def compiled(self, template: Template) -> Template:
        """Marks become slots."""
        handed = self._handed
        if not handed.places:
            return template
        places = [TextPlace(one.name, one.form, one.utf8) for one in handed.places]
        return replace(
            template,
            fields=tuple(with_slots(one, handed.mark, places) for one in template.fields),
            body=with_slots(template.body, handed.mark, places),
        )

    def all_refused(self, refused: tuple[tuple[Recipient, Status], ...]) -> None:
        self._refused += [(one.canonical, status) for one, status in refused]

    def storing(self, conn: Tx, new: NewSubmission) -> None:
        """In the commit: the answer is kept with what it tells. May run again."""
        handed = self._handed
        accepted = [self.given.get(one.recipient.canonical, one.recipient.address) for one in new.recipients]
        refused = [*self._refused, *((one.canonical, status) for one, status in new.refused)]
        answer = AcceptedMessage(encode_id(new.id), new.message_id, accepted, self._told_each(refused))
        self._body = _JSON.encode(answer)
        if handed.step is not None:
            self._step(conn, new, dict(refused))
        if not handed.key:
            return
        try:
            self._kept = idempotency.find(conn, handed.tenant_id, handed.key, handed.request)
            if self._kept is not None:
                raise KeptBefore
            made = KeptAnswer(202, "", self._body)
            idempotency.keep(
                conn, handed.tenant_id, handed.key, handed.request, made, new.accepted_at, handed.keep_until
            )
        except idempotency.OtherRequest:
            self._fault = "key"
            raise KeptBefore from None
        except idempotency.TooMany:
            self._fault = "full"
            raise KeptBefore from None

    def _step(self, conn: Tx, new: NewSubmission, refused: Mapping[str, Status]) -> None:
        """The mailing has come further in the commit that stores its copies. Raises Refused: it was taken before."""
        handed, step = self._handed, self._handed.step
        assert step is not None
        why = [refused.get(self._canonical.get(one.email, one.email)) for one in handed.recipients]
        taken = progress.take(
            conn,
            step.mailing,
            (step.after, step.up_to),
            step.people if step.again else (),
            accepted=len(new.recipients),
            refused=[word_of(one) for one in why if one is not None and not passing(one)],
            later=[step.people[place] for place, one in enumerate(why) if one is not None and passing(one)],
            submission_id=new.id,
        )
        if not taken:
            raise Refused(refusal("mailing", "it was stopped, or has come further already"))

    # -- what became of it -----------------------------------------------------------------

    def told(self, status: Status) -> Told:
        """The answer once the acceptor has replied."""
        if self._fault:
            return Told(self._handed.number, b"", fault=self._fault)
        if self._kept is not None:
            return Told(self._handed.number, self._kept.body, replayed=True)
        if self._looked is not None:
            return Told(self._handed.number, b"", looked=self._looked)
        if status.klass == 2:
            return Told(self._handed.number, self._body)
        return self.refused(self.first if self._refused and not self._whole(status) else status)

    def _whole(self, status: Status) -> bool:
        """Whether the message itself was refused, not its recipients one by one."""
        return not any(why is status for _, why in self._refused)

    def refused(self, status: Status) -> Told:
        each = list(self.each(status))
        return Told(
            self._handed.number,
            b"",
            refused=tuple(self._told_each(each)),
            later=self._later(dict(each)) if self._handed.step is not None else (),
            code=word_of(status),
            detail=detail_of(status),
            permanent=status.permanent,
            whole=self._whole(status),
        )

    def _later(self, each: Mapping[str, Status]) -> tuple[int, ...]:
        why = [each.get(self._canonical.get(one.email, one.email)) for one in self._handed.recipients]
        return tuple(place for place, one in enumerate(why) if one is not None and passing(one))

    def _told_each(self, refused: Iterable[tuple[str, Status]]) -> list[ToldRefusal]:
        return [
            ToldRefusal(self.given.get(address, address), word_of(status), detail_of(status))
            for address, status in refused
        ]


def passing(status: Status) -> bool:
    """Whether a mailing asks again: what is refused for the moment, and what the next period of the plan allows."""
    return not status.permanent or code_of(status).startswith("quota-")


def word_of(status: Status) -> str:
    """The word that a policy's refusal begins with, else one for the reply's enhanced code."""
    code = code_of(status)
    if code != status.enhanced:
        return code
    if not status.permanent:  # of one request nothing is to come, so what is too many for it is no passing trouble
        return "recipients" if code == _TOO_MANY else "busy"
    return _CODES.get(code, "malformed" if status.subject == 6 else "refused")


def detail_of(status: Status) -> str:
    """The reply's text without that word."""
    word, colon, rest = status.text.partition(": ")
    return rest if colon and word == code_of(status) else status.text
