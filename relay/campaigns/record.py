"""A tenant's record: what became of its campaigns (R13). Kept in counters, so that one look shows it at RCPT."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime
from typing import Final

from relay.ledger import counters
from relay.store.contract import Tx
from relay.values.facts import DayFigures, Record

RELEASED: Final = "campaigns/released"
ESTABLISHED: Final = "campaigns/established"
UNDECIDED: Final = "campaigns/undecided"
BAD_AT: Final = "campaigns/bad-at"
PROVEN_AT: Final = "campaigns/proven-at"
USUAL: Final = "campaigns/usual"
BOUNCES: Final = "campaigns/bounces"
COMPLAINTS: Final = "campaigns/complaints"
PARTS: Final = 1_000_000
"""Rates are kept as so many parts."""
ENOUGH: Final = 500
"""Copies of 30 days below which rates tell nothing."""
_DAY_S: Final = 24 * 3600.0


def of(conn: Tx, tenant_id: int, now: float = 0.0) -> Record:
    """One indexed read; ``now`` says which day is this one."""
    look = "SELECT name, value FROM counter WHERE tenant_id = ? AND name >= 'campaigns/' AND name < 'campaigns0'"
    found = dict(conn.execute(look, (tenant_id,)).fetchall())
    if not found:
        return NOTHING
    day = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"
    return Record(
        released=found.get(RELEASED, 0) + (found.get(ESTABLISHED, 0) > 0),
        undecided=found.get(UNDECIDED, 0),
        bad_at=float(found.get(BAD_AT, 0)),
        proven_at=float(found.get(PROVEN_AT, 0)),
        today=found.get(f"campaigns/day-{day}", 0),
        claimed_today=found.get(f"campaigns/claimed-{day}", 0),
        fresh_today=found.get(f"campaigns/fresh-{day}", 0),
        usual=found.get(USUAL, 0),
        bounces=found.get(BOUNCES, 0) / PARTS,
        complaints=found.get(COMPLAINTS, 0) / PARTS,
    )


NOTHING: Final = Record()


def refresh(conn: Tx, tenant_id: int) -> None:
    """Count anew after a campaign was staged or decided; in the caller's transaction."""
    undecided, bad_at = conn.execute(
        "SELECT sum(CASE WHEN state IN ('staged', 'watching', 'undecided', 'stopped') THEN 1 ELSE 0 END),"
        " max(CASE WHEN state IN ('stopped', 'declined') THEN coalesce(decided_at, last_at) ELSE 0 END)"
        " FROM campaign WHERE tenant_id = ?",
        (tenant_id,),
    ).fetchone()
    counters.set_(conn, tenant_id, UNDECIDED, undecided or 0)
    counters.set_(conn, tenant_id, BAD_AT, int(bad_at or 0))


def released(conn: Tx, tenant_id: int) -> None:
    """One more was released; it counts for good, whatever retention takes away."""
    counters.add(conn, tenant_id, RELEASED, 1)


def taken_back(conn: Tx, tenant_id: int) -> None:
    """One that was released was stopped afterwards: it speaks for nobody."""
    counters.give_back(conn, tenant_id, RELEASED, 1)


def establish(conn: Tx, tenant_id: int, now: float) -> None:
    """The operator's word: as if a campaign had been released, and for the lists there are."""
    counters.set_(conn, tenant_id, ESTABLISHED, 1)
    counters.set_(conn, tenant_id, PROVEN_AT, math.ceil(now))


def measure(conn: Tx, now: float) -> None:
    """What senders usually have in a day, and their rates of 30 days, from daily sums; in the caller's transaction."""
    today = int(now // _DAY_S)
    # What is no more than a few days' rows a sender is read whole, once an hour.
    rows = conn.execute(
        "SELECT d.tenant_id, d.day, d.kind, sum(d.value) FROM daily d JOIN stream s ON s.id = d.stream_id"
        " WHERE s.kind = 'bulk' AND d.day >= ? AND d.kind IN ('accepted', 'delivered', 'bounced', 'expired',"
        " 'returned', 'complained') GROUP BY d.tenant_id, d.day, d.kind",
        (today - 90,),
    ).fetchall()
    usual: Counter[int] = Counter()
    sums: Counter[tuple[int, str]] = Counter()
    for tenant_id, day, kind, value in rows:
        if kind == "accepted" and day < today:
            usual[tenant_id] = max(usual[tenant_id], value)
        if day > today - 30:
            sums[tenant_id, kind] += value
    for tenant_id in {row[0] for row in rows}:
        delivered = sums[tenant_id, "delivered"]
        bounced = sums[tenant_id, "bounced"] + sums[tenant_id, "expired"] + sums[tenant_id, "returned"]
        enough = delivered + bounced >= ENOUGH
        bounces = PARTS * bounced // (delivered + bounced) if enough else 0
        complaints = PARTS * sums[tenant_id, "complained"] // delivered if enough and delivered else 0
        for name, found in ((USUAL, usual[tenant_id]), (BOUNCES, bounces), (COMPLAINTS, complaints)):
            counters.set_(conn, tenant_id, name, found)
        day_name = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"
        for name in ("day", "claimed", "fresh"):
            counters.forget(conn, tenant_id, f"campaigns/{name}-", f"campaigns/{name}-{day_name}")


def together(conn: Tx, tenant_id: int, now: float) -> DayFigures:
    """All that the tenant has staged and that came in within 24 hours."""
    row = conn.execute(
        "SELECT count(*), coalesce(sum(delivered), 0), coalesce(sum(bounced), 0), coalesce(sum(unsubscribed), 0),"
        " coalesce(sum(complained), 0), coalesce(sum(tried), 0), coalesce(sum(blind), 0), coalesce(sum(contested), 0)"
        " FROM campaign WHERE tenant_id = ? AND last_at > ?"
        " AND state IN ('staged', 'watching', 'undecided', 'stopped')",
        (tenant_id, now - _DAY_S),
    ).fetchone()
    return DayFigures(*row)
