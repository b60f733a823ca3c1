"""What is read from a message before anybody decides: facts for the policies, its id, what its content is like."""

from __future__ import annotations

import re
from typing import Final

from relay.intake.authors import authors
from relay.intake.relay_fields import RelayFields
from relay.mail.content import Content
from relay.mail.decode import decode_field
from relay.mail.likeness import Words, words
from relay.mail.scan import Scanned
from relay.mail.shown import recipients, shown
from relay.observe.escape import escaped
from relay.pipeline.contract import Message, Stage, Suspect, Transaction
from relay.pipeline.judged import Accepted
from relay.values.facts import Kind, Stream, Tenant

_REPLIES = (
    *(b"reply-to", b"mail-reply-to", b"mail-followup-to", b"resent-reply-to", b"errors-to"),
    *(b"return-receipt-to", b"disposition-notification-to", b"x-confirm-reading-to"),
)
"""Where programs send answers, reports and receipts."""
_PLAIN_ID: Final = re.compile(rb"[!-~]{1,300}").fullmatch
_NONE: Final[frozenset[str]] = frozenset()


def unusable(scanned: Scanned, given_id: str) -> frozenset[str]:
    """Fields that are as good as missing: the relay writes its own instead."""
    dropped = _NONE if given_id else frozenset(("message-id",))
    return dropped | {"date"} if scanned.first(b"date") == b"" else dropped


def message_id(scanned: Scanned) -> str:
    """The application's own, at most 300 characters; ``""`` for one that is missing or none at all.

    Control characters, white space within and octets that are no UTF-8 are in no
    msg-id (RFC 5322 §3.6.4, RFC 6532 §3.4). Such a field would steer terminals here
    and be refused there, so it gives way to one of the relay's own.
    """
    value = scanned.first(b"message-id")
    value = value.strip(b" \t\r\n") if value else b""
    if _PLAIN_ID(value) is not None:
        return "" if value == b"<>" else value.decode("ascii")
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return ""
    return text[:300] if escaped(text) == text and not any(map(str.isspace, text)) else ""


def facts(scanned: Scanned, txn: Transaction, wishes: RelayFields, size: int) -> Message:
    """What policies may know; raises Malformed if From or the topic can't be what they must."""
    named = authors(scanned)
    subject = scanned.text(b"subject")
    return Message(
        from_addresses=tuple(address for _, address in named),
        from_names=tuple(name for name, _ in named),
        subject=subject,
        topic=topic_of(txn.tenant, txn.stream, wishes.topic),
        campaign=_campaign(txn.stream, wishes.campaign, named[0][1], subject),
        tag=wishes.tag,
        meta=wishes.meta,
        size_octets=size,
        replies_to=_replies_to(scanned),
        content=Content(scanned),
    )


def _replies_to(scanned: Scanned) -> tuple[str, ...]:
    if scanned.index.keys().isdisjoint(_REPLIES):
        return ()
    return tuple(decode_field(value) for name in _REPLIES for value in scanned.values(name))


def topic_of(tenant: Tenant, stream: Stream, wished: str) -> str:
    """The topic that the message names, else its stream's; ``""`` if nothing tells it (then bulk policies refuse)."""
    if wished:
        return wished  # whether it is there, and the stream's, is the policy's to say
    if stream.topic != "*":
        return stream.topic
    if not stream.consent_required:
        return ""
    # The tenant's first, however many were made since: those change nothing for who names none.
    return stream.default_topic or (tenant.topics[0] if tenant.topics else "")


def _campaign(stream: Stream, wished: str, author: str, subject: str) -> str:
    if wished:
        return wished
    if stream.kind is not Kind.BULK:
        return ""
    return f"{author}: {subject}"[:200]


def words_of(scanned: Scanned, message: Message, accepted: tuple[Accepted, ...]) -> Words | None:
    """What the content is like; asked for only where a stage looks."""
    asks = (effect for one in accepted for effect in one.effects if isinstance(effect, Stage | Suspect))
    if not any(isinstance(effect, Suspect) or not effect.flow for effect in asks):
        return None
    seen = shown(message.content)
    return words(seen.text, recipients(scanned), seen.marks)
