"""What is left of an erased person: a keyed hash of the mailbox, so that no list brings it back (R8, R26)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from relay.people.mailboxes import hashes
from relay.store.contract import Tx
from relay.values.facts import Reason, Standing, Suppression

if TYPE_CHECKING:
    from relay.keys.secrets import Secrets


STOPPED = "all mail was stopped before the person was erased"


class Erased(NamedTuple):
    """When, in seconds UTC."""

    at: float
    stopped: bool
    """Service mail was stopped too, by a complaint, a hard bounce or the operator."""


def find(conn: Tx, secrets: Secrets, tenant_id: int, canonical: str) -> Erased | None:
    """Whether the tenant's person with this mailbox was erased, under any spelling and since any rotation of keys."""
    if not anyone(conn, tenant_id):
        return None
    sql = "SELECT erased_at, stopped FROM erased WHERE tenant_id = ? AND person = ?"
    rows = [conn.execute(sql, (tenant_id, person)).fetchone() for person in hashes(secrets, canonical)]
    known = [row for row in rows if row is not None]
    return Erased(max(row[0] for row in known), any(row[1] for row in known)) if known else None


def standing(conn: Tx, secrets: Secrets, tenant_id: int, canonical: str, known: Standing) -> Standing:
    """The standing of someone whom the tenant doesn't know: what had stopped all mail before an erasure still does."""
    gone = find(conn, secrets, tenant_id, canonical)
    if gone is None or not gone.stopped:
        return known
    return Standing(None, (), (*known.suppressions, Suppression(Reason.HAND, None, gone.at)), False)


def anyone(conn: Tx, tenant_id: int) -> bool:
    """Whether there is anyone to look for: for most tenants there isn't."""
    return conn.execute("SELECT 1 FROM erased WHERE tenant_id = ? LIMIT 1", (tenant_id,)).fetchone() is not None


def remember(conn: Tx, secrets: Secrets, tenant_id: int, canonical: str, *, stopped: bool, now: float) -> None:
    conn.execute(
        "INSERT INTO erased (tenant_id, person, erased_at, stopped) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (tenant_id, person) DO UPDATE SET erased_at = excluded.erased_at,"
        " stopped = CASE WHEN excluded.stopped = 1 THEN 1 ELSE erased.stopped END",
        (tenant_id, hashes(secrets, canonical)[0], now, int(stopped)),
    )


def forget(conn: Tx, secrets: Secrets, tenant_id: int, canonical: str) -> None:
    """The person came back by itself."""
    for person in hashes(secrets, canonical):
        conn.execute("DELETE FROM erased WHERE tenant_id = ? AND person = ?", (tenant_id, person))
