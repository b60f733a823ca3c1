"""The whole contract between the engine and a policy.

A policy is a class with a ``name`` that is built once with its settings table
and answers questions with values. It never touches queue, socket, store or
reply, and every fact it needs is handed in: the engine looks up once what is
known of a tenant and a person, and all policies read the same snapshot.
An exception or a late answer counts as ``Defer`` (``451 4.3.0``), never as a
pass. See ``policies/skeleton.py`` for one to copy.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from relay.mail.additions import Additions
from relay.mail.content import Content
from relay.mail.status import Status
from relay.values.facts import CampaignFigures, OperatorFacts, Recipient, Standing, Stream, Tenant, Usage

NO_CONTENT = Content()

# --- facts -------------------------------------------------------------------


class Transaction(msgspec.Struct, frozen=True, gc=False):
    """One mail transaction as known at the moment of asking."""

    tenant: Tenant
    stream: Stream
    reverse_path: str
    """``""`` is the null reverse-path."""
    client: str
    now: float
    usage: Usage
    recipients: Sequence[Recipient] = ()
    """Taken so far; grows with each RCPT. For reading only."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """What a policy may know of the mail object after DATA."""

    from_addresses: tuple[str, ...]
    """Canonical addresses of the From field's authors."""
    from_names: tuple[str, ...]
    subject: str
    topic: str
    """The message's topic, resolved from Relay-Topic or the stream; may be ``""`` if unknown."""
    campaign: str
    """Name of the campaign (Relay-Campaign, or made of stream, From and Subject)."""
    tag: str
    meta: Mapping[str, str]
    size_octets: int
    replies_to: tuple[str, ...] = ()
    """Each field that says where answers go (Reply-To and its like): its text, decoded."""
    content: Content = NO_CONTENT
    """``texts``, ``links``, ``attachments`` …: worked out when first asked for."""


class Upload(msgspec.Struct, frozen=True, gc=False):
    """A file that a tenant, or the operator for it, gives to the relay: a logo, a list."""

    name: str
    octets: bytes


class QueueEntry(msgspec.Struct, frozen=True, gc=False):
    """One recipient's copy right before its delivery."""

    submission_id: int
    number: int
    tenant: Tenant
    stream: Stream
    address: str
    canonical: str
    standing: Standing
    topic: str
    campaign_id: int | None
    attempts: int
    now: float


class ContentFinding(msgspec.Struct, frozen=True, gc=False):
    """What a policy found in a message; for people who ask why."""

    policy: str
    about: str
    """The kind of content, such as ``dating`` or ``operator's contact details``."""
    what: str
    """What it was recognised by."""
    where: str
    passage: str
    """The text around it, one line."""
    sure: float
    """From 0 to 1; at 1 and above it is enough to act on."""
    certain: bool = False
    """It is refused; else the message waits for a person."""


class PolicyNote(msgspec.Struct, frozen=True, gc=False):
    """Something that a policy noticed and would know again in another process, or after a restart."""

    octets: bytes
    """In a form of the policy's own; at most 64 KiB."""
    keep_s: float
    """For so long."""


# --- verdicts ----------------------------------------------------------------


class Add(msgspec.Struct, frozen=True, gc=False):
    """Add ``amount`` to a counter of the tenant unless that passes ``limit``.

    Done in the commit that enqueues; if the limit is passed there, the
    recipient is refused with ``refused``, and the message is taken for the
    others. A copy that is never sent (declined, cancelled) is given back.
    """

    counter: str
    amount: int
    limit: int | None
    refused: Status
    gives_back: bool = True
    """False: it counts what was asked for, whatever becomes of the copy."""


class AddDistinct(msgspec.Struct, frozen=True, gc=False):
    """Count the recipient's person once in ``counter``, with a limit; given back with its last copy never sent."""

    counter: str
    limit: int | None
    refused: Status


class Stage(msgspec.Struct, frozen=True, gc=False):
    """Number the copy in its campaign and let one of ``every`` through, drawn by lot, up to ``most``.

    The others are held until the campaign's verdict. The campaign is told by
    its content (``relay.mail.likeness``), whatever its name and subject.
    """

    every: int
    most: int
    why: str = ""
    """Why; for those who look at the campaign."""
    join: bool = False
    """Stage only what belongs to a campaign that is staged already."""
    first: int = 0
    """So many recipients of the tenant's day go at once before any is numbered."""
    flow: bool = False
    """All mail of the stream is one campaign, whatever its content."""


class Suspect(msgspec.Struct, frozen=True, gc=False):
    """Keep the copy with all of its campaign until a person has looked at it.

    The campaign is told by its content, as for ``Stage``; one that a person
    released with a suspicion on it goes on.
    """

    why: str
    """What is suspected, and by which passage; the administrator and the tenant read it."""


Effect = Add | AddDistinct | Stage | Suspect


class Continue(msgspec.Struct, frozen=True, gc=False):
    slots: Mapping[str, str] = msgspec.field(default_factory=dict)
    effects: tuple[Effect, ...] = ()
    additions: Additions | None = None


class Hold(msgspec.Struct, frozen=True, gc=False):
    """Accept, but keep until ``until`` (``None``: until someone releases)."""

    why: str
    until: float | None = None
    effects: tuple[Effect, ...] = ()


class Defer(msgspec.Struct, frozen=True, gc=False):
    status: Status


class Reject(msgspec.Struct, frozen=True, gc=False):
    status: Status


Verdict = Continue | Hold | Defer | Reject
PASS = Continue()


class Decision(StrEnum):
    """What to do with a staged campaign."""

    WAIT = "wait"
    WIDEN = "widen"
    """Let more go, drawn by lot, and look again after another window."""
    RELEASE = "release"
    STOP = "stop"
    """Hold everything now and propose to decline; the administrator confirms."""
    ASK = "ask"
    """Leave it to the administrator."""


class CampaignVerdict(msgspec.Struct, frozen=True, gc=False):
    decision: Decision
    why: str
    share: int = 0
    """For WIDEN: of ``every`` numbers so many go."""
    every: int = 1


MessageVerdict = Verdict | Mapping[Recipient, Verdict]
PolicyAnswer = Verdict | Coroutine[Any, Any, Verdict]
MessageAnswer = MessageVerdict | Coroutine[Any, Any, MessageVerdict]


class Policy(Protocol):
    """All hooks; derive from ``BasePolicy`` and write only those needed.

    The first four may be coroutine functions (``async def``): awaited within the
    time that their transaction has for waiting, else they count as ``Defer``.
    """

    name: str

    def shared_among(self, workers: int) -> None: ...
    def serves(self, operator: OperatorFacts) -> None: ...
    def findings(self, tenant: Tenant, msg: Message) -> Sequence[ContentFinding]: ...
    def take_notes(self) -> Sequence[PolicyNote]: ...
    def read_note(self, octets: bytes, now: float) -> None: ...
    def on_reverse_path(self, txn: Transaction) -> PolicyAnswer: ...
    def on_recipient(self, txn: Transaction, rcpt: Recipient) -> PolicyAnswer: ...
    def on_message(self, txn: Transaction, msg: Message) -> MessageAnswer: ...
    def on_release(self, entry: QueueEntry) -> PolicyAnswer: ...
    def on_campaign(self, figures: CampaignFigures) -> CampaignVerdict | None: ...
    def on_upload(self, upload: Upload) -> Coroutine[Any, Any, Verdict]: ...


class BasePolicy:
    """Answers nothing; the runner skips hooks that a policy does not override."""

    name = ""
    protects = ""
    """Whom it protects and from what: what happens without it. Then it isn't left out of the order unnoticed."""
    content_classes: Mapping[str, str] = {}
    """Classes of content that a tenant may be allowed: name and title."""
    reads_content = False
    """``on_message`` reads the content of most messages: that of large ones is then worked out beside the loop."""

    def __init__(self, settings: Mapping[str, object]) -> None:
        """``settings``: the table ``[policy.NAME]``; raise ValueError on a bad one."""

    def shared_among(self, workers: int) -> None:
        """Called once at start: so many mail processes ask a copy of this policy each; limits that it counts
        itself must be divided."""

    def serves(self, operator: OperatorFacts) -> None:
        """Called once at start: whose relay it is."""

    def findings(self, tenant: Tenant, msg: Message) -> Sequence[ContentFinding]:
        """What it finds in a message of the tenant's, whether it would act on it or not; asked by people."""
        return ()

    def take_notes(self) -> Sequence[PolicyNote]:
        """What it has noticed since it was asked last; asked every second or so, and written beside the mail."""
        return ()

    def read_note(self, octets: bytes, now: float) -> None:
        """What a copy of it noticed, in another process or before this one began; in the order it was written.

        A note may come twice.
        """

    def on_reverse_path(self, txn: Transaction) -> PolicyAnswer:
        return PASS

    def on_recipient(self, txn: Transaction, rcpt: Recipient) -> PolicyAnswer:
        return PASS

    def on_message(self, txn: Transaction, msg: Message) -> MessageAnswer:
        return PASS

    def on_release(self, entry: QueueEntry) -> PolicyAnswer:
        return PASS

    def on_campaign(self, figures: CampaignFigures) -> CampaignVerdict | None:
        return None

    async def on_upload(self, upload: Upload) -> Verdict:
        """Asked before a file is taken; what isn't Continue keeps it out."""
        return PASS
