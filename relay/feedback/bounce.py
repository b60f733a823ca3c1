"""A message that came back → the failures it tells of, recipient by recipient, and what decided.

A report's own fields come first (RFC 3464), then a notification in JSON, then
the words. A report inside of a forwarded message is read where nothing outside
of it tells anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from relay.feedback import notification, report, texts
from relay.feedback.classify import by_words, judge, stage_of
from relay.feedback.mime import Mail, html_text, nested, readable, split_header
from relay.feedback.phrases import CUT, DELAY, GIVEN_UP
from relay.feedback.report import RecipientStatus
from relay.verdict.values import AddressSays, AnswerKind, Judgement

MAX_NOTE: Final = 16 * 1024

_TO: Final = re.compile(r"^[ \t>|]{0,8}To:(.{3,1000})$", re.I | re.M)
DELIVERED: Final = ("delivered", "relayed", "expanded")
DELAYED: Final = ("delayed", "delay", "warning")


@dataclass(frozen=True, slots=True)
class RecipientFailure:
    """What a message says of one recipient; ``""`` for what it doesn't say."""

    recipient: str
    final: str
    """The recipient as the host that gave up knows it, where a report tells."""
    action: str
    """``failed``, ``delayed``, or one of ``DELIVERED``."""
    judgement: Judgement
    diagnostic: str
    remote: str
    source: str
    """``report`` (machine-readable) or ``text``."""


def note_of(mail: Mail) -> str:
    """The readable text before the returned message, bounded."""
    parts = [part for part in mail.parts[:6] if "attachment" not in part.get("content-disposition")]
    # A multipart that couldn't be parted is text.
    written = [part.text() for part in parts if part.type == "text/plain" or part.type.startswith("multipart/")]
    if not any(text.strip() for text in written):
        written = [html_text(part.text()) for part in parts if part.type == "text/html"]
    text = texts.unquoted("\n".join(written)[: 4 * MAX_NOTE])
    found = CUT.search(text, _past_the_head(text))
    return (text[: found.start()] if found else text)[:MAX_NOTE]


def _past_the_head(text: str) -> int:
    """A forwarded or misplaced header stands before the notice; it isn't the returned message yet."""
    fields, body = split_header(text.lstrip("\n").encode("utf-8", "replace"))
    return len(text) - len(body.decode("utf-8", "replace")) if len(fields) > 2 else 0


def failures(mail: Mail, note: str) -> list[RecipientFailure]:
    """All that is told, in order; empty where nothing is told in fields or by addresses."""
    found = _reported(mail, note)
    if found:
        return found
    told = notification.notification(mail)
    if told is not None:
        late = notification.kind(told) == "deliverydelay"
        return [_notified(row, late) for row in notification.bounced(told)]
    return []


def inner(mail: Mail) -> Iterator[Mail]:
    """Messages that were forwarded in whole."""
    yield from (nested(part) for part in mail.parts[:6] if part.type in ("message/rfc822", "message/global"))


def _reported(mail: Mail, note: str) -> list[RecipientFailure]:
    """From the delivery-status part; some servers write the same fields into the text."""
    for part in mail.parts:
        if part.type in report.DELIVERY_STATUS:
            found = report.recipients(part.text())
            if found:
                return _from_groups(found, note)
    if report.FIELD in note.lower():
        return _from_groups(report.recipients(note), note)
    whole = "\n".join(part.text() for part in mail.parts[:4] if part.type.startswith(("text/", "multipart/")))[
        : 4 * MAX_NOTE
    ]
    if report.FIELD in whole.lower():
        return _from_groups(report.recipients(whole), note)
    return []


def _from_groups(groups: list[RecipientStatus], note: str) -> list[RecipientFailure]:
    if len(groups) == 1:
        return [_from_group(groups[0], note)]
    ours = {address for group in groups for address in (group.recipient, group.original_recipient)}
    reasons = {address.lower(): words for address, words in texts.failed(note, ()).items()}
    alone = len({reasons.get(address.lower(), "") for address in ours}) > 1
    return [_from_group(group, reasons.get(group.recipient.lower(), "") if alone else note) for group in groups]


def _from_group(group: RecipientStatus, note: str) -> RecipientFailure:
    addresses = [address for address in (group.recipient, group.original_recipient) if "@" in address]
    program = group.diagnostic_type in ("x-unix", "unix")
    action = group.action
    if group.status.startswith("2") and action not in (*DELIVERED, *DELAYED):
        action = "delivered"
    status = group.status
    if status == "4.0.0" and action == "failed" and not group.diagnostic:
        status = ""  # given up, and no cause told: the notice may have one
    judged = judge(status, group.diagnostic, note, own_words=program, addresses=addresses, vouched=bool(group.reporter))
    if action in DELIVERED or action in DELAYED:
        judged = replace(judged, address=AddressSays.ALIVE, lasting=False)
        action = action if action in DELIVERED else "delayed"
    said = f"{group.diagnostic} {group.status}".strip()
    # What the sender wrote, where that is an address: a final one may be a name that only its own host knows.
    shown = addresses[-1] if addresses else group.recipient
    return RecipientFailure(shown, group.recipient, action or "failed", judged, said, group.remote, "report")


_SES: Final[dict[str, tuple[AnswerKind, AddressSays]]] = {
    "noemail": (AnswerKind.UNKNOWN_ADDRESS, AddressSays.DEAD),
    "suppressed": (AnswerKind.UNKNOWN_ADDRESS, AddressSays.DOUBTED),
    "onaccountsuppressionlist": (AnswerKind.BLOCKED, AddressSays.ALIVE),
    "unsubscribedrecipient": (AnswerKind.POLICY, AddressSays.ALIVE),
    "mailboxfull": (AnswerKind.FULL, AddressSays.ALIVE),
    "messagetoolarge": (AnswerKind.TOO_LARGE, AddressSays.ALIVE),
    "contentrejected": (AnswerKind.CONTENT, AddressSays.ALIVE),
    "attachmentrejected": (AnswerKind.CONTENT, AddressSays.ALIVE),
    "customtimeoutexceeded": (AnswerKind.EXPIRED, AddressSays.ALIVE),
}
"""Subtypes of a bounce, where they tell more than its type."""


def _notified(row: notification.ToldRecipient, late: bool) -> RecipientFailure:
    """Of a notification; the other server's own answer counts before the service's word for it."""
    judged = judge(row.status, row.diagnostic, "", addresses=[row.recipient])
    lasting, subtype = row.type.lower() == "permanent", row.subtype.lower()
    why = f"the notification's type {row.type}/{row.subtype}"
    if subtype in _SES:
        kind, address = _SES[subtype]
        if judged.address is not AddressSays.DEAD or address is AddressSays.ALIVE:
            judged = replace(judged, kind=kind, address=address, lasting=lasting, why=why)
    elif lasting and judged.kind is AnswerKind.OTHER:
        judged = replace(judged, kind=AnswerKind.UNKNOWN_ADDRESS, address=AddressSays.DOUBTED, lasting=True, why=why)
    if row.type.lower() == "transient" or late:
        judged = replace(judged, address=AddressSays.ALIVE, lasting=False)
    said = f"{row.diagnostic} {row.status}".strip()
    return RecipientFailure(row.recipient, "", "delayed" if late else "failed", judged, said, "", "report")


def from_words(mail: Mail, note: str) -> list[RecipientFailure]:
    """Failures told in words; one without a recipient where no address is named."""
    subject = readable(mail.get("subject"))
    action = "delayed" if DELAY.search(f"{subject}\n{note}") and not GIVEN_UP.search(f"{subject}\n{note}") else "failed"
    named = _named(mail, note)
    answers = _answers(note)
    stage = stage_of(note) if len(named) == 1 else ""
    found = []
    for address, reason in (named or {"": ""}).items():
        judged = by_words(_answers(reason) or reason, [address], stage) if reason else None
        if judged is None or judged.kind is AnswerKind.OTHER:
            judged = _whole(answers, subject, note, list(named))
        if action == "delayed":
            judged = replace(judged, address=AddressSays.ALIVE, lasting=False)
        found.append(RecipientFailure(address, "", action, judged, reason or note, "", "text"))
    return found


def _answers(text: str) -> str:
    """In a transcript only these lines are the other server's, with the commands they answered.

    A 503 tells of the order of commands: it follows from an answer that was given before (RFC 5321 §4.2.4).
    """
    lines = [line.strip() for line in text.split("\n")]
    kept = [line for line in lines if line.startswith(("<<< ", ">>> ")) and not line.startswith("<<< 503")]
    return "\n".join(kept) if any(line.startswith("<<< ") for line in kept) else ""


def _whole(answers: str, subject: str, note: str, addresses: list[str]) -> Judgement:
    """By what other servers said, else by all that stands there."""
    if answers:
        judged = by_words(answers, addresses)
        if judged.kind is not AnswerKind.OTHER:
            return judged
    return by_words(f"{note}\n{subject}", addresses)


def _named(mail: Mail, note: str) -> dict[str, str]:
    """Addresses that failed, with the words about each."""
    ours = {
        address.lower()
        for name in ("to", "from", "reply-to", "delivered-to")
        for address in report.addresses(mail.get(name))
    }
    named = texts.failed(note, ours)
    header = report.addresses(mail.get("x-failed-recipients"))
    if header:
        lower = {address.lower(): words for address, words in named.items()}
        return {address: lower.get(address.lower(), "") for address in header}
    if not named:
        named = {
            address: "" for address in _returned_to(mail) or _returned_in_text(mail) if address.lower() not in ours
        }
    return named or texts.failed(note, ())  # somebody wrote to himself


def _returned_in_text(mail: Mail) -> list[str]:
    """The same where the returned message stands in the text, behind the notice."""
    for part in mail.parts[:4]:
        text = part.text()[: 4 * MAX_NOTE] if part.type.startswith(("text/", "multipart/")) else ""
        cut = CUT.search(text)
        found = _TO.search(text, cut.start()) if cut else None
        if found:
            to = report.addresses(found[1])
            return to if len(to) == 1 else []
    return []


def _returned_to(mail: Mail) -> list[str]:
    """To of the returned message, if it has one recipient."""
    for part in mail.parts:
        if part.type in ("message/rfc822", "text/rfc822-headers", "message/global-headers", "message/global"):
            fields, _ = split_header(part.decoded().replace(b"\r\n", b"\n").lstrip(b"\n"))
            to = report.addresses(next((value for name, value in fields if name == "to"), ""))
            return to if len(to) == 1 else []
    return []
