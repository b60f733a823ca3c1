"""Who wants to hear nothing of a tenant ever again: keyed hashes of mailboxes, since the address may be long deleted.

It outlives the request that its link came with. So nobody else's word puts
such a person on a list (R8), and who is on one is found by the hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from relay.people.mailboxes import hash_like, hashes
from relay.store.contract import Tx

if TYPE_CHECKING:
    from relay.keys.secrets import Secrets

STEP: Final = 10_000
"""People looked at by one ``search``: some hundredths of a second."""


def add(conn: Tx, tenant_id: int, person: bytes, now: float) -> None:
    """``person`` is one of the mailbox's ``mailboxes``."""
    conn.execute(
        "INSERT INTO never_ask (tenant_id, person, since_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (tenant_id, person, now),
    )


def remove(conn: Tx, tenant_id: int, person: Sequence[bytes]) -> bool:
    """The mailbox's owner thinks otherwise; False if it had not said never."""
    marks = ",".join("?" * len(person))
    sql = f"DELETE FROM never_ask WHERE tenant_id = ? AND person IN ({marks})"
    return conn.execute(sql, (tenant_id, *person)).rowcount > 0


def said(conn: Tx, secrets: Secrets, tenant_id: int, canonical: str) -> bool:
    """Whether the owner of the mailbox said never, under any spelling and since any rotation of keys."""
    if not anyone(conn, tenant_id):
        return False
    sql = "SELECT 1 FROM never_ask WHERE tenant_id = ? AND person = ?"
    return any(conn.execute(sql, (tenant_id, person)).fetchone() for person in hashes(secrets, canonical))


def anyone(conn: Tx, tenant_id: int) -> bool:
    """Whether there is anyone to look for: for most tenants there isn't."""
    return conn.execute("SELECT 1 FROM never_ask WHERE tenant_id = ? LIMIT 1", (tenant_id,)).fetchone() is not None


def search(conn: Tx, secrets: Secrets, tenant_id: int, person: bytes, after: str) -> tuple[list[int], str | None]:
    """Ids of the tenant's people with this mailbox among STEP addresses after one; where to go on, None at the end."""
    rows = conn.execute(
        "SELECT id, address FROM subscriber WHERE tenant_id = ? AND address > ? ORDER BY address LIMIT ?",
        (tenant_id, after, STEP),
    ).fetchall()
    found = [id_ for id_, address in rows if hash_like(secrets, address, person) == person]
    return found, rows[-1][1] if len(rows) == STEP else None
