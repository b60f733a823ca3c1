"""Answers kept by Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).

An answer is stored in the transaction of what it tells, so that there is
either both or neither: a repeat finds the answer, or does the work.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from relay.store.contract import Tx

KEEP_S: Final = 86_400.0
MOST: Final = 20_000
"""Kept answers of one tenant."""
STEP: Final = 500


class OtherRequest(Exception):
    """The key was used for another request."""


class TooMany(Exception):
    """The tenant has MOST answers kept."""


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


def keep(conn: Tx, tenant_id: int, key: str, request: bytes, answer: KeptAnswer, now: float) -> None:
    """Keep an answer for KEEP_S, in the caller's transaction; raises TooMany."""
    kept = conn.execute("SELECT count(*) FROM idempotency WHERE tenant_id = ?", (tenant_id,)).fetchone()[0]
    if kept >= MOST:
        raise TooMany
    conn.execute(
        "INSERT INTO idempotency (tenant_id, key, request, status, location, body, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_id, key) DO UPDATE SET request = excluded.request,"
        " status = excluded.status, location = excluded.location, body = excluded.body,"
        " expires_at = excluded.expires_at",
        (tenant_id, _digest(key.encode()), _digest(request), answer.status, answer.location,
         zlib.compress(answer.body), now + KEEP_S),
    )  # fmt: skip


def drop(conn: Tx, ids: Iterable[int]) -> None:
    """Delete these answers, e.g. since they name someone who is erased."""
    conn.executemany("DELETE FROM idempotency WHERE id = ?", [(id_,) for id_ in ids])


def forget(conn: Tx, now: float) -> int:
    """Delete answers whose time is over, a step at most; how many."""
    return conn.execute(
        "DELETE FROM idempotency WHERE id IN (SELECT id FROM idempotency WHERE expires_at <= ? LIMIT ?)", (now, STEP)
    ).rowcount


def _digest(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()
