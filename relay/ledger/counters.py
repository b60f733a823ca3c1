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
    """Whether a person is new to the set of that name; then it is one of it."""
    done = conn.execute(
        "INSERT INTO counted (tenant_id, name, subscriber_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (tenant_id, name, subscriber_id),
    )
    return done.rowcount == 1


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
