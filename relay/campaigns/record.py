"""A tenant's record: what became of its campaigns (R13). Kept in counters, so that one look shows it at RCPT."""

from __future__ import annotations

from typing import Final

from relay.ledger import counters
from relay.store.contract import Tx
from relay.values.facts import DayFigures, Record

RELEASED: Final = "campaigns/released"
ESTABLISHED: Final = "campaigns/established"
UNDECIDED: Final = "campaigns/undecided"
BAD_AT: Final = "campaigns/bad-at"
_NAMES: Final = (RELEASED, ESTABLISHED, UNDECIDED, BAD_AT)
_DAY_S: Final = 24 * 3600.0


def of(conn: Tx, tenant_id: int) -> Record:
    """One indexed read."""
    look = "SELECT name, value FROM counter WHERE tenant_id = ? AND name IN (?, ?, ?, ?)"
    found = dict(conn.execute(look, (tenant_id, *_NAMES)).fetchall())
    if not found:
        return NOTHING
    return Record(
        found.get(RELEASED, 0) + found.get(ESTABLISHED, 0), found.get(UNDECIDED, 0), float(found.get(BAD_AT, 0))
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


def establish(conn: Tx, tenant_id: int) -> None:
    """The operator's word: as if a campaign had been released."""
    counters.set_(conn, tenant_id, ESTABLISHED, 1)


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
