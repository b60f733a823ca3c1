"""One turn at the store: what was tried is written down, and what is next is read. In a thread, by one caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from relay.events import stream
from relay.events.stream import StreamEvent, StreamPage, StreamPlace
from relay.keys.secrets import Secrets, SecretsError
from relay.queue.operator import Operator
from relay.store import marks
from relay.store.contract import Tx
from relay.store.database import reading, transaction
from relay.values.errors import RegistryError
from relay.webhooks import book, letter, tries
from relay.webhooks.address import WebhookAddress, address_of
from relay.webhooks.book import WebhookRow
from relay.webhooks.keys import WebhookKey
from relay.webhooks.tries import DueAgain, WebhookTry

SigningKeys = Sequence[tuple[WebhookKey, float | None]]


@dataclass(slots=True)
class CallOutcome:
    """What is to be written of one webhook."""

    row: WebhookRow
    log: list[WebhookTry]
    again: list[DueAgain]
    over: list[tuple[StreamPlace, float]]
    place: StreamPlace
    failing_since: float | None
    paused_until: float | None
    ended: str
    """Word of the letter, empty if it goes on."""

    @property
    def last(self) -> str:
        """What its server said last."""
        if not self.log:
            return ""
        one = self.log[-1]
        return f"{one.status} {one.says[:200]}".strip() if one.status else one.says[:200]


@dataclass(slots=True)
class TurnWish:
    """``reads``: webhook, from where, how many, which types. ``dues``: webhook, how many."""

    outcomes: list[CallOutcome] = field(default_factory=list)
    reads: list[tuple[WebhookRow, StreamPlace, int]] = field(default_factory=list)
    dues: list[tuple[int, int, int]] = field(default_factory=list)
    """(webhook, its tenant, how many)"""
    mark: int | None = None
    """As of when webhooks were read."""
    seen: int = 0
    """The newest event seen."""


@dataclass(frozen=True, slots=True)
class LiveWebhook:
    """A webhook with all that it takes to call it; ``fault`` says why that can't be done."""

    row: WebhookRow
    address: WebhookAddress | None
    keys: SigningKeys
    waiting: tuple[int, float | None]
    fault: str = ""


@dataclass(slots=True)
class TurnResult:
    """What was found."""

    mark: int | None
    seen: int
    live: list[LiveWebhook] | None = None
    """All of them, where something changed."""
    awake: set[int] = field(default_factory=set)
    """Tenants of whom something happened."""
    pages: list[tuple[int, StreamPage]] = field(default_factory=list)
    dues: list[tuple[int, list[tuple[DueAgain, StreamEvent | None]], float | None]] = field(default_factory=list)


def take(
    conn: Tx, secrets: Secrets, operator: Operator, wish: TurnWish, *, allow_private: bool, now: float
) -> TurnResult:
    """Do it; raises what the store raises, then nothing of it is written."""
    if wish.outcomes:
        with transaction(conn):
            for outcome in wish.outcomes:
                _write(conn, operator, outcome, now)
    with reading(conn):
        found = TurnResult(marks.read(conn, book.MARK), _newest(conn))
        if found.mark != wish.mark:
            found.live = [_live(conn, secrets, row, allow_private, now) for row in book.live(conn)]
        if found.seen > wish.seen:
            found.awake = _awake(conn, wish.seen, found.seen)
        for row, place, most in wish.reads:
            page = stream.read(conn, row.tenant_id, place, types=row.types, limit=most)
            found.pages.append((row.id, page))
        for webhook_id, tenant_id, most in wish.dues:
            due = tries.due(conn, webhook_id, now, most)
            events = [(one, stream.one(conn, tenant_id, one.place)) for one in due]
            found.dues.append((webhook_id, events, now if len(due) == most else _next_due(conn, webhook_id, now)))
    return found


def _write(conn: Tx, operator: Operator, outcome: CallOutcome, now: float) -> None:
    webhook_id = outcome.row.id
    tries.write(conn, outcome.log)
    tries.over(conn, webhook_id, outcome.over)
    tries.again(conn, webhook_id, outcome.again)
    conn.execute(
        "UPDATE webhook SET at_row = ?, at_number = ?, failing_since = ?, paused_until = ? WHERE id = ?",
        (*outcome.place, outcome.failing_since, outcome.paused_until, webhook_id),
    )
    if outcome.ended:
        letter.ended(conn, operator, outcome.row, outcome.ended, outcome.last, now)


def _newest(conn: Tx) -> int:
    return int(conn.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0])


MOST_LOOKED: int = 20_000


def _awake(conn: Tx, after: int, until: int) -> set[int]:
    """Whose events came in; all of them after a long while (-1)."""
    if until - after > MOST_LOOKED:
        return {-1}
    rows = conn.execute("SELECT DISTINCT tenant_id FROM event WHERE id > ? AND id <= ?", (after, until))
    return {int(row[0]) for row in rows}


def _live(conn: Tx, secrets: Secrets, row: WebhookRow, allow_private: bool, now: float) -> LiveWebhook:
    waiting = tries.waiting(conn, row.id)
    try:
        address = address_of(row.url, allow_private=allow_private)
        return LiveWebhook(row, address, book.signing(conn, secrets, row.id, now), waiting)
    except (RegistryError, SecretsError) as error:
        return LiveWebhook(row, None, (), waiting, str(error))


def _next_due(conn: Tx, webhook_id: int, now: float) -> float | None:
    row = conn.execute(
        "SELECT min(due_at) FROM webhook_again WHERE webhook_id = ? AND due_at > ?", (webhook_id, now)
    ).fetchone()
    return None if row[0] is None else float(row[0])
