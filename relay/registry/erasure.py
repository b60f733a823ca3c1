"""Erasing a person's data (R5, R26): all that names it with a tenant goes, at once and in one transaction.

What stays says nothing about whom: commitments of the audit log, counts, and
a keyed hash of the mailbox that keeps the person from being brought back.
Looking for a person's copies reads the whole queue, so that is done before
the write lock is taken; what came in meanwhile is looked at under it.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.audit import erase as log
from relay.pipeline.contract import Reason
from relay.queue.drop import Copy, give_up
from relay.queue.model import State
from relay.registry import erased
from relay.registry.consents import same_mailbox
from relay.registry.mailboxes import hashes
from relay.store.database import transaction

if TYPE_CHECKING:
    from relay.registry.secrets import Secrets

WHY: Final = "the person was erased"
_TABLES: Final = ("consent", "suppression", "membership", "profile")
_COPIES: Final = (
    "SELECT submission_id, number, campaign_id FROM recipient WHERE submission_id > ? AND tenant_id = ?"
    " AND (subscriber_id IN ({people}) OR lower(address) = ?)"
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased."""

    people: int = 0
    """Spellings of the mailbox that were known."""
    records: int = 0
    """Of consents, withdrawals and suppressions, in the audit log; their commitments stay."""
    copies: int = 0
    """Of messages: addresses and replies of the remotes."""
    cancelled: int = 0
    """Of these, copies that waited."""
    busy: int = 0
    """Copies that are being delivered; they are left."""
    requests: int = 0
    """For subscription, with or without an answer."""

    @property
    def nothing(self) -> bool:
        return not (self.people or self.copies or self.busy or self.requests)


def erase(
    conn: sqlite3.Connection, secrets: Secrets, tenant_id: int, canonical: str, *, actor: str, now: float
) -> Erasure:
    """Erase the person with this mailbox under all its spellings. Makes its own transaction.

    ``erased`` remembers it even if nothing was there. Raises AuditError, then nothing is changed.
    """
    newest = conn.execute("SELECT coalesce(max(submission_id), 0) FROM recipient").fetchone()[0]
    early = _copies(conn, tenant_id, canonical, _people(conn, tenant_id, canonical), 0)
    told = _naming(conn, tenant_id, canonical)
    with transaction(conn):
        people = _people(conn, tenant_id, canonical)
        stopped = _stopped(conn, people)
        records = sum(log.erase(conn, person, actor, now) for person in people)
        copies = {*early, *_copies(conn, tenant_id, canonical, people, newest)}
        cancelled = len(give_up(conn, sorted(copies, key=_key), State.CANCELLED, WHY, actor, now))
        busy = sum(not _blank(conn, copy, now) for copy in copies)
        requests = sum(
            conn.execute("DELETE FROM opt_in WHERE tenant_id = ? AND person = ?", (tenant_id, person)).rowcount
            for person in hashes(secrets, canonical)
        )
        conn.executemany("UPDATE event SET detail = '{}' WHERE id = ?", told)
        _forget_answers(conn, tenant_id, canonical)
        for person in people:
            for table in _TABLES:
                conn.execute(f"DELETE FROM {table} WHERE subscriber_id = ?", (person,))
            conn.execute("DELETE FROM subscriber WHERE id = ?", (person,))
        erased.remember(conn, secrets, tenant_id, canonical, stopped=stopped, now=now)
    return Erasure(len(people), records, len(copies) - busy, cancelled, busy, requests)


def _people(conn: sqlite3.Connection, tenant_id: int, canonical: str) -> list[int]:
    row = conn.execute(
        "SELECT id FROM subscriber WHERE tenant_id = ? AND address = ?", (tenant_id, canonical)
    ).fetchone()
    return [*([int(row[0])] if row else []), *same_mailbox(conn, tenant_id, canonical)]


def _stopped(conn: sqlite3.Connection, people: Iterable[int]) -> bool:
    sql = "SELECT 1 FROM suppression WHERE subscriber_id = ? AND reason <> ?"
    return any(conn.execute(sql, (person, Reason.UNSUBSCRIBED)).fetchone() for person in people)


def _copies(conn: sqlite3.Connection, tenant_id: int, canonical: str, people: list[int], after: int) -> list[Copy]:
    sql = _COPIES.format(people=", ".join(map(str, people)))
    rows = conn.execute(sql, (after, tenant_id, canonical))
    return [Copy(submission_id, number, tenant_id, campaign_id) for submission_id, number, campaign_id in rows]


def _key(copy: Copy) -> tuple[int, int]:
    return copy.submission_id, copy.number


def _blank(conn: sqlite3.Connection, copy: Copy, now: float) -> bool:
    """False for a copy on its way: its row says where to."""
    done = conn.execute(
        "UPDATE recipient SET subscriber_id = 0, address = '', orcpt = '', slots = '', status = ?, changed_at = ?"
        " WHERE submission_id = ? AND number = ? AND state <> 0",
        (WHY, now, copy.submission_id, copy.number),
    )
    if not done.rowcount:
        return False
    conn.execute(
        "UPDATE event SET detail = '{}' WHERE submission_id = ? AND number = ?", (copy.submission_id, copy.number)
    )
    return True


def _naming(conn: sqlite3.Connection, tenant_id: int, canonical: str) -> list[tuple[int]]:
    """Events whose text names the address, such as of a message of which it was refused."""
    rows = conn.execute(
        "SELECT id FROM event WHERE tenant_id = ? AND instr(lower(detail), ?) > 0", (tenant_id, canonical)
    )
    return [(int(row[0]),) for row in rows]


def _forget_answers(conn: sqlite3.Connection, tenant_id: int, canonical: str) -> None:
    """Answers of the API that are kept for a repeated request."""
    rows = conn.execute("SELECT id, body FROM idempotency WHERE tenant_id = ?", (tenant_id,)).fetchall()
    named = [(id_,) for id_, body in rows if canonical.encode() in _inflated(body)]
    conn.executemany("DELETE FROM idempotency WHERE id = ?", named)


def _inflated(body: bytes) -> bytes:
    try:
        return zlib.decompress(body)
    except zlib.error:
        return body
