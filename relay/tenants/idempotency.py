"""Answers kept by Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).

An answer is stored in the transaction of what it tells, so that there is
either both or neither: a repeat finds the answer, or does the work.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from relay.store.contract import Tx

KEEP_S: Final = 86_400.0
MOST_OCTETS: Final = 256 * 1024 * 1024
"""Kept answers of one tenant: a million short ones, so that its rate of sending is the limit and not this."""
ROW_OCTETS: Final = 128
"""Of a kept answer, besides its body."""
SMALL_OCTETS: Final = 1_000
STEP: Final = 500


class OtherRequest(Exception):
    """The key was used for another request."""


class TooMany(Exception):
    """The tenant has MOST_OCTETS of answers kept."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it was given."""

    status: int
    location: str
    body: bytes


def find(conn: Tx, tenant_id: int, key: str, request: bytes) -> KeptAnswer | None:
    """The answer kept for that key and ``request`` (octets that stand for it); raises OtherRequest.

    As long as it is there, whatever the clock says: a clock that was set must not have the work done twice.
    """
    row = conn.execute(
        "SELECT request, status, location, body FROM idempotency WHERE tenant_id = ? AND key = ?",
        (tenant_id, _digest(key.encode())),
    ).fetchone()
    if row is None:
        return None
    if row[0] != _digest(request):
        raise OtherRequest
    return KeptAnswer(row[1], row[2], zlib.decompress(row[3]))


def keep(
    conn: Tx, tenant_id: int, key: str, request: bytes, answer: KeptAnswer, now: float, until: float = 0.0
) -> None:
    """Keep an answer for KEEP_S, or ``until`` where that is later, in the caller's transaction; raises TooMany."""
    body = _short(answer.body)
    octets = len(body) + ROW_OCTETS
    room = conn.execute(
        "INSERT INTO idempotency_room (tenant_id, octets) VALUES (?, ?) ON CONFLICT (tenant_id)"
        " DO UPDATE SET octets = idempotency_room.octets + excluded.octets"
        " WHERE idempotency_room.octets + excluded.octets <= ?",
        (tenant_id, octets, MOST_OCTETS),
    )
    if room.rowcount != 1:
        raise TooMany
    conn.execute(
        "INSERT INTO idempotency (tenant_id, key, request, status, location, body, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (tenant_id, _digest(key.encode()), _digest(request), answer.status, answer.location,
         body, max(now + KEEP_S, until)),
    )  # fmt: skip


def _short(body: bytes) -> bytes:
    """Compressed; for an answer to one recipient ``zlib.compress`` would spend its time on clearing tables."""
    if len(body) > SMALL_OCTETS:
        return zlib.compress(body)
    small = zlib.compressobj(1, zlib.DEFLATED, 9, 1)
    return small.compress(body) + small.flush()


def drop(conn: Tx, ids: Iterable[int]) -> None:
    """Delete these answers, e.g. since they name someone who is erased."""
    for id_ in ids:
        _gone(conn, conn.execute(f"DELETE FROM idempotency WHERE id = ? {_TOLD}", (id_,)).fetchall())


def forget(conn: Tx, now: float) -> int:
    """Delete answers whose time is over, a step at most; how many."""
    gone = conn.execute(
        f"DELETE FROM idempotency WHERE id IN (SELECT id FROM idempotency WHERE expires_at <= ? LIMIT ?) {_TOLD}",
        (now, STEP),
    ).fetchall()
    _gone(conn, gone)
    return len(gone)


_TOLD: Final = "RETURNING tenant_id, length(body)"


def _gone(conn: Tx, gone: Sequence[tuple[int, int]]) -> None:
    """Give back the room of answers that were deleted."""
    octets: Counter[int] = Counter()
    for tenant_id, body in gone:
        octets[tenant_id] += body + ROW_OCTETS
    conn.executemany(
        "UPDATE idempotency_room SET octets = CASE WHEN octets > ? THEN octets - ? ELSE 0 END WHERE tenant_id = ?",
        [(amount, amount, tenant_id) for tenant_id, amount in octets.items()],
    )


def _digest(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()
