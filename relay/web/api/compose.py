"""From a request for a message to what the mail process is handed: the message written, ``Relay-*`` fields and all."""

from __future__ import annotations

import mimetypes
import secrets
from datetime import UTC, datetime
from typing import Any, Final

from relay.intake.api.handed import HandedMessage, HandedPlace, HandedRecipient
from relay.mail.address import parse_address
from relay.mail.writing import (
    Draft,
    Enclosure,
    Mailbox,
    TextWithPlaces,
    mailbox,
    mailboxes,
    mark_of,
    unstructured,
    write,
)
from relay.templates.personal import Personal, Sources, Unfilled, for_one, for_several, literal
from relay.templates.templates import KeptTemplate
from relay.web.api.models_messages import EnclosureIn, MailboxIn, MessageIn, RecipientIn
from relay.web.problems import Wrong

TO: Final = "api_to"
"""Slot of the To field, whose copies differ."""


def compose(
    given: MessageIn,
    tenant_id: int,
    client: str,
    *,
    sandbox: bool,
    template: KeptTemplate | None = None,
) -> HandedMessage:
    """The message for all its recipients. Raises Wrong."""
    enclosures = [Enclosure(one.filename, _type(one), one.content, one.content_id) for one in given.attachments]
    several = given.own_copies and len(given.to) > 1
    mark = "q" + secrets.token_hex(10) if several else ""
    addresses = [parse_address(one.email) for one in (given.author, *given.to, *given.cc, *given.bcc)]
    smtputf8 = any(one.needs_smtputf8 for one in addresses)
    try:
        personal = _personal(given, template)
    except Unfilled as error:
        raise Wrong(error.errors) from None
    whole = _Whole(given, tuple(enclosures), mark, personal)
    to = [_shown(one) for one in given.to]
    raw = whole.written(mark_of(mark, 0) if several else ", ".join(to))
    own = personal.values or tuple({} for _ in to)
    slots = [{TO: shown, **values} if several else {} for shown, values in zip(to, own, strict=True)]
    recipients = [HandedRecipient(one.email, its) for one, its in zip(given.to, slots, strict=True)]
    recipients += [HandedRecipient(one.email) for one in (*given.cc, *given.bcc)]
    return HandedMessage(
        number=0,
        tenant_id=tenant_id,
        stream=given.stream,
        reverse_path=str(addresses[0]),
        raw=raw,
        recipients=tuple(recipients),
        client=client,
        smtputf8=smtputf8,
        seen=whole.seen(to[0]) if several else b"",
        mark=mark,
        places=(HandedPlace(TO, "header", smtputf8), *(HandedPlace(*one) for one in personal.places))
        if several
        else (),
        sandbox=sandbox,
    )


def _personal(given: MessageIn, template: KeptTemplate | None) -> Personal:
    """The texts, with values where there are any."""
    kept = template or KeptTemplate("", 0, "", "", "", "html", "", 0.0)
    own = given.text or given.html
    sources = Sources(
        kept.subject if given.subject is None else given.subject,
        given.text or "" if own else kept.text,
        given.html or "" if own else kept.html,
    )
    filled = any("data" in one.model_fields_set for one in (given, *given.to))  # `{}` too: else braces would be sent
    if template is None and not filled:
        return literal(sources)
    values = [_values_of(given, one) for one in given.to] if given.own_copies else [dict(given.data)]
    return for_one(sources, values[0]) if len(values) == 1 else for_several(sources, values, 1)


def _values_of(given: MessageIn, one: RecipientIn) -> dict[str, Any]:
    """His own go before the message's; address and name are there by themselves."""
    known: dict[str, Any] = {"email": one.email}
    if one.name:
        known["name"] = one.name
    return {**known, **given.data, **one.data}


class _Whole:
    """What all copies share."""

    def __init__(self, given: MessageIn, enclosures: tuple[Enclosure, ...], mark: str, personal: Personal) -> None:
        self._personal = personal
        self._given = given
        self._enclosures = enclosures
        self._mark = mark

    def seen(self, to: str) -> bytes:
        """As policies read it: what the first recipient gets."""
        shown = self._personal.seen
        if shown is None:
            return self.written(to)
        subject, text, html = shown
        return self._made(to, subject, (text,) if text else (), (html,) if html else ())

    def written(self, to: str) -> bytes:
        """With marks where copies differ."""
        one = self._personal
        subject = one.subject if isinstance(one.subject, str) else mark_of(self._mark, one.subject)
        return self._made(to, subject, one.text, one.html)

    def _made(self, to: str, subject: str, text: TextWithPlaces, html: TextWithPlaces) -> bytes:
        given = self._given
        fields = [("From", _shown(given.author)), ("To", to)]
        if given.cc:
            fields.append(("Cc", mailboxes(map(_box, given.cc))))
        if given.reply_to:
            fields.append(("Reply-To", mailboxes(map(_box, given.reply_to))))
        fields.append(("Subject", unstructured(subject)))
        fields += [(name, unstructured(value)) for name, value in given.headers.items()]
        fields += [(name, unstructured(value)) for name, value in wishes(given)]
        return write(Draft(tuple(fields), text, html, self._enclosures, self._mark))


def wishes(given: MessageIn) -> list[tuple[str, str]]:
    """What the request asks of the relay, in the words that SMTP has for it."""
    plain = (("Topic", given.topic), ("Campaign", given.campaign), ("Tag", given.tag), ("Track", given.track))
    found = [(f"Relay-{name}", value) for name, value in plain if value]
    found += [(f"Relay-Meta-{name}", value) for name, value in given.meta.items()]
    times = (("Send-At", given.send_at), ("Expire", given.expires_at))
    found += [(f"Relay-{name}", _time(at)) for name, at in times if at is not None]
    return found


def keep_until(given: MessageIn, keep_s: float) -> float:
    """Until when the answer to a repeat is kept; 0: as long as any."""
    return 0.0 if given.send_at is None else given.send_at.timestamp() + keep_s


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _shown(one: MailboxIn | RecipientIn) -> str:
    return mailbox(_box(one))


def _box(one: MailboxIn) -> Mailbox:
    return Mailbox(parse_address(one.email), " ".join(one.name.split()))


def _type(one: EnclosureIn) -> str:
    if one.content_type:
        return one.content_type
    guessed = mimetypes.guess_type(one.filename)[0] or ""
    return "application/octet-stream" if guessed.startswith(("multipart/", "message/")) or not guessed else guessed
