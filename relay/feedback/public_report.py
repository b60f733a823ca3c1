"""Reports of spam by anyone, from a page without a message's link (R25).

Enters: what a person pasted or described, and its address. Nothing counts until
that address has answered a letter, so nobody reports in another's name. One that names a
message of ours to that very mailbox counts as a feedback loop's complaint
does; everything else goes to the operator's desk (``relay reports``). Whoever
reports is told the same in every case: nobody learns who is a subscriber.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from config.conduct import Reports
from relay.audit import actions
from relay.feedback import tags
from relay.feedback.analyse import FeedbackKind, Finding
from relay.feedback.record import Item, address_of, record, sharers
from relay.feedback.shared import is_shared
from relay.keys.sealed_tokens import millis, read_token, write_token
from relay.keys.secrets import Secrets
from relay.keys.tokens import Mark
from relay.mail.address import Address, AddressError, parse_address
from relay.people.mailboxes import mailbox, mailboxes, network, networks
from relay.queue import operator as calls
from relay.queue import to_tenant
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.tenants.recent import DAY_S, HOUR_S, Recent
from relay.texts.language import Language
from relay.values.errors import RegistryError

MOST_MESSAGE: Final = 64_000
"""Characters kept of what was pasted: its header and the beginning of its text, where our links stand."""
MOST_TEXT: Final = 4_000
MAILS_WAIT_S: Final = 600.0
ANSWER_S: Final = 2 * DAY_S
"""So long a confirmation link works."""
_TRIED: Final = Recent("spam_report")
_LINK: Final = struct.Struct(">QQ")
_PURPOSE: Final = "spam-report"
_COLUMNS: Final = (
    "r.id, r.at, r.address, r.message, r.sender, r.description, r.confirmed_at, r.outcome, t.name, r.submission_id,"
    " r.closed_at, r.closed_by, r.note"
)


class ReportOutcome(StrEnum):
    """What became of a confirmed report; never told to who reported."""

    COUNTED = "counted"
    DESK = "desk"
    NOTHING = "nothing"
    """Known already."""


@dataclass(frozen=True, slots=True)
class ReportOffice:
    """With what reports are worked off; ``base_url`` is where the pages are."""

    secrets: Secrets
    operator: Operator
    base_url: str
    limits: Reports


@dataclass(frozen=True, slots=True)
class SpamReport:
    """What a person filled in: a message or a link, or where it came from and what it was."""

    address: Address
    message: str = ""
    sender: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report as the desk sees it; times in seconds UTC."""

    id: int
    at: float
    address: str
    message: str
    sender: str
    description: str
    confirmed_at: float | None
    outcome: str
    tenant: str | None
    submission_id: int | None
    closed_at: float | None
    closed_by: str
    note: str


# --- taking ------------------------------------------------------------------------


def take(conn: Tx, office: ReportOffice, given: SpamReport, ip: str, language: Language, now: float) -> bool:
    """Keep a report and write to its address, in the caller's transaction; False where the client's network has sent
    too many. A mailbox that got letters enough gets none, and nobody is told."""
    secrets, limits = office.secrets, office.limits
    if _TRIED.reached(conn, "network", networks(secrets, ip), now - HOUR_S, limits.network_per_hour):
        return False
    hashes = mailboxes(secrets, given.address)
    often = _TRIED.reached(conn, "person", hashes, now - DAY_S, limits.mailbox_per_day)
    just_now = _TRIED.reached(conn, "person", hashes, now - MAILS_WAIT_S, 1)
    row = conn.execute(
        "INSERT INTO spam_report (at, network, person, address, message, sender, description)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            now,
            network(secrets, ip),
            mailbox(secrets, given.address),
            str(given.address),
            given.message[:MOST_MESSAGE],
            given.sender[:320],
            given.description[:MOST_TEXT],
        ),
    ).fetchone()
    if not often and not just_now:
        _ask(conn, office, int(row[0]), given.address, language, now)
    return True


def _ask(conn: Tx, office: ReportOffice, report_id: int, to: Address, language: Language, now: float) -> None:
    """Nothing of what was typed stands in the letter."""
    say = language.plain
    paragraphs = [
        say("mail.hello"),
        say("open.asked", date=language.date(now), operator=office.operator.name),
        f"{say('open.please')}\n{office.base_url}/report/confirm/{link(office.secrets, report_id, now)}",
        say("open.until", date=language.date(now + ANSWER_S)),
        say("open.not_you"),
    ]
    subject = say("open.subject")
    to_tenant.tell(
        conn, office.operator, str(to), language.code, subject, paragraphs, now=now, note="spam report: is it yours?"
    )


# --- confirming --------------------------------------------------------------------


def waiting(conn: Tx, report_id: int, at: float, now: float) -> bool:
    """Whether such a report waits for its address."""
    row = conn.execute("SELECT at, confirmed_at FROM spam_report WHERE id = ?", (report_id,)).fetchone()
    return row is not None and row[1] is None and millis(row[0]) == millis(at) and 0 <= now - at < ANSWER_S


def confirm(conn: Tx, office: ReportOffice, report_id: int, at: float, now: float) -> ReportOutcome | None:
    """The person answered: it counts, or goes to the desk; None where nothing waits (any more)."""
    if not waiting(conn, report_id, at, now):
        return None
    address, message, sender = conn.execute(
        "SELECT address, message, sender FROM spam_report WHERE id = ?", (report_id,)
    ).fetchone()
    found = tags.find(office.secrets, "", [message.encode("utf-8", "replace")]) if message else tags.FoundTags()
    mark = _own(conn, found.one, address) if found.one is not None else None
    outcome = ReportOutcome.DESK
    if mark is not None:
        finding = Finding(FeedbackKind.COMPLAINT, type="abuse", source="page")
        new = record(conn, Item(mark, finding), now, office.operator)
        outcome = ReportOutcome.COUNTED if new else ReportOutcome.NOTHING
    named = found.one.submission_id if found.one is not None else None
    tenant_id = _tenant_of(conn, named, sender)
    conn.execute(
        "UPDATE spam_report SET confirmed_at = ?, outcome = ?, tenant_id = ?, submission_id = ? WHERE id = ?",
        (now, outcome.value, tenant_id, named, report_id),
    )
    if outcome is ReportOutcome.DESK:
        _call(conn, office.operator, now)
    return outcome


def _own(conn: Tx, mark: Mark, address: str) -> Mark | None:
    """The mark of the person with that mailbox; another's message counts for nobody."""
    try:
        asked = parse_address(address)
    except AddressError:
        return None
    for number, subscriber_id, stored in _recipients(conn, mark):
        if subscriber_id and _same(stored, asked):
            return Mark(subscriber_id, mark.topic_id, mark.submission_id, number)
    return None


def _recipients(conn: Tx, mark: Mark) -> list[tuple[int, int, str]]:
    if is_shared(mark):
        return sharers(conn, mark.submission_id)
    return [(mark.number, mark.subscriber_id, address_of(conn, mark.subscriber_id) or "")]


def _same(stored: str, asked: Address) -> bool:
    from relay.people.mailbox import mailbox_of

    try:
        known = parse_address(stored)
    except AddressError:
        return False
    return (mailbox_of(known.canonical) or known.canonical) == (mailbox_of(asked.canonical) or asked.canonical)


def _tenant_of(conn: Tx, submission_id: int | None, sender: str) -> int | None:
    """Whose message it is, by its tag; else whose domain the sender's address has."""
    if submission_id is not None:
        row = conn.execute("SELECT tenant_id FROM submission WHERE id = ?", (submission_id,)).fetchone()
        if row is not None:
            return int(row[0])
    try:
        domain = parse_address(sender).domain
    except AddressError:
        return None
    while "." in domain:
        row = conn.execute(
            "SELECT tenant_id FROM domain WHERE name = ? AND verified_at IS NOT NULL", (domain,)
        ).fetchone()
        if row is not None:
            return int(row[0])
        domain = domain.partition(".")[2]
    return None


def _call(conn: Tx, operator: Operator, now: float) -> None:
    calls.call(
        conn,
        operator,
        "spam-report",
        "somebody reported spam",
        ["A report that names no message of ours to its own address waits: `relay reports` shows it."],
        now=now,
    )


# --- the desk ----------------------------------------------------------------------


def listing(conn: Tx, *, closed: bool = False, limit: int = 1_000) -> list[ReportRow]:
    """Confirmed reports that a person has to look at, the newest first; ``closed``: also those that were."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM spam_report r LEFT JOIN tenant t ON t.id = r.tenant_id"
        " WHERE r.confirmed_at IS NOT NULL AND (?1 = 1 OR (r.outcome = 'desk' AND r.closed_at IS NULL))"
        " ORDER BY r.id DESC LIMIT ?2",
        (int(closed), limit),
    )
    return [ReportRow(*row) for row in rows]


def by_id(conn: Tx, report_id: int) -> ReportRow:
    """RegistryError if there is none that was confirmed."""
    row: tuple[Any, ...] | None = conn.execute(
        f"SELECT {_COLUMNS} FROM spam_report r LEFT JOIN tenant t ON t.id = r.tenant_id"
        " WHERE r.id = ? AND r.confirmed_at IS NOT NULL",
        (report_id,),
    ).fetchone()
    if row is None:
        raise RegistryError(f"there is no report {report_id}; `relay reports` shows all")
    return ReportRow(*row)


def close(conn: Tx, report_id: int, note: str, *, actor: str, now: float) -> ReportRow:
    """Somebody has looked at it."""
    row = by_id(conn, report_id)
    said = " ".join(note.split())
    if not said or len(said) > MOST_TEXT or not said.isprintable():
        raise RegistryError("say in a line what came of the report")
    conn.execute(
        "UPDATE spam_report SET closed_at = ?, closed_by = ?, note = ? WHERE id = ?", (now, actor, said, report_id)
    )
    actions.record(conn, actor, "report-closed", None, {"report": report_id, "tenant": row.tenant, "note": said}, now)
    return by_id(conn, report_id)


def forget(conn: Tx, now: float, kept_s: float) -> int:
    """Delete what nobody confirmed in time, and what is older than ``kept_s``; a step at most, how many."""
    return conn.execute(
        "DELETE FROM spam_report WHERE id IN (SELECT id FROM spam_report WHERE at < ?1 - ?3"
        " OR (confirmed_at IS NULL AND at < ?1 - ?2) LIMIT 500)",
        (now, ANSWER_S, kept_s),
    ).rowcount


# --- links -------------------------------------------------------------------------


def link(secrets: Secrets, report_id: int, at: float) -> str:
    """For ``/report/confirm/…``."""
    return write_token(secrets, _PURPOSE, _LINK.pack(report_id, millis(at)))


def read_link(secrets: Secrets, token: str) -> tuple[int, float] | None:
    """(report's id, when it was made); None for anything forged, damaged or of another kind."""
    fields = read_token(secrets, _PURPOSE, token, _LINK)
    return None if fields is None else (fields[0], fields[1] / 1000)
