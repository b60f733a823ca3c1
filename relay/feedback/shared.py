"""A spam report on a copy that several people shared: its link names the message, the person names the mailbox.

It counts only for a mailbox that the message went to, and who reports is told
the same either way. So every try within the limits is a write, and nothing that
limits it depends on the address.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from config.settings import Reports
from relay.feedback.analyse import Finding, Kind
from relay.feedback.record import Item, record, sharers
from relay.mail.address import Address, AddressError, parse_address
from relay.registry import report_limits
from relay.registry.mailbox import mailbox_of
from relay.registry.secrets import Secrets
from relay.registry.tokens import SHARED, Mark

HOW: Final = "reported on the page of a shared copy, address typed in"
"""Shown with event and suppression: nobody has proved that the mailbox is theirs."""


class Taken(StrEnum):
    """What became of a report; all but LIMIT is for the log alone."""

    COUNTED = "counted"
    NOTHING_NEW = "nothing new"
    STRANGER = "not a recipient"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Message:
    """What a shared link is about, and who sent it."""

    submission_id: int
    tenant: str
    contact: str


def is_shared(mark: Mark) -> bool:
    """Whether a link speaks for nobody in particular."""
    return mark.number == SHARED and not mark.subscriber_id


def find(conn: sqlite3.Connection, mark: Mark) -> Message | None:
    """The message of a shared mark; None once its record was deleted (R27)."""
    row = conn.execute(
        "SELECT s.id, t.name, t.contact FROM submission s JOIN tenant t ON t.id = s.tenant_id"
        " WHERE s.id = ? AND s.shared = 1",
        (mark.submission_id,),
    ).fetchone()
    return None if row is None else Message(*row)


def report(
    conn: sqlite3.Connection, secrets: Secrets, limits: Reports, mark: Mark, address: Address, ip: str, now: float
) -> Taken:
    """Work a report off, in the caller's transaction. ``ip`` is the client's, ``now`` in seconds UTC."""
    if not report_limits.count(conn, secrets, limits, mark.submission_id, ip, now):
        return Taken.LIMIT
    found = _recipient(conn, mark, address)
    if found is None:
        return Taken.STRANGER
    finding = Finding(Kind.COMPLAINT, type="abuse", diagnostic=HOW, source="page")
    return Taken.COUNTED if record(conn, Item(found, finding), now) else Taken.NOTHING_NEW


def _recipient(conn: sqlite3.Connection, mark: Mark, address: Address) -> Mark | None:
    """The first recipient with that mailbox, however it was spelt: one person has one report on a message."""
    asked = _key(address)
    matching = None
    for number, subscriber_id, stored in sharers(conn, mark.submission_id):
        if matching is None and _stored_key(stored) == asked:
            matching = Mark(subscriber_id, mark.topic_id, mark.submission_id, number)
    return matching


def _key(address: Address) -> str:
    return mailbox_of(address.canonical) or address.canonical


def _stored_key(text: str) -> str:
    try:
        return _key(parse_address(text))
    except AddressError:  # taken by an earlier release with laxer rules
        return text.lower()
