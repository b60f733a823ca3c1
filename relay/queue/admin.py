"""The administrator's hand on the queue: what waits, and hold, release, retry, cancel.

A hold is one more beside those there are: it keeps what a policy, a campaign or
a freeze let go meanwhile. A release ends the operator's hold and a policy's,
never what waits for a campaign's verdict or for the end of a freeze.

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
from relay.queue.braked import IN_FORCE
from relay.queue.drop import QueuedCopy, give_up, tell
from relay.queue.holds import ALL, BRAKE, CAMPAIGN, FREEZE, without
from relay.queue.holds import OPERATOR as OPERATES
from relay.queue.thaw import FROZEN
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
"""Whose hold it was, in events."""


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
    frozen: int = 0
    """Wait for the end of their tenant's freeze (``release`` only)."""
    braked: int = 0
    """Wait for a word on their log-in (``release`` only)."""
    lifted: int = 0
    """Not held by hand or a policy any more, but still by one of these (``release`` only)."""

    @property
    def nothing(self) -> bool:
        return not self.changed and not self.lifted


_BEFORE: Final = {
    QueueAction.HOLD: (State.READY, State.HELD),
    QueueAction.RELEASE: (State.HELD,),
    QueueAction.RETRY: (State.READY,),
    QueueAction.CANCEL: (State.READY, State.HELD),
}
_WAITS: Final = "state = 0 AND owner IS NULL"
_STOPPED: Final = "coalesce(campaign_id IN (SELECT id FROM campaign WHERE state = 'stopped'), 0 = 1)"
_AT: Final = " WHERE submission_id = :submission AND number = :number AND "
_UPDATES: Final = {
    QueueAction.HOLD: f"UPDATE recipient SET state = 1, owner = NULL, fence = fence + 1,"
    f" held_by = (held_by | {OPERATES}), status = :why, changed_at = :now {_AT}"
    f" ({_WAITS} OR state = 1 AND (held_by & {OPERATES}) = 0)",
    # Of a campaign that was released, or a freeze that is over, a straggler may be left.
    QueueAction.RELEASE: f"UPDATE recipient AS r SET {without(ALL)} {_AT} state = 1"
    f" AND ((held_by & {CAMPAIGN}) = 0 OR campaign_id IN (SELECT id FROM campaign WHERE state = 'released'))"
    f" AND NOT {_STOPPED} AND NOT {FROZEN} AND NOT {IN_FORCE}",
    QueueAction.RETRY: f"UPDATE recipient SET due_at = :now {_AT} {_WAITS}",
}
# Of what is not released, only what the re-check would hold it for at once is left.
_TAKE_AWAY: Final = (
    f"UPDATE recipient AS r SET held_by = (held_by & {CAMPAIGN | FREEZE | BRAKE})"
    f" | CASE WHEN {_STOPPED} THEN {CAMPAIGN} ELSE 0 END | CASE WHEN {FROZEN} THEN {FREEZE} ELSE 0 END,"
    f" held_until = NULL, hold_reason = '' {_AT} state = 1"
)
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
    changed = busy = staged = frozen = braked = lifted = 0
    for first in range(0, len(keys), CHUNK):
        if first:
            pause()
        with transaction(conn):
            if not first:
                _audit(conn, action, selection, len(keys), actor, why, now)
                if action is QueueAction.RETRY:
                    marks.move(conn, "retry")
            copies = list(keys.chunk(first, CHUNK))
            done, freed = _apply(conn, action, copies, why, actor, now)
            changed += len(done)
            lifted += freed
            for copy in set(copies) - set(done):
                state, held_by = _state(conn, copy)
                busy += state == State.READY
                if state == State.HELD and action is QueueAction.RELEASE:
                    staged += held_by & CAMPAIGN != 0
                    frozen += held_by & FREEZE != 0
                    braked += held_by & BRAKE != 0
    return QueueChange(changed, busy, staged, frozen, braked, lifted)


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
) -> tuple[list[QueuedCopy], int]:
    """The copies it was done to, and how many others are rid of a hold."""
    if action is QueueAction.CANCEL:
        return give_up(conn, copies, State.CANCELLED, why or "cancelled by the operator", actor, now), 0
    sql, done, lifted = _UPDATES[action], [], 0
    for copy in copies:
        values = {"now": now, "why": why, "submission": copy.submission_id, "number": copy.number}
        if conn.execute(sql, values).rowcount:
            done.append(copy)
        elif action is QueueAction.RELEASE:
            _, before = _state(conn, copy)
            conn.execute(_TAKE_AWAY, values)
            lifted += before & ~_state(conn, copy)[1] != 0
    tell(conn, done, PAST[action], {"status": why, "reason": OPERATOR, "actor": actor}, now)
    return done, lifted


def _audit(conn: Tx, action: QueueAction, selection: Selection, copies: int, actor: str, why: str, now: float) -> None:
    detail: dict[str, object] = {
        "submission": selection.submission_id,
        "domain": selection.domain,
        "copies": copies,
        "reason": why,
    }
    told = {name: value for name, value in detail.items() if value not in (None, "")}
    actions.record(conn, actor, f"queue-{action.value}", selection.tenant_id, told, now)


def _state(conn: Tx, copy: QueuedCopy) -> tuple[int, int]:
    row = conn.execute(
        "SELECT state, held_by FROM recipient WHERE submission_id = ? AND number = ?",
        (copy.submission_id, copy.number),
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (-1, 0)


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
