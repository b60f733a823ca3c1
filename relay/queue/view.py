"""Reading the queue: what stands in it, copy by copy or added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from relay.queue import sites
from relay.queue.admin import Selection
from relay.queue.held import word
from relay.queue.sites import LaneSum
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
    tenants: dict[int, int] = field(default_factory=dict)
    """How many copies of each wait or are held, by id."""


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


def stats(conn: Tx, *, domains: int = 10, finished: bool = True) -> Stats:
    """What waits and is held, counted from indexes alone, as the desk's page counts it.

    ``finished`` reads every row that is kept, for seconds where that is millions; without it nothing is told of them.
    """
    count = sites.counted(conn)
    sums = sites.sums(count)
    by_domain: Counter[str] = Counter()
    for lane in count.lanes:
        by_domain[lane.domain] += lane.waiting
    done = conn.execute("SELECT state, count(*) FROM recipient WHERE state > 1 GROUP BY state") if finished else ()
    # Ids sort by time, and a body goes with its last copy: the first that is open is the oldest.
    oldest = conn.execute(
        "SELECT s.accepted_at FROM body b JOIN submission s ON s.id = b.submission_id WHERE s.open_recipients > 0"
        " ORDER BY b.submission_id LIMIT 1"
    ).fetchone()
    top = sorted(by_domain.items(), key=lambda item: (-item[1], item[0]))[:domains]
    return Stats(
        ready=sums.ready,
        deferred=sums.deferred,
        leased=sums.leased,
        held=sums.held,
        oldest_at=None if oldest is None else float(oldest[0]),
        due_at=min((at for at in (_due(conn, lane) for lane in count.lanes) if at is not None), default=None),
        finished={State(state).name.lower(): int(n) for state, n in done},
        domains=tuple(top),
        tenants=sites.by_tenant(conn, count),
    )


def _due(conn: Tx, lane: LaneSum) -> float | None:
    """When the lane's next copy is due; one that is being delivered isn't, and few are."""
    if not lane.leased:
        return lane.due_at
    row = conn.execute(
        "SELECT due_at FROM recipient WHERE state = 0 AND tenant_id = ? AND domain = ? AND owner IS NULL"
        " ORDER BY due_at LIMIT 1",
        (lane.tenant_id, lane.domain),
    ).fetchone()
    return None if row is None else float(row[0])


def _row(row: tuple[object, ...]) -> CopyRow:
    (sid, number, tenant, address, domain, state, owner, due_at, attempts, held_by, hold_reason, status, *rest) = row
    assert isinstance(state, int) and isinstance(due_at, float) and isinstance(held_by, int)
    name = LEASED if state == State.READY and owner is not None else State(state).name.lower()
    reason = str(status)
    if state == State.HELD:
        reason = word(held_by, str(hold_reason))
        reason = f"{reason}: {status}" if status and status != hold_reason else reason
    return CopyRow(sid, number, tenant, address, domain, name, due_at, attempts, reason, *rest)  # type: ignore[arg-type]
