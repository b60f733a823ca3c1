"""A message that is whole, and who is asked about it on its way through acceptance: values and protocols."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, Protocol

from relay.intake.parameters import MailParameters
from relay.intake.refusals import DATA
from relay.mail.status import Status
from relay.mail.template import Template
from relay.pipeline.contract import Message, Transaction
from relay.pipeline.judged import Accepted
from relay.pipeline.waiting import Patience
from relay.queue.values import Claim, Enqueued, NewSubmission
from relay.store.as_of import NEVER, AsOf
from relay.store.contract import Tx
from relay.values.facts import Recipient


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
