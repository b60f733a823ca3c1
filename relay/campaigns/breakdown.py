"""Figures of a tenant by day, campaign, tag or recipients' domain."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from relay.events import daily
from relay.store.contract import Tx
from relay.values.ids import first_id
from relay.values.states import State

NAMES: Final = ("accepted", "delivered", "bounced", "deferred", "held", "unsubscribed", "complained")
DAY_S: Final = 86_400
_STATES: Final[Mapping[int, str]] = {
    State.DELIVERED: "delivered",
    State.BOUNCED: "bounced",
    State.EXPIRED: "bounced",
    State.HELD: "held",
}
_PERSONS: Final = ("unsubscribed", "complained")


def of(
    conn: Tx, tenant_id: int, by: str, first_day: int, stream_id: int | None, limit: int
) -> list[tuple[str, dict[str, int]]]:
    """Rows of key and figures since a day (days since 1970, UTC): days in their order, others by copies."""
    if by == "day":
        return _by_day(conn, tenant_id, first_day, stream_id)[:limit]
    if by == "campaign":
        return _by_campaign(conn, tenant_id, first_day, limit)
    return _by_copy(conn, tenant_id, "s.tag" if by == "tag" else "r.domain", first_day, limit)


def _by_day(conn: Tx, tenant_id: int, first_day: int, stream_id: int | None) -> list[tuple[str, dict[str, int]]]:
    days: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for day, kind, value in daily.by_day(conn, tenant_id, first_day, stream_id):
        days[day][kind] += value
    rows = []
    for day in sorted(days):
        found = days[day]
        figures = {name: found[name] for name in NAMES}
        figures["delivered"] = max(0, found["delivered"] - found["returned"])
        figures["bounced"] = found["bounced"] + found["expired"] + found["returned"]
        figures["held"] = 0  # what waits is of now, and of no day
        rows.append((datetime.fromtimestamp(day * DAY_S, UTC).strftime("%Y-%m-%d"), figures))
    return rows


def _by_campaign(conn: Tx, tenant_id: int, first_day: int, limit: int) -> list[tuple[str, dict[str, int]]]:
    rows = conn.execute(
        "SELECT name, sum(recipients), sum(delivered), sum(bounced), sum(unsubscribed), sum(complained) FROM campaign"
        " WHERE tenant_id = ? AND created_at >= ? GROUP BY name ORDER BY 2 DESC, 1 LIMIT ?",
        (tenant_id, first_day * DAY_S, limit),
    )
    return [
        (
            str(name),
            dict.fromkeys(NAMES, 0)
            | {
                "accepted": accepted,
                "delivered": delivered,
                "bounced": bounced,
                "unsubscribed": unsubscribed,
                "complained": complained,
            },
        )
        for name, accepted, delivered, bounced, unsubscribed, complained in rows.fetchall()
    ]


def _by_copy(conn: Tx, tenant_id: int, column: str, first_day: int, limit: int) -> list[tuple[str, dict[str, int]]]:
    """From the copies' rows, as far as they are kept; persons from events."""
    since = first_id(first_day * DAY_S)
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    rows = conn.execute(
        f"SELECT {column}, r.state, CASE WHEN r.attempts > 0 THEN 1 ELSE 0 END, count(*) FROM submission s"
        " JOIN recipient r ON r.submission_id = s.id"
        " WHERE s.id >= ? AND s.tenant_id = ? AND s.stream_id <> 0 GROUP BY 1, 2, 3",
        (since, tenant_id),
    )
    for key, state, tried, number in rows:
        found[key]["accepted"] += number
        name = _STATES.get(state) or ("deferred" if state == State.READY and tried else "")
        if name:
            found[key][name] += number
    persons = conn.execute(
        f"SELECT {column}, e.kind, count(*) FROM event e JOIN submission s ON s.id = e.submission_id"
        " JOIN recipient r ON r.submission_id = e.submission_id AND r.number = e.number"
        " WHERE e.tenant_id = ? AND e.at >= ? AND e.kind IN ('unsubscribed', 'complained') AND s.id >= ?"
        " GROUP BY 1, 2",
        (tenant_id, first_day * DAY_S, since),
    )
    for key, kind, number in persons:
        found[key][kind] += number
    ordered = sorted(found.items(), key=lambda item: (-item[1]["accepted"], item[0]))
    return [(key, {name: figures[name] for name in NAMES}) for key, figures in ordered[:limit]]
