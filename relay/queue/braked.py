"""Copies that are held because their log-in seems to be used by another (``relay.brake`` says which)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from relay.queue.drop import QueuedCopy, give_up
from relay.queue.holds import BRAKE, released, without
from relay.store.contract import Tx
from relay.values.networks import network_of
from relay.values.states import State

CHUNK: Final = 1_000
WHY: Final = "log-in braked: it is used as never before, its tenant or the operator says whether that is right"
DROPPED: Final = "dropped: sent with a log-in by somebody else"
IN_FORCE: Final = (
    f"(r.held_by & {BRAKE} <> 0 AND EXISTS (SELECT 1 FROM submission s JOIN brake b ON b.login = s.login"
    " WHERE s.id = r.submission_id AND b.worked_off = 0 AND b.ended_at IS NULL))"
)
"""Whether a recipient ``r`` is a copy that its brake would hold again at once."""
_OF: Final = " FROM recipient r JOIN submission s ON s.id = r.submission_id"
_HELD: Final = f"{_OF} WHERE r.state = 1 AND r.held_by >= {BRAKE} AND r.tenant_id = ? AND s.login = ?"
_WAITS: Final = (
    f"SELECT r.submission_id, r.number, s.client, s.stream_id{_OF} WHERE r.state = 0 AND r.owner IS NULL"
    " AND r.tenant_id = ? AND s.login = ? AND s.accepted_at >= ? LIMIT ?"
)


def hold(conn: Tx, login: str, tenant_id: int, since: float, spared: Sequence[str], now: float) -> int:
    """Hold what waits of the log-in's mail since then; what is leased is stopped at its re-check. How many."""
    kept = frozenset(spared)
    rows = conn.execute(_WAITS, (tenant_id, login, since, 10 * CHUNK)).fetchall()
    found = [(sid, number) for sid, number, client, _ in rows if network_of(client) not in kept]
    conn.executemany(
        f"UPDATE recipient SET state = 1, held_by = {BRAKE}, status = ?, changed_at = ?"
        " WHERE submission_id = ? AND number = ? AND state = 0 AND owner IS NULL",
        [(WHY, now, sid, number) for sid, number in found],
    )
    return len(found)


def sent_with(conn: Tx, submission_id: int) -> tuple[str, str]:
    """Log-in and client's address of a message."""
    row = conn.execute("SELECT login, client FROM submission WHERE id = ?", (submission_id,)).fetchone()
    return ("", "") if row is None else (str(row[0]), str(row[1]))


def count(conn: Tx, login: str, tenant_id: int) -> int:
    return int(conn.execute(f"SELECT count(*){_HELD}", (tenant_id, login)).fetchone()[0])


def release(conn: Tx, login: str, tenant_id: int, now: float) -> int:
    """Let go the next ones, in the caller's transaction; how many."""
    rows = conn.execute(f"SELECT r.submission_id, r.number{_HELD} LIMIT ?", (tenant_id, login, CHUNK)).fetchall()
    free = []
    for submission, number in rows:
        state = conn.execute(
            f"UPDATE recipient SET {without(BRAKE)} WHERE submission_id = :submission AND number = :number"
            " AND state = 1 RETURNING state",
            {"submission": submission, "number": number, "now": now},
        ).fetchone()
        if state is not None and state[0] == State.READY:
            free.append((submission, number))
    released(conn, free, now)
    return len(rows)


def drop(conn: Tx, login: str, tenant_id: int, until: float, actor: str, now: float) -> int:
    """Drop the next ones of those accepted until then, in the caller's transaction; the quota has them back."""
    rows = conn.execute(
        f"SELECT r.submission_id, r.number, r.tenant_id, r.campaign_id{_HELD} AND s.accepted_at <= ? LIMIT ?",
        (tenant_id, login, until, CHUNK),
    ).fetchall()
    return len(give_up(conn, [QueuedCopy(*row) for row in rows], State.CANCELLED, DROPPED, actor, now))
