"""What was tried and what is to be tried again; all functions work in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from relay.events import stream
from relay.events.stream import StreamPlace
from relay.store import marks
from relay.store.contract import Tx
from relay.values.errors import RegistryError
from relay.webhooks.book import MARK, WebhookRow

MOST_KEPT: Final = 10_000
"""Tries of one webhook that are kept."""
KEPT_S: Final = 14 * 86_400.0
MOST_AGAIN: Final = 100_000
"""Events that one replay may name."""
SAYS: Final = 1_000
"""Characters of an answer that are kept of a failure, a fifth of them of a success."""
STEP: Final = 1_000


class WebhookTry(msgspec.Struct, frozen=True, gc=False):
    """One try and its answer."""

    webhook_id: int
    place: StreamPlace
    type: str
    at: float
    number: int
    """1: the first."""
    status: int
    """0: no answer."""
    took_ms: int
    says: str

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class DueAgain(msgspec.Struct, frozen=True, gc=False):
    """An event that is to be tried again."""

    place: StreamPlace
    tries: int
    """So far."""
    due_at: float


@dataclass(frozen=True, slots=True)
class ReplayWish:
    """Which events are to be sent once more: by id, or those of a time, of which ``failed`` leaves who was not told."""

    ids: Sequence[str] = ()
    since: float | None = None
    until: float | None = None
    failed: bool = False


def write(conn: Tx, tries: Iterable[WebhookTry]) -> None:
    """Keep what was tried."""
    conn.executemany(
        "INSERT INTO webhook_try (webhook_id, at_row, at_number, type, at, number, status, took_ms, says)"
        " SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM webhook WHERE id = ?)",
        [
            (
                one.webhook_id,
                *one.place,
                one.type,
                one.at,
                one.number,
                one.status,
                one.took_ms,
                one.says[: SAYS // 5 if one.ok else SAYS],
                one.webhook_id,
            )
            for one in tries
        ],
    )


def again(conn: Tx, webhook_id: int, due: Iterable[DueAgain]) -> None:
    """Try these once more."""
    conn.executemany(
        "INSERT INTO webhook_again (webhook_id, at_row, at_number, tries, due_at) SELECT ?, ?, ?, ?, ?"
        " WHERE EXISTS (SELECT 1 FROM webhook WHERE id = ?) ON CONFLICT (webhook_id, at_row, at_number)"
        " DO UPDATE SET tries = excluded.tries, due_at = excluded.due_at",
        [(webhook_id, *one.place, one.tries, one.due_at, webhook_id) for one in due],
    )


def over(conn: Tx, webhook_id: int, done: Iterable[tuple[StreamPlace, float]]) -> None:
    """The tries that were due by then are done; one that was asked for meanwhile stays."""
    conn.executemany(
        "DELETE FROM webhook_again WHERE webhook_id = ? AND at_row = ? AND at_number = ? AND due_at <= ?",
        [(webhook_id, *place, due_at) for place, due_at in done],
    )


def due(conn: Tx, webhook_id: int, now: float, most: int) -> list[DueAgain]:
    """What is to be tried again by now, the longest due first."""
    rows = conn.execute(
        "SELECT at_row, at_number, tries, due_at FROM webhook_again WHERE webhook_id = ? AND due_at <= ?"
        " ORDER BY due_at LIMIT ?",
        (webhook_id, now, most),
    )
    return [DueAgain((row, number), tries, due_at) for row, number, tries, due_at in rows]


def waiting(conn: Tx, webhook_id: int) -> tuple[int, float | None]:
    """How many wait for another try, and when the first of them is due."""
    row = conn.execute("SELECT count(*), min(due_at) FROM webhook_again WHERE webhook_id = ?", (webhook_id,)).fetchone()
    return int(row[0]), row[1]


def log(conn: Tx, webhook_id: int, *, before: int | None = None, limit: int = 100) -> list[tuple[int, WebhookTry]]:
    """Tries with their numbers in the log, the newest first; ``before``: older than that number."""
    rows = conn.execute(
        "SELECT id, at_row, at_number, type, at, number, status, took_ms, says FROM webhook_try"
        " WHERE webhook_id = ? AND (? IS NULL OR id < ?) ORDER BY id DESC LIMIT ?",
        (webhook_id, before, before, limit),
    )
    return [
        (id_, WebhookTry(webhook_id, (at_row, at_number), type_, at, number, status, took_ms, says))
        for id_, at_row, at_number, type_, at, number, status, took_ms, says in rows
    ]


def replay(conn: Tx, webhook: WebhookRow, wish: ReplayWish, now: float) -> int:
    """Send events once more, now; how many. Raises RegistryError for ids that there aren't."""
    if wish.since is not None and wish.until is not None and wish.until < wish.since:
        raise RegistryError("until lies before since")
    places = _named(conn, webhook, wish.ids) if wish.ids else _between(conn, webhook, wish)
    again(conn, webhook.id, [DueAgain(place, 0, now) for place in places])
    marks.move(conn, MARK)
    return len(places)


def _named(conn: Tx, webhook: WebhookRow, ids: Sequence[str]) -> list[StreamPlace]:
    places = []
    for text in ids:
        try:
            place = stream.place_of(text.strip())
        except ValueError as error:
            raise RegistryError(str(error)) from None
        if stream.one(conn, webhook.tenant_id, place) is None:
            raise RegistryError(f"there is no event {text[:60]!r} (any more)")
        places.append(place)
    return places


def _between(conn: Tx, webhook: WebhookRow, wish: ReplayWish) -> list[StreamPlace]:
    """Of a range all that the webhook wants, in order."""
    if wish.failed:
        return _failed(conn, webhook, wish)
    if wish.since is None:
        raise RegistryError("say which events: by id, or since when")
    place = stream.since(conn, webhook.tenant_id, wish.since)
    found: list[StreamPlace] = []
    while True:
        page = stream.read(conn, webhook.tenant_id, place, types=webhook.types, limit=STEP)
        for event in page.events:
            if wish.since <= event.at and (wish.until is None or event.at <= wish.until):
                found.append(event.place)
        if len(found) > MOST_AGAIN:
            raise RegistryError(f"that is more than {MOST_AGAIN} events; name a shorter time")
        if page.ended:
            return found
        place = page.place


def _failed(conn: Tx, webhook: WebhookRow, wish: ReplayWish) -> list[StreamPlace]:
    """Events whose last try that is on record failed."""
    rows = conn.execute(
        "SELECT t.at_row, t.at_number FROM webhook_try t WHERE t.webhook_id = ? AND (? IS NULL OR t.at >= ?)"
        " AND (? IS NULL OR t.at <= ?) GROUP BY t.at_row, t.at_number"
        " HAVING max(CASE WHEN t.status >= 200 AND t.status < 300 THEN 1 ELSE 0 END) = 0"
        " ORDER BY t.at_row, t.at_number LIMIT ?",
        (webhook.id, wish.since, wish.since, wish.until, wish.until, MOST_AGAIN),
    )
    return [(int(row), int(number)) for row, number in rows]


def forget(conn: Tx, now: float) -> int:
    """Delete tries past their time, and what is too many of one webhook; how many."""
    deleted = conn.execute("DELETE FROM webhook_try WHERE at < ?", (now - KEPT_S,)).rowcount
    for (webhook_id,) in conn.execute("SELECT id FROM webhook").fetchall():
        deleted += trim(conn, webhook_id)
    return deleted


def trim(conn: Tx, webhook_id: int) -> int:
    """Keep the newest MOST_KEPT of one webhook."""
    row = conn.execute(
        "SELECT id FROM webhook_try WHERE webhook_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?", (webhook_id, MOST_KEPT)
    ).fetchone()
    if row is None:
        return 0
    return conn.execute("DELETE FROM webhook_try WHERE webhook_id = ? AND id <= ?", (webhook_id, row[0])).rowcount
