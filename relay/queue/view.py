"""Reading the queue: what stands in it, copy by copy or added up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from relay.queue.admin import Selection
from relay.queue.held import word
from relay.store.contract import Tx
from relay.values.states import State

LEASED: Final = "leased"
"""Shown instead of ``ready`` while a copy is being delivered."""
NAMES: Final = tuple(state.name.lower() for state in State)


@dataclass(frozen=True, slots=True)
class CopyRow:
    """One copy as shown; times in seconds UTC."""

    submission_id: int
    number: int
    tenant: str
    address: str
    domain: str
    state: str
    """Name of the state in lower case, or ``leased``."""
    due_at: float
    """Next attempt, or end of the lease; only of use while waiting or leased."""
    attempts: int
    reason: str
    """Why it is held, else the last reply."""
    remote: str
    accepted_at: float
    changed_at: float
    campaign_id: int | None


@dataclass(frozen=True, slots=True)
class Stats:
    """The queue added up; ``finished`` counts what retention has kept."""

    ready: int
    """Due now or later, never tried yet."""
    deferred: int
    """Tried before, waits for a retry."""
    leased: int
    held: dict[str, int]
    """Copies by the reason they are held for."""
    oldest_at: float | None
    """When the oldest open submission was accepted."""
    due_at: float | None
    """When the next copy is due."""
    finished: dict[str, int]
    domains: tuple[tuple[str, int], ...]
    """The domains with most copies waiting, and how many."""


_COLUMNS: Final = (
    "r.submission_id, r.number, coalesce(t.name, ''), r.address, r.domain, r.state, r.owner, r.due_at, r.attempts,"
    " r.held_by, r.hold_reason, r.status, r.remote, s.accepted_at, r.changed_at, r.campaign_id"
)
_FROM: Final = " FROM recipient r JOIN submission s ON s.id = r.submission_id LEFT JOIN tenant t ON t.id = r.tenant_id"


def list_(conn: Tx, selection: Selection, *, state: str | None = None, limit: int = 100) -> Iterator[CopyRow]:
    """Up to ``limit`` copies in the order of acceptance; without a state those that wait or are held."""
    where, values = selection.where()
    if state is None:
        condition = "r.state IN (0, 1)"
    elif state == LEASED:
        condition = "r.state = 0 AND r.owner IS NOT NULL"
    elif state == State.READY.name.lower():
        condition = "r.state = 0 AND r.owner IS NULL"
    else:
        condition = f"r.state = {int(State[state.upper()])}"
    rows = conn.execute(
        f"SELECT {_COLUMNS}{_FROM} WHERE {condition}{where} ORDER BY r.submission_id, r.number LIMIT ?",
        (*values, limit),
    )
    for row in rows:
        yield _row(row)


def copies(conn: Tx, submission_id: int) -> list[CopyRow]:
    """All copies of one submission, by number; empty if there is none."""
    rows = conn.execute(f"SELECT {_COLUMNS}{_FROM} WHERE r.submission_id = ? ORDER BY r.number", (submission_id,))
    return [_row(row) for row in rows]


def stats(conn: Tx, *, domains: int = 10) -> Stats:
    """Counts; reads the whole table once, but blocks nobody."""
    waiting = conn.execute(
        "SELECT coalesce(sum(CASE WHEN owner IS NULL AND attempts = 0 THEN 1 END), 0),"
        " coalesce(sum(CASE WHEN owner IS NULL AND attempts > 0 THEN 1 END), 0),"
        " count(owner), min(CASE WHEN owner IS NULL THEN due_at END) FROM recipient WHERE state = 0"
    ).fetchone()
    held = conn.execute(
        "SELECT held_by, hold_reason, count(*) FROM recipient WHERE state = 1"
        " GROUP BY held_by, hold_reason ORDER BY 1, 2"
    )
    finished = conn.execute("SELECT state, count(*) FROM recipient WHERE state > 1 GROUP BY state").fetchall()
    oldest = conn.execute(
        "SELECT min(s.accepted_at) FROM submission s JOIN body b ON b.submission_id = s.id WHERE s.open_recipients > 0"
    ).fetchone()
    top = conn.execute(
        "SELECT domain, count(*) AS n FROM recipient WHERE state = 0 GROUP BY domain ORDER BY n DESC, domain LIMIT ?",
        (domains,),
    )
    return Stats(
        ready=int(waiting[0]),
        deferred=int(waiting[1]),
        leased=int(waiting[2]),
        held={word(held_by, reason): int(n) for held_by, reason, n in held},
        oldest_at=oldest[0],
        due_at=waiting[3],
        finished={State(state).name.lower(): int(n) for state, n in finished},
        domains=tuple((str(domain), int(n)) for domain, n in top),
    )


def _row(row: tuple[object, ...]) -> CopyRow:
    (sid, number, tenant, address, domain, state, owner, due_at, attempts, held_by, hold_reason, status, *rest) = row
    assert isinstance(state, int) and isinstance(due_at, float) and isinstance(held_by, int)
    name = LEASED if state == State.READY and owner is not None else State(state).name.lower()
    reason = str(status)
    if state == State.HELD:
        reason = word(held_by, str(hold_reason))
        reason = f"{reason}: {status}" if status and status != hold_reason else reason
    return CopyRow(sid, number, tenant, address, domain, name, due_at, attempts, reason, *rest)  # type: ignore[arg-type]
