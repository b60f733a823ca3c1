"""What waits, by destination: how much, when it is tried next, and what went wrong there last. Plain reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from relay.queue.held import word
from relay.store.contract import Tx


@dataclass(frozen=True, slots=True)
class SiteRow:
    """Times in seconds UTC; ``failed_at`` None: nothing failed there of what waits."""

    domain: str
    waiting: int
    due_at: float
    leased: int
    """Of them, being delivered now."""
    tried: int
    """Of them, tried before."""
    failed_at: float | None
    status: str
    remote: str


@dataclass(frozen=True, slots=True)
class QueueSums:
    """All that waits or is held now."""

    ready: int
    deferred: int
    leased: int
    held: dict[str, int]
    """By the reason they are held for."""
    due_at: float | None


def sums(conn: Tx) -> QueueSums:
    """Of what isn't finished; finished copies aren't counted, however many are kept."""
    ready, deferred, leased, due_at = conn.execute(
        "SELECT coalesce(sum(CASE WHEN owner IS NULL AND attempts = 0 THEN 1 END), 0),"
        " coalesce(sum(CASE WHEN owner IS NULL AND attempts > 0 THEN 1 END), 0), count(owner),"
        " min(CASE WHEN owner IS NULL THEN due_at END) FROM recipient WHERE state = 0"
    ).fetchone()
    held: dict[str, int] = {}
    for held_by, reason, count in conn.execute(
        "SELECT held_by, hold_reason, count(*) FROM recipient WHERE state = 1 GROUP BY held_by, hold_reason"
        " ORDER BY held_by, hold_reason"
    ):
        name = word(held_by, reason)
        held[name] = held.get(name, 0) + int(count)
    return QueueSums(int(ready), int(deferred), int(leased), held, due_at)


def listing(conn: Tx, tenant_id: int | None, domain: str, limit: int) -> list[SiteRow]:
    """Those with most copies waiting first."""
    where, values = "", list[object]()
    if tenant_id is not None:
        where, values = f"{where} AND tenant_id = ?", [*values, tenant_id]
    if domain:
        where, values = f"{where} AND domain = ?", [*values, domain]
    rows = conn.execute(
        "SELECT domain, count(*) AS n, min(due_at), count(owner), sum(CASE WHEN attempts > 0 THEN 1 ELSE 0 END)"
        f" FROM recipient WHERE state = 0{where} GROUP BY domain ORDER BY n DESC, domain LIMIT ?",
        (*values, limit),
    ).fetchall()
    failed = _failed(conn, where, values, [str(row[0]) for row in rows if row[4]])
    return [_site(row, failed.get(str(row[0]))) for row in rows]


def _site(row: tuple[Any, ...], failed: tuple[float, str, str] | None) -> SiteRow:
    domain, waiting, due_at, leased, tried = row
    at, status, remote = failed or (None, "", "")
    return SiteRow(str(domain), int(waiting), float(due_at), int(leased), int(tried), at, status, remote)


def _failed(conn: Tx, where: str, values: list[object], domains: list[str]) -> dict[str, tuple[float, str, str]]:
    """By domain what came of the latest try of what waits there."""
    if not domains:
        return {}
    rows = conn.execute(
        "SELECT domain, changed_at, status, remote FROM (SELECT domain, changed_at, status, remote, row_number() OVER"
        " (PARTITION BY domain ORDER BY changed_at DESC) AS place FROM recipient WHERE state = 0 AND attempts > 0"
        f"{where} AND domain IN ({','.join('?' * len(domains))})) tried WHERE place = 1",
        (*values, *domains),
    )
    return {str(domain): (float(at), str(status), str(remote)) for domain, at, status, remote in rows}
