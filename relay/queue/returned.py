"""A copy that the remote took, and that came back: its row says so (R25)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from relay.campaigns.sites import blind
from relay.events import write as events
from relay.store.contract import Tx
from relay.values.states import BOUNCED_EARLY, State


class CameBack(NamedTuple):
    """What a report found of its copy."""

    failed: bool = False
    """Its failure was counted already."""
    delivered: bool = False
    """It counted as delivered, or will in a moment, and doesn't any more."""
    blind: bool = False
    """At a site that reports no complaints."""


def came_back(conn: Tx, submission_id: int, number: int, subscriber_id: int, status: str, now: float) -> CameBack:
    """Turn a delivered copy into a bounced one. ``status``: what was said.

    A report may be here before the outcome of the delivery is written down; ``complete`` then heeds what it left.
    """
    row = conn.execute(
        "SELECT state, owner, hold_reason, status, remote, domain FROM recipient"
        " WHERE submission_id = ? AND number = ? AND subscriber_id = ?",
        (submission_id, number, subscriber_id),
    ).fetchone()
    if row is None:
        return CameBack()
    state, owner, reason, taken, remote, domain = row
    if state == State.DELIVERED:
        conn.execute(
            "UPDATE recipient SET state = ?, status = ?, changed_at = ? WHERE submission_id = ? AND number = ?",
            (int(State.BOUNCED), status, now, submission_id, number),
        )
        _tell(conn, submission_id, number, {"status": taken, "remote": remote}, now)
        return CameBack(delivered=True, blind=blind(domain, remote))
    if state == State.READY and owner is not None:
        conn.execute(
            "UPDATE recipient SET hold_reason = ?, status = ? WHERE submission_id = ? AND number = ?",
            (BOUNCED_EARLY, status, submission_id, number),
        )
        if reason == BOUNCED_EARLY:
            return CameBack()
        _tell(conn, submission_id, number, {}, now)
        return CameBack(delivered=True, blind=blind(domain, remote))
    return CameBack(failed=state in (State.BOUNCED, State.EXPIRED))


def _tell(conn: Tx, submission_id: int, number: int, taken: Mapping[str, object], now: float) -> None:
    """``taken``: what its row said of the delivery, which would be gone else."""
    row = conn.execute("SELECT tenant_id, campaign_id FROM submission WHERE id = ?", (submission_id,)).fetchone()
    if row is not None:
        events.of_copy(conn, row[0], events.RETURNED, submission_id, number, row[1], taken, now)
