"""The administrator's hand on the queue: what waits, and hold, release, retry, cancel.

A copy that is being delivered is never touched: what is on the wire can't be
called back, and the fence would turn its outcome away. What an owner leased
that is gone waits once it was taken back (``owners.end_leases``); the clock on
the wall says nothing of it.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from relay.audit import actions
from relay.queue.drop import QueuedCopy, give_up, tell
from relay.store import marks
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.values.errors import RegistryError
from relay.values.states import State

CHUNK: Final = 1_000
"""Copies changed in one transaction, some ten milliseconds."""
PAUSE_S: Final = 0.02
"""Between transactions, so that the mail process gets its turn."""
OPERATOR: Final = "operator"
"""``hold_reason`` of what ``hold`` holds."""


class QueueAction(StrEnum):
    HOLD = "hold"
    RELEASE = "release"
    RETRY = "retry"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Selection:
    """Copies by submission, tenant or destination domain; what is given must all apply."""

    submission_id: int | None = None
    tenant_id: int | None = None
    domain: str | None = None
    """A-labels, lower case."""

    def where(self) -> tuple[str, list[object]]:
        given = {"submission_id": self.submission_id, "tenant_id": self.tenant_id, "domain": self.domain}
        used = {name: value for name, value in given.items() if value is not None}
        return "".join(f" AND r.{name} = ?" for name in used), list(used.values())


@dataclass(frozen=True, slots=True)
class QueueChange:
    """What an action did: copies changed, and those left alone, by why."""

    changed: int
    busy: int
    """Being delivered now."""
    staged: int
    """Wait for their campaign's verdict (``release`` only)."""


_BEFORE: Final = {
    QueueAction.HOLD: (State.READY,),
    QueueAction.RELEASE: (State.HELD,),
    QueueAction.RETRY: (State.READY,),
    QueueAction.CANCEL: (State.READY, State.HELD),
}
_WAITS: Final = "state = 0 AND owner IS NULL"
_AT: Final = " WHERE submission_id = :submission AND number = :number AND "
_UPDATES: Final = {
    QueueAction.HOLD: "UPDATE recipient SET state = 1, owner = NULL, fence = fence + 1, hold_reason = 'operator',"
    f" status = :why, changed_at = :now {_AT} {_WAITS}",
    # What is staged waits for its campaign; of a released one a straggler may be left.
    QueueAction.RELEASE: "UPDATE recipient SET state = 0, owner = NULL, due_at = :now, hold_reason = '',"
    f" changed_at = :now {_AT} state = 1 AND (hold_reason <> 'staged' OR campaign_id IN"
    " (SELECT id FROM campaign WHERE state = 'released'))",
    QueueAction.RETRY: f"UPDATE recipient SET due_at = :now {_AT} {_WAITS}",
}
PAST: Final = {
    QueueAction.HOLD: "held",
    QueueAction.RELEASE: "released",
    QueueAction.RETRY: "retried",
    QueueAction.CANCEL: "cancelled",
}


def act(
    conn: Tx,
    action: QueueAction,
    selection: Selection,
    *,
    actor: str,
    why: str,
    now: float,
    pause: Callable[[], None] = lambda: time.sleep(PAUSE_S),
) -> QueueChange:
    """Do it to all copies selected, in transactions of its own, so that many don't block the mail.

    Raises RegistryError if nothing is selected, nothing matches or ``why`` is no line of text.
    """
    if selection == Selection():
        raise RegistryError("name a queue id, a tenant or a domain")
    why = _line(why)
    keys = _Keys(conn, selection, _BEFORE[action])
    if not len(keys):
        raise RegistryError(_nothing(conn, action, selection))
    changed = busy = staged = 0
    for first in range(0, len(keys), CHUNK):
        if first:
            pause()
        with transaction(conn):
            if not first:
                _audit(conn, action, selection, len(keys), actor, why, now)
                if action is QueueAction.RETRY:
                    marks.move(conn, "retry")
            copies = list(keys.chunk(first, CHUNK))
            done = _apply(conn, action, copies, why, actor, now)
            changed += len(done)
            for copy in set(copies) - set(done):
                state, reason = _state(conn, copy)
                busy += state == State.READY
                staged += state == State.HELD and reason == "staged"
    return QueueChange(changed, busy, staged)


class _Keys:
    """The copies of a selection, found before anything is written; 32 octets each."""

    def __init__(self, conn: Tx, selection: Selection, states: tuple[State, ...]) -> None:
        self._columns = (array("q"), array("q"), array("q"), array("q"))
        where, values = selection.where()
        for state in states:
            # The literal and the sort order let SQLite walk the partial index of that state.
            rows = conn.execute(
                "SELECT r.submission_id, r.number, r.tenant_id, coalesce(r.campaign_id, 0) FROM recipient r"
                f" WHERE r.state = {int(state)}{_walk(selection, state)}{where}",
                values,
            )
            for row in rows:
                for column, value in zip(self._columns, row, strict=True):
                    column.append(value)

    def __len__(self) -> int:
        return len(self._columns[0])

    def chunk(self, first: int, most: int) -> Iterator[QueuedCopy]:
        for submission_id, number, tenant_id, campaign_id in zip(
            *(column[first : first + most] for column in self._columns), strict=True
        ):
            yield QueuedCopy(submission_id, number, tenant_id, campaign_id or None)


def _walk(selection: Selection, state: State) -> str:
    if selection.submission_id is not None:
        return ""
    return " AND r.tenant_id >= 0" if state is State.READY else " AND (r.campaign_id >= 0 OR r.campaign_id IS NULL)"


def _apply(
    conn: Tx, action: QueueAction, copies: list[QueuedCopy], why: str, actor: str, now: float
) -> list[QueuedCopy]:
    if action is QueueAction.CANCEL:
        return give_up(conn, copies, State.CANCELLED, why or "cancelled by the operator", actor, now)
    sql = _UPDATES[action]
    done = [
        copy
        for copy in copies
        if conn.execute(sql, {"now": now, "why": why, "submission": copy.submission_id, "number": copy.number}).rowcount
    ]
    tell(conn, done, PAST[action], {"status": why, "reason": OPERATOR, "actor": actor}, now)
    return done


def _audit(conn: Tx, action: QueueAction, selection: Selection, copies: int, actor: str, why: str, now: float) -> None:
    detail: dict[str, object] = {
        "submission": selection.submission_id,
        "domain": selection.domain,
        "copies": copies,
        "reason": why,
    }
    told = {name: value for name, value in detail.items() if value not in (None, "")}
    actions.record(conn, actor, f"queue-{action.value}", selection.tenant_id, told, now)


def _state(conn: Tx, copy: QueuedCopy) -> tuple[int, str]:
    row = conn.execute(
        "SELECT state, hold_reason FROM recipient WHERE submission_id = ? AND number = ?",
        (copy.submission_id, copy.number),
    ).fetchone()
    return (int(row[0]), str(row[1])) if row else (-1, "")


def _nothing(conn: Tx, action: QueueAction, selection: Selection) -> str:
    if selection.submission_id is None:
        return f"nothing there to {action.value}"
    rows = conn.execute(
        "SELECT DISTINCT state FROM recipient WHERE submission_id = ?", (selection.submission_id,)
    ).fetchall()
    if not rows:
        return "there is no such message in the queue; `relay queue list` shows all"
    states = ", ".join(sorted(State(row[0]).name.lower() for row in rows))
    return f"nothing of this message to {action.value}: it is {states}"


def _line(text: str) -> str:
    line = " ".join(text.split())
    if len(line) > 500 or not line.isprintable():
        raise RegistryError("a reason is printable text of at most 500 characters")
    return line
