"""Which campaign a message belongs to, and its copies' numbers (R10)."""

from __future__ import annotations

from typing import Final

from relay.campaigns.campaigns import _COLUMNS, Campaign
from relay.store.contract import Tx

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
    """The campaign that a message belongs to, made if there is none.

    A name that the client gave (``explicit``) is good for ever on its stream;
    one made of stream, From and Subject for 24 hours.
    """
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM campaign WHERE tenant_id = ? AND stream_id = ? AND name = ? AND created_at > ?"
        " ORDER BY created_at DESC, id DESC LIMIT 1",
        (tenant_id, stream_id, name, -1.0 if explicit else now - SAME_S),
    ).fetchone()
    if row is None:
        row = conn.execute(
            "INSERT INTO campaign (tenant_id, stream_id, name, topic, from_address, subject, state, created_at)"
            f" VALUES (?, ?, ?, ?, ?, ?, 'open', ?) RETURNING {_COLUMNS}",
            (tenant_id, stream_id, name, topic, from_address, subject, now),
        ).fetchone()
    return Campaign(*row)


def allot(conn: Tx, campaign_id: int, n: int) -> int:
    """Give out ``n`` numbers in the campaign; returns the first (numbers begin at 1)."""
    row = conn.execute(
        "UPDATE campaign SET recipients = recipients + ? WHERE id = ? RETURNING recipients", (n, campaign_id)
    ).fetchone()
    return int(row[0]) - n + 1
