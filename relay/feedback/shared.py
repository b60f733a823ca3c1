"""A spam report on a copy that several people shared: its link names the message, somebody names the mailbox.

All who got the copy hold that link, so what is typed suppresses nobody (R25):
a mailbox that the message went to gets a letter with a link of its own, once
for a message. Who reports is told the same either way. So every try within the
limits is a write, and nothing that limits it depends on the address.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from config.conduct import Reports
from relay.feedback import own_link, report_limits
from relay.feedback.analyse import FeedbackKind, Finding
from relay.feedback.own_link import Sender
from relay.feedback.record import Item, record, sharers
from relay.keys.tokens import SHARED, Mark
from relay.mail.address import Address, AddressError, parse_address
from relay.people.mailbox import mailbox_of
from relay.store.contract import Tx
from relay.texts.language import Language

HOW: Final = "reported on the page of a shared copy, address typed in"
"""Shown with the event: nobody has proved that the mailbox is theirs."""


class Taken(StrEnum):
    """What became of a report; all but LIMIT is for the log alone."""

    ASKED = "letter sent"
    NOTHING_NEW = "nothing new"
    STRANGER = "not a recipient"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class SharedMessage:
    """What a shared link is about, and who sent it."""

    submission_id: int
    tenant: str
    contact: str


def is_shared(mark: Mark) -> bool:
    """Whether a link speaks for nobody in particular."""
    return mark.number == SHARED and not mark.subscriber_id


def find(conn: Tx, mark: Mark) -> SharedMessage | None:
    """The message of a shared mark; None once its record was deleted (R27)."""
    row = conn.execute(
        "SELECT s.id, CASE t.title WHEN '' THEN t.name ELSE t.title END, t.contact"
        " FROM submission s JOIN tenant t ON t.id = s.tenant_id"
        " WHERE s.id = ? AND s.shared = 1",
        (mark.submission_id,),
    ).fetchone()
    return None if row is None else SharedMessage(*row)


def report(
    conn: Tx,
    sender: Sender,
    limits: Reports,
    mark: Mark,
    address: Address,
    ip: str,
    language: Language,
    now: float,
) -> Taken:
    """Work a report off, in the caller's transaction. ``ip`` is the client's, ``now`` in seconds UTC."""
    if not report_limits.count(conn, sender.secrets, limits, mark.submission_id, ip, now):
        return Taken.LIMIT
    found = _recipient(conn, mark, address)
    if found is None:
        return Taken.STRANGER
    person, to, tenant_id = found
    finding = Finding(FeedbackKind.COMPLAINT, type="abuse", diagnostic=HOW, source="page")
    if not record(conn, Item(person, finding, unproved=True), now):
        return Taken.NOTHING_NEW
    own_link.put(conn, sender, tenant_id, person, to, language, now)
    return Taken.ASKED


def _recipient(conn: Tx, mark: Mark, address: Address) -> tuple[Mark, Address, int] | None:
    """The first recipient with that mailbox, however it was spelt, as it is stored; and the tenant."""
    asked = _key(address)
    matching = None
    for number, subscriber_id, stored in sharers(conn, mark.submission_id):
        if matching is None and subscriber_id and _stored_key(stored) == asked:
            matching = Mark(subscriber_id, mark.topic_id, mark.submission_id, number), stored
    row = conn.execute("SELECT tenant_id FROM submission WHERE id = ?", (mark.submission_id,)).fetchone()
    if matching is None or row is None:
        return None
    try:
        return matching[0], parse_address(matching[1]), int(row[0])
    except AddressError:  # as below: nothing reaches it
        return None


def _key(address: Address) -> str:
    return mailbox_of(address.canonical) or address.canonical


def _stored_key(text: str) -> str:
    try:
        return _key(parse_address(text))
    except AddressError:  # taken by an earlier release with laxer rules
        return text.lower()
