"""Leases: who may deliver a copy, until when, and under which fence.

A leased row stays READY with ``owner`` set, and ``due_at`` moved to the end of
the lease so that looking for what is due doesn't meet it. It is leased until
its owner writes an outcome down or is gone (``relay.queue.owners``), whatever
the clock says. The fence grows with every lease; an outcome is written only
under the fence it was leased with. A ``Lease`` is made here and nowhere else:
of what is due, or of what the acceptor's own commit leased (``claim``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from relay.people import standing
from relay.queue.holds import DAMAGE
from relay.queue.lanes import Lane
from relay.queue.values import Claim, Enqueued, Lease, NewSubmission, Submission
from relay.store.as_of import AsOf, look
from relay.store.contract import Tx
from relay.store.sqlite.fragments import by_index
from relay.values.facts import Standing
from relay.values.states import State

_log = logging.getLogger("relay.queue")

_SLOTS: Final = msgspec.json.Decoder(dict[str, str])

LEASE_S = 1800.0
"""Longer than any send may take (connect, commands and data limits together), with a margin for clocks."""

NEXT_OWNER: Final = (
    f"SELECT owner FROM recipient {by_index('recipient_leased')} WHERE state = 0 AND owner > ? ORDER BY owner LIMIT 1"
)
TAKE_BACK: Final = (
    f"UPDATE recipient {by_index('recipient_leased')} SET owner = NULL, due_at = ? WHERE state = 0 AND owner = ?"
)
_COLUMNS = (
    "r.submission_id, r.number, r.tenant_id, r.subscriber_id, r.address, r.domain, r.fence, r.attempts, r.slots,"
    " r.notify, r.orcpt, r.changed_at, s.stream_id, s.campaign_id, s.topic, s.reverse_path, s.from_domain,"
    " s.message_id, s.accepted_at, s.expires_at, s.ret, s.envid, s.size_octets, s.give_back, s.shared, s.last_at"
)


def lease_due(conn: Tx, owner: str, now: float, wanted: Mapping[Lane, int], lease_s: float = LEASE_S) -> list[Lease]:
    """Lease due copies, of each lane up to as many as are wanted, the longest due first."""
    rows = [row for lane, most in wanted.items() for row in _due(conn, lane, now, most)]
    if not rows:
        return []
    until = now + lease_s
    conn.executemany(
        "UPDATE recipient SET owner = ?, fence = fence + 1, due_at = ?, hold_reason = ''"
        " WHERE submission_id = ? AND number = ?",
        [(owner, until, row[0], row[1]) for row in rows],
    )
    shared: dict[int, Submission] = {}
    leases = []
    as_of, standings = look(conn, now), _standings(conn, rows)
    for row in rows:
        try:
            leases.append(_lease(row, until, shared, standings.get(row[3]), as_of))
        except (ValueError, TypeError) as error:
            # A row that can't be read must not stop those behind it, nor be met again and again.
            _log.error("id=%s/%s is damaged and held: %s", row[0], row[1], error)
            conn.execute(
                f"UPDATE recipient SET state = 1, owner = NULL, held_by = {DAMAGE}, status = ?"
                " WHERE submission_id = ? AND number = ?",
                (f"damaged: {error}", row[0], row[1]),
            )
    return leases


def _standings(conn: Tx, rows: list[tuple[Any, ...]]) -> dict[int, Standing]:
    return standing.standings_by_id(conn, [row[3] for row in rows if isinstance(row[3], int)])


def _due(conn: Tx, lane: Lane, now: float, most: int) -> list[tuple[Any, ...]]:
    return conn.execute(
        f"SELECT {_COLUMNS} FROM recipient r JOIN submission s ON s.id = r.submission_id"
        " WHERE r.state = 0 AND r.tenant_id = ? AND r.domain = ? AND r.due_at <= ? AND r.owner IS NULL"
        " ORDER BY r.due_at LIMIT ?",
        (*lane, now, most),
    ).fetchall()


def _lease(
    row: tuple[Any, ...], until: float, shared: dict[int, Submission], known: Standing | None, as_of: AsOf
) -> Lease:
    (sid, number, tenant, subscriber, address, domain, fence, attempts, slots, notify, orcpt, tried_at, *rest) = row
    submission = shared.get(sid)
    if submission is None:
        rest[-2] = bool(rest[-2])  # SQLite has none
        submission = shared[sid] = Submission(sid, tenant, *rest)
    values = _SLOTS.decode(slots) if slots else {}
    told = (notify, orcpt, tried_at, known, as_of)
    return Lease(submission, number, subscriber, address, domain, fence + 1, attempts, until, values, *told)


def claim(owner: str, now: float, lease_s: float) -> Claim:
    """What ``enqueue`` writes down for an owner who wants the copies of a message that is just being accepted."""
    return Claim(owner, now + lease_s)


def claimed(new: NewSubmission, stored: Enqueued, made: Claim) -> list[Lease | None]:
    """The leases that the commit of a claimed message made, by number; None for a copy that is held."""
    submission = Submission(
        new.id,
        new.tenant_id,
        new.stream_id,
        stored.campaign_id,
        new.topic,
        new.reverse_path,
        new.from_domain,
        new.message_id,
        new.accepted_at,
        new.expires_at,
        new.ret,
        new.envid,
        new.size_octets,
        stored.give_back,
        stored.shared,
        new.last_at,
    )
    leases: list[Lease | None] = []
    for number, fresh in enumerate(new.recipients):
        if stored.states[number] is not State.READY:
            leases.append(None)
            continue
        recipient = fresh.recipient
        leases.append(
            Lease(
                submission,
                number,
                stored.subscriber_ids[number],
                recipient.address,
                recipient.domain,
                1,
                0,
                made.until,
                fresh.slots,
                recipient.notify,
                recipient.orcpt,
                new.accepted_at,
                recipient.standing if recipient.standing.subscriber_id is not None else None,
                new.as_of,
            )
        )
    return leases


def owners(conn: Tx) -> list[str]:
    """Who holds leases; each is found by a step in an index, however many those are."""
    found: list[str] = []
    while row := conn.execute(NEXT_OWNER, (found[-1] if found else "",)).fetchone():
        found.append(str(row[0]))
    return found


def take_back(conn: Tx, gone: Iterable[str], now: float) -> int:
    """End the leases of these owners: their copies are due now; how many they were."""
    return sum(conn.execute(TAKE_BACK, (now, owner)).rowcount for owner in gone)


def load_template(conn: Tx, submission_id: int) -> bytes | None:
    row = conn.execute("SELECT template FROM body WHERE submission_id = ?", (submission_id,)).fetchone()
    return None if row is None else bytes(row[0])
