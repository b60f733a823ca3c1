"""Which of the answers that staff owed came in time (R36)."""

from __future__ import annotations

from typing import Final

from relay.store.contract import Tx
from relay.support.values import ThreadKind, due

_BEFORE_S: Final = 40 * 86_400
"""What is due now was written that long ago at most: 20 business days, and then some."""
_POSTS: Final = (
    "SELECT p.thread_id, s.kind, s.due_at, p.staff, p.at FROM support_thread s"
    " JOIN support_post p ON p.thread_id = s.id WHERE s.changed_at >= ? ORDER BY p.thread_id, p.id"
)


def by_due(conn: Tx, since: float, now: float) -> list[tuple[float, bool]]:
    """(when an answer was due, whether it came by then), of those due since then that are answered or overdue.

    A second text of the tenant doesn't put off what is due; a thread that was closed without a text owes none.
    """
    found: list[tuple[float, bool]] = []
    thread, owed = 0, 0.0
    still_due: float | None = None
    for thread_id, kind, due_at, staff, at in conn.execute(_POSTS, (since - _BEFORE_S,)):
        if thread_id != thread:
            _overdue(found, owed, still_due, now)
            thread, owed = thread_id, 0.0
        still_due = due_at
        if staff and owed:
            found.append((owed, at <= owed))
            owed = 0.0
        elif not staff and not owed:
            owed = due(ThreadKind(kind), at)
    _overdue(found, owed, still_due, now)
    return [one for one in found if one[0] >= since]


def _overdue(found: list[tuple[float, bool]], owed: float, still_due: float | None, now: float) -> None:
    if owed and still_due is not None and still_due < now:
        found.append((still_due, False))
