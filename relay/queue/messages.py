"""Messages as people look for them: newest first, by recipient, subject, state, tenant and time.

Submissions are walked by their key, which sorts by time, a piece at a time, so
that what was found is there at once and memory stays small; how many are
looked at for one answer has an end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from relay.mail.address import AddressError, parse_address, parse_domain
from relay.queue.view import LEASED
from relay.store.contract import Tx
from relay.values.ids import encode_id, first_id
from relay.values.states import State

PIECE: Final = 2_000
MOST_LOOKED_AT: Final = 1_000_000
"""Messages looked at for one answer: some seconds."""
_LAST: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What all must apply; times in seconds UTC, ``until`` with the whole of its second."""

    tenant_id: int | None = None
    recipient: str = ""
    """An address, ``@domain``, or a part of an address."""
    subject: str = ""
    """A part of it, in either case."""
    state: str = ""
    """Of at least one copy: a state's name in lower case, or ``leased``."""
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One submission in brief."""

    id: str
    accepted_at: float
    tenant: str
    stream: str
    topic: str
    campaign: str
    recipient: str
    """The one that was looked for, else the first."""
    recipients: int
    state: str
    """Of the only copy or of all; else how many are in which."""
    states: Mapping[str, int]
    subject: str
    message_id: str
    size_octets: int
    tag: str


@dataclass(slots=True)
class Looked:
    """How far one answer went: ``at`` is the time of the last message looked at, ``more`` says that older are left."""

    count: int = 0
    at: float | None = None
    more: bool = False


def newest(conn: Tx, wanted: Wanted, limit: int, looked: Looked) -> Iterator[SentMessage]:
    """Up to ``limit`` messages, newest first; fills ``looked`` in."""
    low = 0 if wanted.since is None else first_id(wanted.since)
    high = _LAST if wanted.until is None else first_id(int(wanted.until) + 1) - 1
    match = AddressMatch(wanted.recipient)
    left = limit
    while True:
        heads = conn.execute(
            "SELECT id, tenant_id, subject, accepted_at FROM submission WHERE id <= ? AND id >= ?"
            " ORDER BY id DESC LIMIT ?",
            (high, low, PIECE),
        ).fetchall()
        if not heads:
            return
        looked.count, looked.at, high = looked.count + len(heads), float(heads[-1][3]), int(heads[-1][0]) - 1
        found = [int(head[0]) for head in heads if _is_wanted(head, wanted)]
        if found and (wanted.recipient or wanted.state):
            copies = _copies(conn, found[-1], found[0], wanted.state, match)
            found = [id_ for id_ in found if id_ in copies]
        else:
            copies = {}
        for id_ in found[:left]:
            yield _message(conn, id_, copies.get(id_))
        left -= len(found)
        if left <= 0 or len(heads) < PIECE:
            return
        if looked.count >= MOST_LOOKED_AT:
            looked.more = True
            return


class AddressMatch:
    """Whether an address is the one looked for: an address, ``@domain``, or a part of an address."""

    def __init__(self, text: str) -> None:
        self.part = text.strip().casefold()
        self.domain = self.canonical = ""
        try:
            if self.part.startswith("@"):
                self.domain = parse_domain(self.part[1:])
            elif "@" in self.part:
                address = parse_address(text.strip())
                self.domain, self.canonical = address.domain, address.canonical
        except AddressError:
            self.domain = self.canonical = ""

    def __call__(self, address: str) -> bool:
        if not self.domain:
            return self.part in address.casefold()
        return not self.canonical or _canonical(address) == self.canonical


def _canonical(address: str) -> str:
    try:
        return parse_address(address).canonical
    except AddressError:
        return address.casefold()


def _is_wanted(head: tuple[Any, ...], wanted: Wanted) -> bool:
    if wanted.tenant_id is not None and head[1] != wanted.tenant_id:
        return False
    return not wanted.subject or wanted.subject.casefold() in head[2].casefold()


def _copies(conn: Tx, first: int, last: int, state: str, match: AddressMatch) -> dict[int, str]:
    """Of the submissions between these that have a copy as wanted, that copy's address."""
    where, values = "submission_id >= ? AND submission_id <= ?", list[object]((first, last))
    if match.domain:
        where += " AND domain = ?"
        values.append(match.domain)
    where += in_state(state)
    rows = conn.execute(
        f"SELECT submission_id, address FROM recipient WHERE {where} ORDER BY submission_id, number", values
    )
    found: dict[int, str] = {}
    for submission_id, address in rows:
        if submission_id not in found and match(address):
            found[submission_id] = address
    return found


def _message(conn: Tx, submission_id: int, address: str | None) -> SentMessage:
    row = conn.execute(
        "SELECT s.accepted_at, coalesce(t.name, ''), coalesce(st.name, ''), s.topic, coalesce(c.name, ''),"
        " coalesce((SELECT address FROM recipient WHERE submission_id = s.id ORDER BY number LIMIT 1), ''),"
        " s.subject, s.message_id, s.size_octets, s.tag FROM submission s LEFT JOIN tenant t ON t.id = s.tenant_id"
        " LEFT JOIN stream st ON st.id = s.stream_id LEFT JOIN campaign c ON c.id = s.campaign_id WHERE s.id = ?",
        (submission_id,),
    ).fetchone()
    counts = conn.execute(
        "SELECT CASE WHEN state = 0 AND owner IS NOT NULL THEN -1 ELSE state END AS shown, count(*)"
        " FROM recipient WHERE submission_id = ? GROUP BY shown ORDER BY shown",
        (submission_id,),
    ).fetchall()
    states = {LEASED if code < 0 else State(code).name.lower(): int(n) for code, n in counts}
    accepted_at, tenant, stream, topic, campaign, first, subject, message_id, size, tag = row
    return SentMessage(
        id=encode_id(submission_id),
        accepted_at=accepted_at,
        tenant=tenant,
        stream=stream,
        topic=topic,
        campaign=campaign,
        recipient=first if address is None else address,
        recipients=sum(states.values()),
        state=next(iter(states), "") if len(states) < 2 else ", ".join(f"{name} {n}" for name, n in states.items()),
        states=states,
        subject=subject,
        message_id=message_id,
        size_octets=size,
        tag=tag,
    )


def in_state(state: str, table: str = "") -> str:
    """The condition on a copy; ``state`` in lower case, or ``leased``; empty: any. ``table``: its name with a dot."""
    if state == LEASED:
        return f" AND {table}state = 0 AND {table}owner IS NOT NULL"
    if state == State.READY.name.lower():
        return f" AND {table}state = 0 AND {table}owner IS NULL"
    return f" AND {table}state = {int(State[state.upper()])}" if state else ""
