"""Rows of finished messages that go: past their time (R27), or of a person that is erased (R26)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from relay.queue.drop import QueuedCopy
from relay.store.contract import Tx

DONE: Final = "SELECT id FROM submission WHERE id > ? AND id < ? AND open_recipients <= 0 ORDER BY id LIMIT ?"
_COPIES: Final = (
    "SELECT submission_id, number, campaign_id FROM recipient WHERE submission_id > ? AND tenant_id = ?"
    " AND (subscriber_id IN ({people}) OR lower(address) = ?)"
)
_TEXTS: Final = (
    "UPDATE submission SET subject = '', tag = '', meta = '' WHERE id = ?1"
    " AND NOT EXISTS (SELECT 1 FROM recipient WHERE submission_id = ?1 AND address <> '')"
)
"""What the tenant said about a message speaks of its only recipient."""


def done(conn: Tx, after: int, end: int, most: int) -> list[int]:
    """Submissions with ids between these (neither among them) of which no copy is left to send, by id."""
    return [id_ for (id_,) in conn.execute(DONE, (after, end, most))]


def forget(conn: Tx, submission_id: int) -> int:
    """Delete one submission; how many recipients it had."""
    rows = conn.execute("DELETE FROM recipient WHERE submission_id = ?", (submission_id,)).rowcount
    conn.execute("DELETE FROM body WHERE submission_id = ?", (submission_id,))
    conn.execute("DELETE FROM submission WHERE id = ?", (submission_id,))
    return rows


def copies_of(conn: Tx, tenant_id: int, canonical: str, people: Iterable[int], after: int) -> list[QueuedCopy]:
    """Copies to a person under all its ids, or to the address, in submissions with an id beyond ``after``."""
    sql = _COPIES.format(people=", ".join(map(str, people)) or "NULL")
    rows = conn.execute(sql, (after, tenant_id, canonical))
    return [QueuedCopy(submission_id, number, tenant_id, campaign_id) for submission_id, number, campaign_id in rows]


def blank(conn: Tx, copy: QueuedCopy, why: str, now: float) -> bool:
    """Take the person out of a copy; False for one on its way: its row says where to."""
    done = conn.execute(
        "UPDATE recipient SET subscriber_id = 0, address = '', orcpt = '', slots = '', status = ?, changed_at = ?"
        " WHERE submission_id = ? AND number = ? AND state <> 0",
        (why, now, copy.submission_id, copy.number),
    )
    if not done.rowcount:
        return False
    conn.execute(_TEXTS, (copy.submission_id,))
    return True
