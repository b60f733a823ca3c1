"""What became of a campaign's copies, counted; and its state (R10 to R12): the one writer besides ``numbering``.

All functions work in the caller's transaction.
"""

from __future__ import annotations

from relay.store.contract import Tx


def ended(
    conn: Tx, campaign_id: int, delivered: int, bounced: int, tried: int, blind: int = 0, tracked: int = 0
) -> None:
    """So many copies more were delivered (``blind``: at sites that report no complaints), so many came back or were
    refused, so many were tried for the first time. What came back after its delivery is one delivered less.
    ``tracked``: so many of those delivered went to persons who agreed to it."""
    conn.execute(
        "UPDATE campaign SET delivered = delivered + ?, bounced = bounced + ?, tried = tried + ?, blind = blind + ?,"
        " tracked = tracked + ? WHERE id = ?",
        (delivered, bounced, tried, blind, tracked, campaign_id),
    )


def complained(conn: Tx, campaign_id: int) -> None:
    """One person more."""
    conn.execute("UPDATE campaign SET complained = complained + 1 WHERE id = ?", (campaign_id,))


def unsubscribed(conn: Tx, campaign_id: int) -> None:
    """One person more."""
    conn.execute("UPDATE campaign SET unsubscribed = unsubscribed + 1 WHERE id = ?", (campaign_id,))


def contested(conn: Tx, campaign_id: int, change: int) -> None:
    """One person more, or less, of whom it counts that they never agreed."""
    conn.execute("UPDATE campaign SET contested = contested + ? WHERE id = ?", (change, campaign_id))


def staged(conn: Tx, campaign_id: int, let_through: int, ahead: int, why: str, at: float) -> None:
    """The campaign is staged from now on, if it isn't yet; so many of its copies go, ``ahead`` before any numbering."""
    conn.execute(
        "UPDATE campaign SET passed = ?, ahead = ?, last_at = ?, reason = CASE reason WHEN '' THEN ? ELSE reason END,"
        " state = CASE state WHEN 'open' THEN 'staged' ELSE state END WHERE id = ?",
        (let_through, ahead, at, why, campaign_id),
    )


def widened(conn: Tx, campaign_id: int, share: int, more: int, why: str, at: float) -> None:
    """A larger share goes before the verdict, ``more`` of the held copies with it; its window begins anew."""
    conn.execute(
        "UPDATE campaign SET share = ?, passed = passed + ?, state = 'staged', window_started_at = NULL, last_at = ?,"
        " why = ? WHERE id = ?",
        (share, more, at, why, campaign_id),
    )


def decide(conn: Tx, campaign_id: int, state: str, why: str, actor: str, at: float) -> None:
    """Someone released or declined it."""
    conn.execute(
        "UPDATE campaign SET state = ?, why = ?, decided_at = ?, decided_by = ?, asked_at = NULL, called_next = 0"
        " WHERE id = ?",
        (state, why, at, actor, campaign_id),
    )


def suspect(conn: Tx, campaign_id: int, why: str) -> None:
    """Forbidden content is suspected in it."""
    conn.execute("UPDATE campaign SET suspicion = ? WHERE id = ?", (why, campaign_id))


def leave_open(conn: Tx, campaign_id: int, state: str, why: str, at: float) -> None:
    """It is stopped, or left to the administrator."""
    conn.execute(
        "UPDATE campaign SET state = ?, why = ?, asked_at = ?, called_next = 0 WHERE id = ?",
        (state, why, at, campaign_id),
    )


def called_next(conn: Tx, campaign_id: int) -> None:
    """Nobody decided within the term, and the next were called."""
    conn.execute("UPDATE campaign SET called_next = 1 WHERE id = ?", (campaign_id,))
