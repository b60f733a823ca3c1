"""Which staged campaign a message belongs to: the one whose content is most like its own (R10).

Names and subjects don't split a campaign, and two contents under one name are
two. What is compared stands in ``relay.mail.likeness``; here it is kept with
the campaign and found again.
"""

from __future__ import annotations

import functools
from array import array
from typing import Final

from relay.campaigns.campaigns import COLUMNS, Campaign
from relay.mail.likeness import APART, Likeness, Words
from relay.store.contract import Tx

LATELY_S: Final = 24 * 3600.0
"""A decided campaign takes what is like it for so long after its latest copy; a staged one until its verdict."""
DECLINED_S: Final = 30 * 24 * 3600.0
"""What was declined is refused for so long."""
CANDIDATES: Final = 30
"""The latest campaigns of a tenant that a message is compared with."""
LEARNS: Final = 20
"""Copies from which a campaign learns what is personal in it."""


def find(conn: Tx, tenant_id: int, words: Words, now: float, *, undecided_only: bool = False) -> Campaign | None:
    """The tenant's campaign that the message is a copy of; the latest of those equally like it. None: a new one."""
    rows = conn.execute(
        "SELECT id, likeness FROM campaign WHERE tenant_id = ? AND likeness IS NOT NULL"
        " AND (state IN ('staged', 'watching', 'undecided', 'stopped') OR ? = 1 AND"
        " (state = 'released' AND last_at > ? OR state = 'declined' AND last_at > ?)) ORDER BY id DESC LIMIT ?",
        (tenant_id, int(not undecided_only), now - LATELY_S, now - DECLINED_S, CANDIDATES),
    ).fetchall()
    best, least = 0, APART
    for id_, packed in rows:
        distance = unpacked(packed).distance(words)
        if distance < least:
            best, least = id_, distance
        if not distance:
            break
    if not best:
        return None
    return Campaign(*conn.execute(f"SELECT {COLUMNS} FROM campaign WHERE id = ?", (best,)).fetchone())


def learn(conn: Tx, campaign_id: int, words: Words, now: float) -> None:
    """One more copy of it came in."""
    (packed,) = conn.execute("SELECT likeness FROM campaign WHERE id = ?", (campaign_id,)).fetchone()
    known = unpacked(packed)
    if known.copies < LEARNS:
        packed = pack(known.learn(words))
    conn.execute("UPDATE campaign SET likeness = ?, last_at = ? WHERE id = ?", (packed, now, campaign_id))


def pack(likeness: Likeness) -> bytes:
    """For the campaign's row; little-endian on all machines that we know of."""
    parts = [likeness.fixed, likeness.frame, likeness.seen]
    numbers = array("I", [likeness.copies, *(len(one) for one in parts)])
    for one in parts:
        numbers.extend(sorted(one))
    return numbers.tobytes()


@functools.lru_cache(maxsize=512)
def unpacked(packed: bytes) -> Likeness:
    """What ``pack`` wrote."""
    numbers = array("I")
    numbers.frombytes(packed)
    copies, fixed, frame, seen = numbers[:4]
    a, b = 4 + fixed, 4 + fixed + frame
    return Likeness(frozenset(numbers[4:a]), frozenset(numbers[a:b]), frozenset(numbers[b : b + seen]), copies)
