"""The stream of a tenant's events, made of what is there: nothing is written so that it can be read.

One row may tell of many copies: that a submission was taken, that a commit found
some delivered, that a verdict let some go. What the stream says of each is put
together from the message's and the copy's rows as it is read. An event has its
place in the stream from its row's id and its number within the row; both stay,
so whoever reads again finds the same. It goes with its row, or with the records
of its message, whichever goes first (``[retention]``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from relay.events import details
from relay.events.types import BESIDE, KINDS, kinds_of
from relay.events.write import TOLD
from relay.store.contract import Tx
from relay.values.ids import ID_LENGTH, decode_id, encode_id

StreamPlace = tuple[int, int]
"""Where an event stands in the stream: its row's id, and its number within the row."""
BEGIN: Final[StreamPlace] = (0, -1)
SCANNED: Final = 20_000
"""Rows of a tenant looked at for one page: where few are asked for, a page may be short, or empty, and not the last."""
ROWS: Final = 200
"""Read at a time."""
PREFIX: Final = "evt_"
_LAST: Final = 2**31
"""Behind all events of a row."""


class StreamEvent(msgspec.Struct, frozen=True, gc=False):
    """One event as a tenant is told of it; ``at`` in seconds UTC."""

    place: StreamPlace
    type: str
    at: float
    message: str | None
    recipient: str | None
    stream: str | None
    topic: str | None
    campaign: str | None
    tag: str | None
    meta: Mapping[str, str]
    detail: Mapping[str, Any]

    @property
    def id(self) -> str:
        return event_id(self.place)

    def members(self) -> dict[str, Any]:
        """As JSON has it, in the API and in webhooks."""
        return {
            "id": self.id,
            "type": self.type,
            "at": details.moment(self.at),
            "message": self.message,
            "recipient": self.recipient,
            "stream": self.stream,
            "topic": self.topic,
            "campaign": self.campaign,
            "tag": self.tag,
            "meta": dict(self.meta),
            "detail": dict(self.detail),
        }


def page_json(page: StreamPage, following: str) -> bytes:
    """A page as the API gives it; half characters out of other people's mail are replaced."""
    members = {"events": [event.members() for event in page.events], "next": following, "ended": page.ended}
    return details.encoded(members)


@dataclass(frozen=True, slots=True)
class StreamPage:
    """Some events; ``place``: to go on from. ``ended``: there was nothing beyond when it was read."""

    events: Sequence[StreamEvent]
    place: StreamPlace
    ended: bool


class EventRow(NamedTuple):
    """A row of ``event``."""

    id: int
    at: float
    kind: str
    submission_id: int | None
    number: int | None
    campaign_id: int | None
    detail: str


class _Message(NamedTuple):
    """What all copies of a message share."""

    stream: str | None
    topic: str
    campaign: str | None
    tag: str
    meta: str
    stream_id: int


class _Copy(NamedTuple):
    address: str
    state: int
    status: str
    remote: str


def event_id(place: StreamPlace) -> str:
    """The same event has the same one for ever; as an opaque word."""
    row, number = place
    return f"{PREFIX}{encode_id(row)}" + (f"_{number}" if number else "")


def place_of(text: str) -> StreamPlace:
    """Where the event of that id stands; raises ValueError."""
    word, _, number = text.removeprefix(PREFIX).partition("_")
    if not text.startswith(PREFIX) or len(word) != ID_LENGTH or not (number or "0").isdecimal() or len(number) > 9:
        raise ValueError(f"{text[:60]!r} is no id of an event")
    return decode_id(word), int(number or 0)


def read(
    conn: Tx,
    tenant_id: int,
    after: StreamPlace = BEGIN,
    *,
    types: frozenset[str] = frozenset(),
    wanted: Callable[[StreamEvent], bool] | None = None,
    limit: int = 100,
    scanned: int = SCANNED,
) -> StreamPage:
    """The next events behind ``after``, oldest first; ``types`` empty: all, ``wanted``: those of them."""
    first = after[0] + (after[1] >= _LAST)
    beyond = conn.execute(
        "SELECT id FROM event WHERE tenant_id = ? AND id >= ? ORDER BY id LIMIT 1 OFFSET ?",
        (tenant_id, first, scanned),
    ).fetchone()
    # What comes in while this is read is for the next page.
    top = head(conn, tenant_id)[0] + 1 if beyond is None else int(beyond[0])
    found: list[StreamEvent] = []
    for rows in _rows(conn, tenant_id, first, top, types):
        for event in _Made(conn, tenant_id, rows).events():
            if event.place <= after or (types and event.type not in types) or (wanted and not wanted(event)):
                continue
            if len(found) == limit:
                return StreamPage(found, found[-1].place, False)
            found.append(event)
    return StreamPage(found, max(after, (top - 1, _LAST)), beyond is None)


def one(conn: Tx, tenant_id: int, place: StreamPlace) -> StreamEvent | None:
    """The event that stands there, None if it is gone or another tenant's."""
    rows = _select(conn, "id = ?", (tenant_id, place[0]), 1)
    return next((event for event in _Made(conn, tenant_id, rows).events() if event.place == place), None)


def head(conn: Tx, tenant_id: int) -> StreamPlace:
    """The place behind all there is now: what happens from here on comes after it."""
    row = conn.execute("SELECT max(id) FROM event WHERE tenant_id = ?", (tenant_id,)).fetchone()
    return BEGIN if row[0] is None else (int(row[0]), _LAST)


def since(conn: Tx, tenant_id: int, at: float) -> StreamPlace:
    """The place before the first row of that time or later; rows are nearly in the order of time."""
    row = conn.execute("SELECT min(id) FROM event WHERE tenant_id = ? AND at >= ?", (tenant_id, at)).fetchone()
    return head(conn, tenant_id) if row[0] is None else (int(row[0]), -1)


# --- reading rows ------------------------------------------------------------------


def _rows(conn: Tx, tenant_id: int, first: int, top: int, types: frozenset[str]) -> Iterator[list[EventRow]]:
    """Rows from ``first`` on and before ``top``, in steps."""
    kinds = kinds_of(types) if types else sorted(KINDS)
    where = f"id >= ? AND id < ? AND kind IN ({','.join('?' * len(kinds))})"
    while True:
        rows = _select(conn, where, (tenant_id, first, top, *kinds), ROWS)
        if not rows:
            return
        yield rows
        first = rows[-1].id + 1


def _select(conn: Tx, where: str, values: tuple[object, ...], most: int) -> list[EventRow]:
    sql = (
        "SELECT id, at, kind, submission_id, number, campaign_id, detail FROM event"
        f" WHERE tenant_id = ? AND {where} ORDER BY id LIMIT ?"
    )
    return [EventRow(*row) for row in conn.execute(sql, (*values, most))]


# --- making events of them ------------------------------------------------------------


class _Made:
    """The events of some rows, with what they need of other tables read together."""

    def __init__(self, conn: Tx, tenant_id: int, rows: Sequence[EventRow]) -> None:
        self._tenant_id = tenant_id
        self._rows = [row for row in rows if row.kind in KINDS]
        self._told = {row.id: details.copies(row.detail) for row in self._rows if row.number == TOLD}
        named = {row.submission_id for row in self._rows if row.submission_id is not None}
        named |= {copy[2] for told in self._told.values() for copy in told}
        whole = {row.submission_id for row in self._rows if row.kind == "accepted" and row.submission_id is not None}
        self._messages = {key: _Message(*rest) for key, *rest in _of_messages(conn, sorted(named))}
        self._copies: dict[int, dict[int, _Copy]] = {}
        wanted = [(row.submission_id, row.number) for row in self._rows if row.submission_id not in (None, *whole)]
        wanted += [(copy[2], copy[3]) for told in self._told.values() for copy in told if copy[2] not in whole]
        for submission_id, number, *rest in _of_copies(conn, sorted(whole), wanted):
            self._copies.setdefault(submission_id, {})[number] = _Copy(*rest)
        self._returned = _returned(conn, self._came_back())
        campaigns = {row.campaign_id for row in self._rows if row.campaign_id is not None and row.submission_id is None}
        self._campaigns = _names(conn, sorted(campaigns))

    def events(self) -> Iterator[StreamEvent]:
        for row in self._rows:
            if row.number == TOLD:
                yield from self._of_told(row)
            elif row.submission_id is None:
                yield from self._of_account(row)
            elif row.submission_id in self._messages:
                yield from self._accepted(row) if row.kind == "accepted" else self._of_copy(row)

    def _came_back(self) -> list[tuple[int, int]]:
        """Copies that were told to be delivered, and whose rows say now that they came back."""
        found = []
        for row in self._rows:
            for copy in self._told.get(row.id, ()) if row.kind == "delivered" else ():
                now = self._copies.get(copy[2], {}).get(copy[3])
                if now is not None and now.state == details.BOUNCED:
                    found.append((copy[2], copy[3]))
        return found

    def _of_told(self, row: EventRow) -> Iterator[StreamEvent]:
        for index, (_, _, submission_id, number) in enumerate(self._told[row.id]):
            copy = self._copies.get(submission_id, {}).get(number)
            if copy is None or submission_id not in self._messages:
                continue
            detail: Mapping[str, Any] = {}
            if row.kind == "delivered":
                said = (copy.status, copy.remote)
                if copy.state == details.BOUNCED:
                    taken = self._returned.get((submission_id, number))
                    if taken is None:
                        continue  # its report was here first: it never counted as delivered
                    said = taken
                detail = details.delivered(*said)
            yield self._event(row, index, KINDS[row.kind], submission_id, copy.address, detail)

    def _accepted(self, row: EventRow) -> Iterator[StreamEvent]:
        assert row.submission_id is not None
        copies = self._copies.get(row.submission_id, {})
        told = details.parsed(row.detail)
        for number in sorted(copies):
            yield self._event(row, number, "accepted", row.submission_id, copies[number].address, {})
        if not told.get("held"):
            return
        which = told.get("which")
        bits = int(which, 16) if isinstance(which, str) else -1
        held = details.held_at_once(told)
        for number in sorted(copies):
            if bits >> number & 1:
                index = len(copies) + number
                yield self._event(row, index, BESIDE["accepted"], row.submission_id, copies[number].address, held)

    def _of_copy(self, row: EventRow) -> Iterator[StreamEvent]:
        assert row.submission_id is not None
        told = details.parsed(row.detail)
        copy = self._copies.get(row.submission_id, {}).get(-1 if row.number is None else row.number)
        address = copy.address if copy is not None else details.address(told)
        yield self._event(row, 0, KINDS[row.kind], row.submission_id, address, details.of(row.kind, told))
        if row.kind in BESIDE and told.get("ended", True):
            detail = details.of("consent.withdrawn", told)
            yield self._event(row, 1, BESIDE[row.kind], row.submission_id, address, detail)

    def _of_account(self, row: EventRow) -> Iterator[StreamEvent]:
        told = details.parsed(row.detail)
        yield self._bare(row, 0, KINDS[row.kind], told, details.of(row.kind, told))
        if row.kind in BESIDE and told.get("ended", True):
            yield self._bare(row, 1, BESIDE[row.kind], told, details.of("consent.withdrawn", told))

    def _bare(
        self, row: EventRow, index: int, type_: str, told: Mapping[str, Any], detail: Mapping[str, Any]
    ) -> StreamEvent:
        """One that belongs to no message of which there are records."""
        name = None if row.campaign_id is None else self._campaigns.get(row.campaign_id)
        return StreamEvent(
            place=(row.id, index),
            type=type_,
            at=row.at,
            message=None,
            recipient=details.address(told),
            stream=details.word(told, "stream"),
            topic=details.word(told, "topic"),
            campaign=name or details.word(told, "campaign"),
            tag=details.word(told, "tag"),
            meta=told.get("meta") or {},
            detail=detail,
        )

    def _event(
        self,
        row: EventRow,
        index: int,
        type_: str,
        submission_id: int,
        address: str | None,
        detail: Mapping[str, Any],
    ) -> StreamEvent:
        message = self._messages[submission_id]
        return StreamEvent(
            place=(row.id, index),
            type=type_,
            at=row.at,
            message=encode_id(submission_id),
            recipient=address,
            stream=message.stream,
            topic=message.topic or None,
            campaign=message.campaign,
            tag=message.tag or None,
            meta=details.parsed(message.meta),
            detail=detail,
        )


_MOST_NAMED: Final = 500
"""Values in one statement."""


def _of_messages(conn: Tx, ids: Sequence[int | None]) -> Iterator[tuple[Any, ...]]:
    """Notices of the relay's own (stream 0) aren't the tenant's mail."""
    for some in _steps(ids):
        yield from conn.execute(
            "SELECT s.id, st.name, s.topic, c.name, s.tag, s.meta, s.stream_id FROM submission s"
            " LEFT JOIN stream st ON st.id = s.stream_id LEFT JOIN campaign c ON c.id = s.campaign_id"
            f" WHERE s.stream_id <> 0 AND s.id IN ({','.join('?' * len(some))})",
            some,
        )


_COPY: Final = "SELECT submission_id, number, address, state, status, remote FROM recipient WHERE "


def _of_copies(
    conn: Tx, whole: Sequence[int | None], single: Sequence[tuple[int | None, int | None]]
) -> Iterator[tuple[Any, ...]]:
    for some in _steps(whole):
        yield from conn.execute(f"{_COPY} submission_id IN ({','.join('?' * len(some))})", some)
    pairs = sorted({(key, number) for key, number in single if key is not None and number is not None})
    for begin in range(0, len(pairs), _MOST_NAMED // 2):
        part = pairs[begin : begin + _MOST_NAMED // 2]
        places = ",".join(["(?,?)"] * len(part))
        values = [value for pair in part for value in pair]
        yield from conn.execute(f"{_COPY} (submission_id, number) IN (VALUES {places})", values)


def _returned(conn: Tx, copies: Sequence[tuple[int, int]]) -> dict[tuple[int, int], tuple[str, str]]:
    """What was said at the delivery of copies that came back later."""
    found = {}
    for submission_id, number in copies:
        row = conn.execute(
            "SELECT detail FROM event WHERE submission_id = ? AND number = ? AND kind = 'returned' ORDER BY id LIMIT 1",
            (submission_id, number),
        ).fetchone()
        told = {} if row is None else details.parsed(row[0])
        if "status" in told:
            found[submission_id, number] = str(told["status"]), str(told.get("remote", ""))
    return found


def _names(conn: Tx, ids: Sequence[int | None]) -> dict[int, str]:
    found: dict[int, str] = {}
    for some in _steps(ids):
        found |= dict(
            conn.execute(f"SELECT id, name FROM campaign WHERE id IN ({','.join('?' * len(some))})", some).fetchall()
        )
    return found


def _steps(ids: Sequence[int | None]) -> Iterator[Sequence[int | None]]:
    for begin in range(0, len(ids), _MOST_NAMED):
        yield ids[begin : begin + _MOST_NAMED]
