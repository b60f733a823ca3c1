"""Hits that are past their time, and what is kept of an erased person (R26, R27); sums name nobody and stay."""

from __future__ import annotations

from typing import Final

from relay.store.contract import Tx

STEP: Final = 500
"""Hits deleted in one transaction."""


def forget(conn: Tx, before: float) -> int:
    """Delete older ones, a step at most, in the caller's transaction; how many."""
    sql = "DELETE FROM hit WHERE id IN (SELECT id FROM hit WHERE at < ? ORDER BY at LIMIT ?)"
    return conn.execute(sql, (before, STEP)).rowcount


def forget_person(conn: Tx, subscriber_id: int) -> None:
    """Its consent to tracking and all its hits, in the caller's transaction."""
    conn.execute("DELETE FROM tracking_consent WHERE subscriber_id = ?", (subscriber_id,))
    conn.execute("DELETE FROM hit WHERE subscriber_id = ?", (subscriber_id,))
