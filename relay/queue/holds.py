"""What holds a copy, and how one hold ends without freeing what another holds.

A held copy has a bit for each that holds it (``recipient.held_by``). Whoever's
reason is gone takes its own bit away; the copy is due once none is left. A
policy's hold may have an end of its own (``held_until``), looked for here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from relay.events import write as events
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.values.states import State

POLICY: Final = 1
"""``hold_reason`` has its words, ``held_until`` its end."""
CAMPAIGN: Final = 2
"""Staged, or stopped: until the campaign's verdict."""
FREEZE: Final = 4
"""The tenant was found frozen at the re-check."""
OPERATOR: Final = 8
"""``status`` has the operator's words."""
DAMAGE: Final = 16
"""The row can't be read."""
DOMAIN: Final = 32
"""Its domain was found not to be the tenant's any more, or to have no key to sign with."""
BRAKE: Final = 64
"""Its log-in seems to be used by another; the highest bit (an index finds these by it)."""
ALL: Final = POLICY | CAMPAIGN | FREEZE | OPERATOR | DAMAGE | DOMAIN | BRAKE
CHUNK: Final = 1_000
"""Copies changed in one transaction, some ten milliseconds."""
STEP: Final = 500

WORDS: Final = {
    CAMPAIGN: "staged",
    FREEZE: "frozen",
    OPERATOR: "operator",
    DAMAGE: "damaged",
    DOMAIN: "domain",
    BRAKE: "log-in braked",
}
"""What each is called where holds are counted; a policy's hold by its own words."""

ENDED: Final = "SELECT submission_id, number FROM recipient WHERE state = 1 AND held_until <= ? LIMIT ?"


def without(bits: int) -> str:
    """``SET`` of an UPDATE that ends these holds; takes the time twice, as ``:now``.

    A copy that never was tried keeps the time its tenant named.
    """
    rest = f"(held_by & {ALL & ~bits})"
    until = ", held_until = NULL, hold_reason = ''" if bits & POLICY else ""
    return (
        f"state = CASE WHEN {rest} = 0 THEN 0 ELSE 1 END, held_by = {rest}, owner = NULL{until},"
        " due_at = CASE WHEN attempts = 0 AND due_at > :now THEN due_at ELSE :now END, changed_at = :now"
    )


_END: Final = (
    f"UPDATE recipient SET {without(POLICY)}"
    " WHERE submission_id = :submission AND number = :number AND state = 1 AND held_until <= :now"
    " RETURNING state"
)


def released(conn: Tx, copies: Sequence[tuple[int, int]], now: float) -> None:
    """Tell that these copies, (submission_id, number), are not held any more; in the transaction that lets them go."""
    of: dict[int, tuple[int, int] | None] = {}
    told: list[events.ToldCopy] = []
    for submission_id, number in copies:
        if submission_id not in of:
            of[submission_id] = conn.execute(
                "SELECT tenant_id, stream_id FROM submission WHERE id = ?", (submission_id,)
            ).fetchone()
        row = of[submission_id]
        if row is not None:
            told.append((row[0], row[1], submission_id, number))
    for first in range(0, len(told), STEP):
        events.told(conn, events.RELEASED, told[first : first + STEP], now)


def end_timed(conn: Tx, now: float) -> int:
    """End the policies' holds whose time has come, in short transactions; how many.

    They are looked for without the write lock, by an index that has none but those with an end.
    """
    total = 0
    while found := conn.execute(ENDED, (now, CHUNK)).fetchall():
        with transaction(conn):
            states = [
                conn.execute(_END, {"submission": sid, "number": number, "now": now}).fetchone()
                for sid, number in found
            ]
            ended = [(copy, row[0]) for copy, row in zip(found, states, strict=True) if row is not None]
            released(conn, [(sid, number) for (sid, number), state in ended if state == State.READY], now)
            step = len(ended)
        total += step
        if len(found) < CHUNK or step <= 0:
            break
    return total


def clock_set(conn: Tx, by: float) -> int:
    """Holds last as long as they would have, after the clock was set by so many seconds; how many."""
    rows = conn.execute(
        "SELECT submission_id, number, held_until FROM recipient WHERE state = 1 AND held_until > ?", (0.0,)
    ).fetchall()
    count = 0
    for first in range(0, len(rows), STEP):
        with transaction(conn):
            count += conn.executemany(
                "UPDATE recipient SET held_until = ? WHERE submission_id = ? AND number = ? AND held_until = ?",
                [(until + by, sid, number, until) for sid, number, until in rows[first : first + STEP]],
            ).rowcount
    return count
