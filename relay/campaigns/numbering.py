"""Which campaign a message belongs to, and its copies' numbers (R10)."""

from __future__ import annotations

from typing import Final

from relay.campaigns import content, draw
from relay.campaigns.campaigns import COLUMNS, Campaign
from relay.mail.likeness import Likeness, Words
from relay.store.contract import Tx

FLOW: Final = "flow"
"""Name of the campaign that all mail of a flow belongs to."""
SAME_S: Final = 24 * 3600.0
"""Without a name given, mail with one stream, From and Subject is one campaign for this long."""


def for_message(
    conn: Tx,
    tenant_id: int,
    stream_id: int,
    name: str,
    *,
    explicit: bool,
    topic: str,
    from_address: str,
    subject: str,
    now: float,
) -> Campaign:
    """The campaign that an unstaged message belongs to by its name, made if there is none.

    A name that the client gave (``explicit``) is good for ever on its stream;
    one made of stream, From and Subject for 24 hours.
    """
    row = conn.execute(
        f"SELECT {COLUMNS} FROM campaign WHERE tenant_id = ? AND stream_id = ? AND name = ? AND created_at > ?"
        " AND (likeness IS NULL OR state = 'released') ORDER BY created_at DESC, id DESC LIMIT 1",
        (tenant_id, stream_id, name, -1.0 if explicit else now - SAME_S),
    ).fetchone()
    if row is not None:
        return Campaign(*row)
    return _make(conn, tenant_id, stream_id, name, topic, from_address, subject, None, now)


def for_content(
    conn: Tx,
    tenant_id: int,
    stream_id: int,
    name: str,
    *,
    words: Words,
    new: bool,
    topic: str,
    from_address: str,
    subject: str,
    now: float,
) -> Campaign | None:
    """The campaign that the message is a copy of by its content, whatever its name; made if there is none.

    Without ``new`` only a campaign that is staged already, or None.
    """
    found = content.find(conn, tenant_id, words, now, undecided_only=not new)
    if found is not None:
        content.learn(conn, found.id, words, now)
        return found
    if not new:
        return None
    return _make(conn, tenant_id, stream_id, name, topic, from_address, subject, words, now)


def anew(
    conn: Tx,
    tenant_id: int,
    stream_id: int,
    name: str,
    *,
    words: Words,
    topic: str,
    from_address: str,
    subject: str,
    now: float,
) -> Campaign:
    """A campaign of its own, whatever it is like."""
    return _make(conn, tenant_id, stream_id, name, topic, from_address, subject, words, now)


def _make(
    conn: Tx,
    tenant_id: int,
    stream_id: int,
    name: str,
    topic: str,
    from_address: str,
    subject: str,
    words: Words | None,
    now: float,
) -> Campaign:
    row = conn.execute(
        "INSERT INTO campaign (tenant_id, stream_id, name, topic, from_address, subject, state, created_at, last_at,"
        f" likeness, draw) VALUES (?, ?, ?, ?, ?, ?, 'open', ?, ?, ?, ?) RETURNING {COLUMNS}",
        (
            tenant_id,
            stream_id,
            name,
            topic,
            from_address,
            subject,
            now,
            now,
            None if words is None else content.pack(Likeness.first(words)),
            draw.key(),
        ),
    ).fetchone()
    return Campaign(*row)


def allot(conn: Tx, campaign_id: int, n: int) -> int:
    """Give out ``n`` numbers in the campaign; returns the first (numbers begin at 1)."""
    row = conn.execute(
        "UPDATE campaign SET recipients = recipients + ? WHERE id = ? RETURNING recipients", (n, campaign_id)
    ).fetchone()
    return int(row[0]) - n + 1
