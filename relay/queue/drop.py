"""Giving up copies that were never sent, in bulk: cancelled, or declined with their campaign.

What was counted for them at acceptance is given back to the quota (R19), and
a body goes with its last copy (R27).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relay.events import write as events
from relay.queue import unsent
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
    lost: defaultdict[int, list[int]] = defaultdict(list)
    tenants = {copy.submission_id: copy.tenant_id for copy in copies}
    for copy in copies:
        lost[copy.submission_id].append(copy.number)
    for submission_id, numbers in lost.items():
        unsent.give_back(conn, tenants[submission_id], submission_id, _people(conn, submission_id, numbers))
    ended: list[tuple[int]] = []
    for submission_id, numbers in lost.items():
        row = conn.execute(
            "UPDATE submission SET open_recipients = open_recipients - ? WHERE id = ? RETURNING open_recipients",
            (len(numbers), submission_id),
        ).fetchone()
        if row is not None and row[0] <= 0:
            ended.append((submission_id,))
    conn.executemany("DELETE FROM body WHERE submission_id = ?", ended)


def _people(conn: Tx, submission_id: int, numbers: Sequence[int]) -> list[int]:
    """Subscribers by number of the copy; 0 for a copy of nobody that is known."""
    sql = "SELECT subscriber_id FROM recipient WHERE submission_id = ? AND number = ?"
    rows = [conn.execute(sql, (submission_id, number)).fetchone() for number in numbers]
    return [0 if row is None else int(row[0]) for row in rows]


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
