"""Giving up copies that were never sent, in bulk: cancelled, or declined with their campaign.

What was counted for them at acceptance is given back to the quota (R19), and
a body goes with its last copy (R27).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relay.events import write as events
from relay.ledger import counters
from relay.store.contract import Tx
from relay.values.states import State


@dataclass(frozen=True, slots=True)
class QueuedCopy:
    """One recipient's row."""

    submission_id: int
    number: int
    tenant_id: int
    campaign_id: int | None


def settle_dropped(conn: Tx, copies: Sequence[QueuedCopy]) -> None:
    """Account for copies whose rows were just set to a final state without delivery."""
    lost = Counter(copy.submission_id for copy in copies)
    tenants = {copy.submission_id: copy.tenant_id for copy in copies}
    given_back: Counter[tuple[int, str]] = Counter()
    ended: list[tuple[int]] = []
    for submission_id, number in lost.items():
        row = conn.execute(
            "UPDATE submission SET open_recipients = open_recipients - ? WHERE id = ?"
            " RETURNING give_back, open_recipients",
            (number, submission_id),
        ).fetchone()
        if row is None:
            continue
        counter, left = row
        if counter:
            given_back[tenants[submission_id], counter] += number
        if left <= 0:
            ended.append((submission_id,))
    conn.executemany("DELETE FROM body WHERE submission_id = ?", ended)
    for (tenant_id, counter), number in given_back.items():
        counters.give_back(conn, tenant_id, counter, number)


def tell(conn: Tx, copies: Sequence[QueuedCopy], kind: str, detail: Mapping[str, object], now: float) -> None:
    """One event for each copy."""
    told = ((copy.tenant_id, copy.submission_id, copy.number, copy.campaign_id) for copy in copies)
    events.of_copies(conn, kind, told, detail, now)


def give_up(conn: Tx, copies: Sequence[QueuedCopy], state: State, why: str, actor: str, now: float) -> list[QueuedCopy]:
    """Set those of the copies that still wait, and are not being delivered, to CANCELLED or DECLINED.

    Returns the ones that were: a copy leased meanwhile is left alone, what is
    on the wire can't be called back.
    """
    done = [
        copy
        for copy in copies
        if conn.execute(
            "UPDATE recipient SET state = ?, owner = NULL, fence = fence + 1, hold_reason = '', status = ?,"
            " held_by = 0, held_until = NULL,"
            " changed_at = ? WHERE submission_id = ? AND number = ?"
            " AND (state = 1 OR state = 0 AND owner IS NULL)",
            (int(state), why, now, copy.submission_id, copy.number),
        ).rowcount
    ]
    settle_dropped(conn, done)
    tell(conn, done, state.name.lower(), {"status": why, "actor": actor}, now)
    return done
