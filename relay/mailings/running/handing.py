"""From a mailing and some of its people to the message that the mail process is handed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from relay.intake.api.handed import HandedMessage, HandedPlace, HandedRecipient, HandedStep
from relay.mail.address import parse_address
from relay.mail.writing import Draft, Mailbox, TextWithPlaces, mailbox, mark_of, unstructured, write
from relay.mailings.audience import AudienceMember
from relay.mailings.mailings import Mailing, MailingContent
from relay.mailings.writing import values_of
from relay.templates.personal import Sources, Unfilled, for_several
from relay.values.errors import RegistryError

TO: Final = "mailing_to"
"""Slot of the To field."""
PREFIX: Final = "mailing"
"""Of the login that a mailing's messages are sent with."""


def step_of(row: Mailing, members: Sequence[AudienceMember], up_to: int, *, again: bool) -> HandedMessage:
    """The next step: for these people, who lead on to ``up_to``. Raises RegistryError for texts beyond filling."""
    step = HandedStep(row.id, row.reached, up_to, tuple(one.id for one in members), again)
    try:
        return message_of(row.content, row.tenant_id, members, last_at=row.last_at, step=step)
    except Unfilled as error:
        raise RegistryError(str(error)) from error


def message_of(
    content: MailingContent,
    tenant_id: int,
    members: Sequence[AudienceMember],
    *,
    last_at: float | None = None,
    step: HandedStep | None = None,
    look: bool = False,
) -> HandedMessage:
    """For these people, each with a copy of their own. Raises Unfilled for texts that can't be filled."""
    mark = "q" + secrets.token_hex(10)
    sources = Sources(content.subject, content.text, content.html)
    personal = for_several(sources, [values_of(one) for one in members], 1, lenient=True)
    author = Mailbox(parse_address(content.author), content.author_name)
    utf8 = author.address.needs_smtputf8 or any(parse_address(one.address).needs_smtputf8 for one in members)

    def written(to: str, subject: str, text: TextWithPlaces, html: TextWithPlaces) -> bytes:
        return write(Draft((*_fields(content, author, to, subject), *_wishes(content, last_at)), text, html, (), mark))

    subject = personal.subject if isinstance(personal.subject, str) else mark_of(mark, personal.subject)
    shown = personal.seen or ("", "", "")
    return HandedMessage(
        number=0,
        tenant_id=tenant_id,
        stream=content.stream,
        reverse_path=str(author.address),
        raw=written(mark_of(mark, 0), subject, personal.text, personal.html),
        recipients=tuple(
            HandedRecipient(one.address, {TO: one.address, **own})
            for one, own in zip(members, personal.values, strict=True)
        ),
        client="",
        smtputf8=utf8,
        seen=written(members[0].address, shown[0], _whole(shown[1]), _whole(shown[2])),
        mark=mark,
        places=(HandedPlace(TO, "header", utf8), *(HandedPlace(*one) for one in personal.places)),
        step=step,
        look=look,
    )


def _whole(text: str) -> TextWithPlaces:
    return (text,) if text else ()


def _fields(content: MailingContent, author: Mailbox, to: str, subject: str) -> list[tuple[str, str]]:
    found = [("From", mailbox(author)), ("To", to)]
    if content.reply_to:
        found.append(("Reply-To", content.reply_to))
    return [*found, ("Subject", unstructured(subject))]


def _wishes(content: MailingContent, last_at: float | None) -> list[tuple[str, str]]:
    """What is asked of the relay, in the words that SMTP has for it."""
    found = [("Relay-Topic", unstructured(content.topic)), ("Relay-Campaign", unstructured(content.name))]
    if content.track:
        found.append(("Relay-Track", content.track))
    if last_at is not None:
        found.append(("Relay-Expire", datetime.fromtimestamp(last_at, UTC).isoformat()))
    return found
