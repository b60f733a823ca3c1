"""What enters the queue, what is leased from it, and how leases end: plain values.

They are made for every message, so they are msgspec structs: a frozen
dataclass costs ten times as much to make.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from relay.mail.likeness import Words
from relay.mail.status import Status
from relay.pipeline.contract import Effect, Hold
from relay.store.as_of import NEVER, AsOf
from relay.values.facts import Recipient, Standing
from relay.values.states import State


class NewRecipient(msgspec.Struct, frozen=True, gc=False):
    recipient: Recipient
    slots: Mapping[str, str]
    effects: tuple[Effect, ...]
    hold: Hold | None


class NewSubmission(msgspec.Struct, frozen=True, gc=False):
    """All that is stored of one accepted message."""

    id: int
    tenant_id: int
    stream_id: int
    campaign: str
    """Empty: belongs to no campaign."""
    campaign_explicit: bool
    topic: str
    reverse_path: str
    message_id: str
    from_address: str
    from_domain: str
    subject: str
    size_octets: int
    accepted_at: float
    due_at: float
    expires_at: float
    template: bytes
    recipients: tuple[NewRecipient, ...]
    refused: tuple[tuple[Recipient, Status], ...] = ()
    ret: str = ""
    envid: str = ""
    tag: str = ""
    meta: Mapping[str, str] = msgspec.field(default_factory=dict)
    client: str = ""
    shared: bool = False
    """Nothing in the copies differs by recipient."""
    as_of: AsOf = NEVER
    """When the recipients' standings were read."""
    taken_out: tuple[str, ...] = ()
    """Header fields that don't leave, as they say what only others can; for the event."""
    last_at: float | None = None
    """What hasn't left then is dropped and given back; None: it is tried until ``expires_at``."""
    login: str = ""
    """Who sent it: ``password:ID``, ``token:ID``; empty: the relay itself."""
    braked: bool = False
    """Its log-in seems to be used by another."""
    words: Words | None = None
    """What its content is like, where a stage asks which campaign it belongs to."""


class Claim(msgspec.Struct, frozen=True, gc=False):
    """Lease the acceptor's own copies in the same write, so that they go out from memory."""

    owner: str
    until: float


class Enqueued(msgspec.Struct, frozen=True, gc=False):
    """What the commit made of the recipients, by number."""

    campaign_id: int | None
    states: tuple[State, ...]
    subscriber_ids: tuple[int, ...]
    claimed: bool
    give_back: str
    counted: Mapping[str, int] = msgspec.field(default_factory=dict)
    """By how much this commit moved which of the tenant's counters."""
    shared: bool = False
    """As in ``NewSubmission``, and none of the recipients is kept apart."""
    refused: tuple[tuple[Recipient, Status], ...] = ()
    """Who was over a limit at this moment, and isn't among the others."""


def without(new: NewSubmission, refused: Sequence[tuple[Recipient, Status]]) -> NewSubmission:
    """The rest of a submission, with these among those who were refused."""
    gone = {id(recipient) for recipient, _ in refused}
    kept = tuple(one for one in new.recipients if id(one.recipient) not in gone)
    return replace(new, recipients=kept, refused=(*new.refused, *refused))


class Submission(msgspec.Struct, frozen=True, gc=False):
    """What all copies of one message share."""

    id: int
    tenant_id: int
    stream_id: int
    """0: a notice of the relay's own, no policy applies."""
    campaign_id: int | None
    topic: str
    reverse_path: str
    from_domain: str
    message_id: str
    accepted_at: float
    expires_at: float
    ret: str
    envid: str
    size_octets: int
    give_back: str
    shared: bool = False
    """Nothing in the copies differs by recipient: one may go to several of a site."""
    last_at: float | None = None
    """When what hasn't left is dropped."""


def notice(submission: Submission) -> bool:
    """Whether it is the relay's own notice, which no policy touches."""
    return submission.stream_id == 0


class Lease(msgspec.Struct, frozen=True, gc=False):
    """The right to try one copy until ``until``."""

    submission: Submission
    number: int
    subscriber_id: int
    address: str
    domain: str
    fence: int
    attempts: int
    until: float
    slots: Mapping[str, str] = msgspec.field(default_factory=dict)
    notify: str = ""
    orcpt: str = ""
    tried_at: float = 0.0
    """When it was tried last, or accepted; seconds UTC."""
    standing: Standing | None = None
    """The person's, as it was read at RCPT or with the lease; None: not read."""
    as_of: AsOf = NEVER
    """When that was."""


class ReportKind(StrEnum):
    """What the sender may have asked to be told (RFC 3461 §4.1)."""

    FAILED = "failed"
    DELAYED = "delayed"
    RELAYED = "relayed"


class Result(msgspec.Struct, frozen=True, gc=False):
    """How one lease ended; built by the functions below."""

    lease: Lease
    state: State
    at: float
    status: str = ""
    """Last reply or reason, one line."""
    remote: str = ""
    event: str = ""
    """Kind of event to write; empty for none (delivered: the row itself is the event)."""
    detail: dict[str, object] = msgspec.field(default_factory=dict)
    due_at: float = 0.0
    attempts: int = 0
    hold_reason: str = ""
    """A policy's words."""
    address_dead: bool = False
    bulk: bool = False
    report: ReportKind | None = None
    """What ``Notify`` is called for; None: nothing."""
    doubt: str = ""
    """The address is to be suppressed if the same is answered again a day later (``relay.people.doubts``)."""
    held_by: int = 0
    """What holds it from now on (``relay.queue.holds``)."""
    held_until: float | None = None
    """When a policy's hold ends by itself."""
    tracked: bool = False
    """It went with places for openings or clicks, to a person who agreed."""


@dataclass(slots=True)
class Written:
    """What a batch changed, for the log and for notices to senders."""

    applied: list[Result] = field(default_factory=list)
    lost: list[Result] = field(default_factory=list)
    """Results whose lease was taken over or whose copy was cancelled meanwhile."""
    finished: list[int] = field(default_factory=list)
    """Submissions whose last copy came to an end."""
