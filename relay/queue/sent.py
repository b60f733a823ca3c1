"""A tenant's own messages as its applications look for them: newest first, page by page, by what they named.

They are walked by the tenant's events of acceptance, a piece at a time, so
that other tenants' mail costs nothing; how many are looked at for one page has
an end, and a page may then hold fewer and still name a next one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from relay.queue.drop import QueuedCopy, give_up
from relay.queue.messages import AddressMatch, in_state
from relay.queue.view import LEASED
from relay.store.contract import Tx
from relay.values.ids import encode_id
from relay.values.states import State

PIECE: Final = 2_000
MOST_LOOKED_AT: Final = 20_000
"""Messages looked at for one page."""
MOST_S: Final = 0.04
"""So long another piece is begun: on a busy machine fewer are looked at, and the page is there as soon."""
Reached = tuple[float, int]
"""How far a page went: time and id of the last event looked at."""


@dataclass(frozen=True, slots=True)
class SentWanted:
    """What all must apply; empty: anything. Times in seconds UTC."""

    recipient: str = ""
    """An address, ``@domain``, or a part of an address."""
    tag: str = ""
    campaign: str = ""
    state: str = ""
    """Of at least one copy: a state's name in lower case, or ``leased``."""
    since: float | None = None
    until: float | None = None
    subject: str = ""
    """A part of it, in either case."""

    @property
    def narrows(self) -> bool:
        """Not every message applies."""
        return bool(self.recipient or self.tag or self.campaign or self.state or self.subject)


@dataclass(frozen=True, slots=True)
class OwnSent:
    """One message as its tenant sees it."""

    id: str
    message_id: str
    accepted_at: float
    stream: str
    topic: str
    campaign: str
    tag: str
    subject: str
    size_octets: int
    states: Mapping[str, int]
    meta: Mapping[str, str]
    expires_at: float
    due_at: float | None
    """When the earliest copy that waits is due; None: none does."""
    last_at: float | None
    """The last moment that the application named; None: ``expires_at`` goes along with when it is sent."""


_WALKED: Final = (
    "FROM event e WHERE e.tenant_id = ? AND e.kind = 'accepted' AND e.at >= ? AND e.at <= ? AND (e.at < ? OR e.id < ?)"
    " ORDER BY e.at DESC, e.id DESC LIMIT ?"
)
_SUBJECT: Final = "(SELECT s.subject FROM submission s WHERE s.id = e.submission_id)"


def page(
    conn: Tx, tenant_id: int, wanted: SentWanted, after: Reached | None, limit: int
) -> tuple[list[OwnSent], Reached | None]:
    """Up to ``limit`` messages behind ``after``, and where the next page begins; None: there is none."""
    since, until = wanted.since or 0.0, 9e18 if wanted.until is None else wanted.until
    at, last = (until, (1 << 62)) if after is None else after
    applies, bound = _condition(tenant_id, wanted)
    # The store itself looks: a message that doesn't apply costs no statement of its own.
    told = _SUBJECT if wanted.subject else "''"
    sql = f"SELECT e.at, e.id, e.submission_id, CASE WHEN {applies} THEN 1 ELSE 0 END, {told} {_WALKED}"
    piece = PIECE if wanted.narrows else limit + 1
    part = wanted.subject.casefold()
    found: list[OwnSent] = []
    looked, end = 0, time.monotonic() + MOST_S
    while True:
        rows = conn.execute(sql, (*bound, tenant_id, since, min(at, until), at, last, piece)).fetchall()
        for place, (event_at, event_id, submission_id, hit, subject) in enumerate(rows):
            at, last = float(event_at), int(event_id)
            if not hit or (part and part not in str(subject).casefold()) or not _reaches(conn, submission_id, wanted):
                continue
            found.append(one(conn, tenant_id, submission_id))
            if len(found) == limit:
                more = place + 1 < len(rows) or len(rows) == piece
                return found, (at, last) if more else None
        looked += len(rows)
        if len(rows) < piece:
            return found, None
        if looked >= MOST_LOOKED_AT or time.monotonic() >= end:
            return found, (at, last)


def _condition(tenant_id: int, wanted: SentWanted) -> tuple[str, list[object]]:
    """What all must apply to a message, and the values in it; of a recipient as much as both engines read alike."""
    where, bound = list[str](), list[object]()
    if wanted.campaign:
        where.append("e.campaign_id IN (SELECT id FROM campaign WHERE tenant_id = ? AND name = ?)")
        bound += [tenant_id, wanted.campaign]
    if wanted.recipient or wanted.state:
        copy, values = _copy(wanted)
        where.append(f"EXISTS (SELECT 1 FROM recipient r WHERE r.submission_id = e.submission_id{copy})")
        bound += values
    # The last, since most fail before: the message is there still, and none to the tenant itself.
    tag = " AND s.tag = ?" if wanted.tag else ""
    where.append(f"EXISTS (SELECT 1 FROM submission s WHERE s.id = e.submission_id AND s.stream_id <> 0{tag})")
    bound += [wanted.tag] if wanted.tag else []
    return " AND ".join(where), bound


def place(conn: Tx, tenant_id: int, submission_id: int) -> Reached | None:
    """Where a page begins that follows that message; None: its acceptance is on record no more."""
    row = conn.execute(
        "SELECT at, id FROM event WHERE submission_id = ? AND tenant_id = ? AND kind = 'accepted' ORDER BY id LIMIT 1",
        (submission_id, tenant_id),
    ).fetchone()
    return None if row is None else (float(row[0]), int(row[1]))


def _copy(wanted: SentWanted) -> tuple[str, list[object]]:
    """Of a copy: its state, and to whom it is, as far as both engines read it alike."""
    state = in_state(wanted.state, "r.")
    match = AddressMatch(wanted.recipient)
    if match.canonical.isascii() and match.canonical:
        where = f"{state} AND r.domain = ? AND (lower(r.address) = ? OR substr(r.address, 1, 1) = '\"')"
        return where, [match.domain, match.canonical]
    if match.domain:  # beyond ASCII the engines differ in what is lower case
        return f"{state} AND r.domain = ?", [match.domain]
    if match.part and match.part.isascii():
        part = match.part.replace("!", "!!").replace("%", "!%").replace("_", "!_")
        return f"{state} AND lower(r.address) LIKE ? ESCAPE '!'", [f"%{part}%"]
    return state, []


def _reaches(conn: Tx, submission_id: int, wanted: SentWanted) -> bool:
    """Whether a copy is to whom is looked for."""
    if not wanted.recipient:
        return True
    match = AddressMatch(wanted.recipient)
    sql = f"SELECT r.address FROM recipient r WHERE r.submission_id = ?{in_state(wanted.state, 'r.')}"
    return any(match(str(address)) for (address,) in conn.execute(sql, (submission_id,)))


def _shown(code: int) -> str:
    return LEASED if code < 0 else State(code).name.lower()


def one(conn: Tx, tenant_id: int, submission_id: int) -> OwnSent:
    """Raises KeyError for a message that isn't there, or another tenant's."""
    row = conn.execute(
        "SELECT s.message_id, s.accepted_at, coalesce(m.name, ''), s.topic, coalesce(c.name, ''), s.tag, s.subject,"
        " s.size_octets, s.meta, s.expires_at, s.last_at FROM submission s LEFT JOIN stream m ON m.id = s.stream_id"
        " LEFT JOIN campaign c ON c.id = s.campaign_id WHERE s.id = ? AND s.tenant_id = ? AND s.stream_id <> 0",
        (submission_id, tenant_id),
    ).fetchone()
    if row is None:
        raise KeyError(submission_id)
    message_id, accepted_at, stream, topic, campaign, tag, subject, size, meta, expires_at, last_at = row
    counts = conn.execute(
        "SELECT CASE WHEN state = 0 AND owner IS NOT NULL THEN -1 ELSE state END AS shown, count(*), min(due_at)"
        " FROM recipient WHERE submission_id = ? GROUP BY shown ORDER BY shown",
        (submission_id,),
    ).fetchall()
    waits = [float(due) for code, _, due in counts if code in (0, 1)]
    return OwnSent(
        id=encode_id(submission_id),
        message_id=message_id,
        accepted_at=accepted_at,
        stream=stream,
        topic=topic,
        campaign=campaign,
        tag=tag,
        subject=subject,
        size_octets=size,
        states={_shown(int(code)): int(count) for code, count, _ in counts},
        meta=json.loads(meta) if meta else {},
        expires_at=expires_at,
        last_at=last_at,
        due_at=min(waits, default=None),
    )


# --- changing what hasn't left -------------------------------------------------------


def _open(conn: Tx, submission_id: int) -> list[QueuedCopy]:
    rows: Sequence[Any] = conn.execute(
        "SELECT submission_id, number, tenant_id, campaign_id FROM recipient WHERE submission_id = ?"
        " AND (state = 1 OR state = 0 AND owner IS NULL) ORDER BY number",
        (submission_id,),
    ).fetchall()
    return [QueuedCopy(*row) for row in rows]


def cancel(conn: Tx, submission_id: int, actor: str, now: float) -> int:
    """Drop the copies that haven't left and aren't being delivered; how many. In the caller's transaction."""
    return len(give_up(conn, _open(conn, submission_id), State.CANCELLED, "cancelled by the application", actor, now))


def reschedule(conn: Tx, submission_id: int, send_at: float | None, last_at: float | None, now: float) -> int:
    """Move the copies that were never tried to another time, and their end; how many. In the caller's transaction.

    Expiry counts from when a message is to be sent.
    """
    waiting = "submission_id = ? AND attempts = 0 AND (state = 1 OR state = 0 AND owner IS NULL)"
    before = conn.execute(f"SELECT count(*), min(due_at) FROM recipient WHERE {waiting}", (submission_id,)).fetchone()
    if not before[0]:
        return 0
    if send_at is not None:
        due_at = max(now, send_at)
        conn.execute(f"UPDATE recipient SET due_at = ? WHERE {waiting}", (due_at, submission_id))
        conn.execute(
            "UPDATE submission SET expires_at = expires_at + ? WHERE id = ? AND last_at IS NULL",
            (due_at - before[1], submission_id),
        )
    if last_at is not None:
        conn.execute(
            "UPDATE submission SET expires_at = ?, last_at = ? WHERE id = ?", (last_at, last_at, submission_id)
        )
    return int(before[0])
