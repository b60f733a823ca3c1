"""Who was refused, on record: an event for each of a day's first, and sums for all of them.

An application that goes on sending to a list of strangers is refused as often
as it likes; what is kept of that stays small. Written in batches by whoever
refuses (``relay.intake.refusals``), never before the reply.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from relay.events import write as events
from relay.store.contract import Tx

MOST_EVENTS: Final = 1_000
"""Of a tenant in a day; beyond that only the sums grow."""
DAY_S: Final = 86_400.0
NO_MORE: Final[Mapping[tuple[int, int, str], int]] = MappingProxyType({})


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """One recipient refused for good."""

    tenant_id: int
    stream_id: int
    stream: str
    at: float
    moment: str
    """``rcpt``, ``data`` or ``api``."""
    recipient: str
    code: str
    reply: str
    campaign: str = ""
    """By name, where the message was read."""
    topic: str = ""
    """The stream's own, or the message's."""
    tag: str = ""
    meta: Mapping[str, str] = MappingProxyType({})


def write(conn: Tx, batch: Sequence[Refusal], more: Mapping[tuple[int, int, str], int] = NO_MORE) -> None:
    """Record a batch in the caller's transaction; ``more``: how many were left out of it, by tenant, day and code."""
    sums: Counter[tuple[int, int, int, str]] = Counter()
    room: dict[tuple[int, int], int] = {}
    ids: dict[tuple[int, int, str], int] = {}
    for one in batch:
        day = int(one.at // DAY_S)
        place = (one.tenant_id, day)
        if place not in room:
            room[place] = MOST_EVENTS - of_day(conn, *place)
        campaign_id = 0
        if one.campaign:
            key = (one.tenant_id, one.stream_id, one.campaign)
            if key not in ids:
                ids[key] = _campaign(conn, key)
            campaign_id = ids[key]
        sums[(one.tenant_id, day, campaign_id, one.code)] += 1
        if room[place] > 0:
            room[place] -= 1
            _event(conn, one, campaign_id)
    for (tenant_id, day, code), recipients in more.items():
        sums[(tenant_id, day, 0, code)] += recipients
    conn.executemany(
        "INSERT INTO refusal_sum (tenant_id, day, campaign_id, code, recipients) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (tenant_id, day, campaign_id, code)"
        " DO UPDATE SET recipients = refusal_sum.recipients + excluded.recipients",
        [(*key, recipients) for key, recipients in sums.items()],
    )


def _campaign(conn: Tx, key: tuple[int, int, str]) -> int:
    """The newest campaign of that name; 0 where nothing of it was ever taken: its name is no more than a word."""
    row = conn.execute(
        "SELECT id FROM campaign WHERE tenant_id = ? AND stream_id = ? AND name = ? ORDER BY created_at DESC LIMIT 1",
        key,
    ).fetchone()
    return 0 if row is None else int(row[0])


def _event(conn: Tx, one: Refusal, campaign_id: int) -> None:
    about = {"stream": one.stream, "topic": one.topic, "tag": one.tag, "meta": dict(one.meta)}
    told: dict[str, object] = {"recipient": one.recipient, "code": one.code, "reply": one.reply, "moment": one.moment}
    told |= {name: value for name, value in about.items() if value}
    events.of_copy(conn, one.tenant_id, "refused", None, None, campaign_id or None, told, one.at)


# --- reading -----------------------------------------------------------------------


def of_day(conn: Tx, tenant_id: int, day: int) -> int:
    """How many recipients of a tenant were refused on a day (since 1970, UTC)."""
    sql = "SELECT coalesce(sum(recipients), 0) FROM refusal_sum WHERE tenant_id = ? AND day = ?"
    return int(conn.execute(sql, (tenant_id, day)).fetchone()[0])


def of_tenant(conn: Tx, tenant_id: int) -> dict[str, int]:
    """Recipients refused by code, the most often first, of all days that are kept."""
    return dict(
        conn.execute(
            "SELECT code, sum(recipients) FROM refusal_sum WHERE tenant_id = ? GROUP BY code ORDER BY 2 DESC, 1",
            (tenant_id,),
        ).fetchall()
    )


def of_campaign(conn: Tx, tenant_id: int, campaign_id: int) -> dict[str, int]:
    """The same of a campaign: those that were refused when its messages had been read."""
    return dict(
        conn.execute(
            "SELECT code, sum(recipients) FROM refusal_sum WHERE tenant_id = ? AND campaign_id = ? GROUP BY code"
            " ORDER BY 2 DESC, 1",
            (tenant_id, campaign_id),
        ).fetchall()
    )


def forget(conn: Tx, before: float) -> int:
    """Delete the sums of days that ended before; how many rows."""
    return conn.execute("DELETE FROM refusal_sum WHERE day < ?", (int(before // DAY_S),)).rowcount
