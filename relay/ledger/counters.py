"""Counters of tenants, and the sets of different subscribers behind some: the one writer of both (R19 to R21).

All functions work in the caller's transaction.
"""

from __future__ import annotations

from typing import Final

from relay.store.contract import Tx

_UNLIMITED: Final = 2**62


def add(conn: Tx, tenant_id: int, name: str, amount: int, limit: int | None = None) -> bool:
    """Count up; False, and nothing changed, if that would pass the limit (None: there is none)."""
    most = _UNLIMITED if limit is None else limit
    if amount > most:
        return False
    done = conn.execute(
        "INSERT INTO counter (tenant_id, name, value) VALUES (?, ?, ?) ON CONFLICT (tenant_id, name)"
        " DO UPDATE SET value = counter.value + excluded.value WHERE counter.value + excluded.value <= ?",
        (tenant_id, name, amount, most),
    )
    return done.rowcount == 1


def total(conn: Tx, tenant_id: int, name: str, amount: int) -> int:
    """Count up, without a limit; what it comes to."""
    row = conn.execute(
        "INSERT INTO counter (tenant_id, name, value) VALUES (?, ?, ?) ON CONFLICT (tenant_id, name)"
        " DO UPDATE SET value = counter.value + excluded.value RETURNING value",
        (tenant_id, name, amount),
    ).fetchone()
    return int(row[0])


def forget(conn: Tx, tenant_id: int, since: str, until: str) -> None:
    """Delete those with names from ``since`` on and before ``until``."""
    conn.execute("DELETE FROM counter WHERE tenant_id = ? AND name >= ? AND name < ?", (tenant_id, since, until))


def first(conn: Tx, tenant_id: int, name: str, subscriber_id: int) -> bool:
    """One more copy for a person; whether it is new to the set of that name. Then it is one of it."""
    row = conn.execute(
        "INSERT INTO counted (tenant_id, name, subscriber_id, copies) VALUES (?, ?, ?, 1)"
        " ON CONFLICT (tenant_id, name, subscriber_id) DO UPDATE SET copies = counted.copies + 1 RETURNING copies",
        (tenant_id, name, subscriber_id),
    ).fetchone()
    return bool(row[0] == 1)


def never_sent(conn: Tx, tenant_id: int, name: str, subscriber_id: int) -> bool:
    """A copy less for a person; whether it was the only one. Then the person is none of the set any more."""
    row = conn.execute(
        "UPDATE counted SET copies = copies - 1 WHERE tenant_id = ? AND name = ? AND subscriber_id = ? AND copies > 0"
        " RETURNING copies",
        (tenant_id, name, subscriber_id),
    ).fetchone()
    if row is None or row[0] > 0:
        return False
    conn.execute(
        "DELETE FROM counted WHERE tenant_id = ? AND name = ? AND subscriber_id = ?", (tenant_id, name, subscriber_id)
    )
    return True


def give_back(conn: Tx, tenant_id: int, name: str, amount: int) -> None:
    """What was counted and never sent; never below 0."""
    conn.execute(
        "UPDATE counter SET value = CASE WHEN value > ?1 THEN value - ?1 ELSE 0 END WHERE tenant_id = ?2 AND name = ?3",
        (amount, tenant_id, name),
    )


def set_(conn: Tx, tenant_id: int, name: str, value: int) -> None:
    """Whatever it was."""
    conn.execute(
        "INSERT INTO counter (tenant_id, name, value) VALUES (?, ?, ?)"
        " ON CONFLICT (tenant_id, name) DO UPDATE SET value = excluded.value",
        (tenant_id, name, value),
    )
