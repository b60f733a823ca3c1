"""Openings and clicks beside other figures: copies in all, and those of people; from tracking's own sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from relay.store.contract import Tx
from relay.tracking.values import HitClass

NAMES: Final = ("opened", "opened_human", "clicked", "clicked_human")
_SEEN: Final = (
    "sum(CASE WHEN kind = 'opened' THEN copies ELSE 0 END),"
    f" sum(CASE WHEN kind = 'opened' AND class = '{HitClass.HUMAN}' THEN copies ELSE 0 END),"
    " sum(CASE WHEN kind = 'clicked' THEN copies ELSE 0 END),"
    f" sum(CASE WHEN kind = 'clicked' AND class = '{HitClass.HUMAN}' THEN copies ELSE 0 END)"
)
OpenedRow = Mapping[str, int]


def _named(values: Iterable[int]) -> OpenedRow:
    return {name: int(value) for name, value in zip(NAMES, values, strict=True)}


def by_day(
    conn: Tx, tenant_id: int, first_day: int, campaign_id: int | None, stream_id: int | None
) -> Iterator[tuple[int, OpenedRow]]:
    rows = conn.execute(
        f"SELECT day, {_SEEN} FROM hit_sum WHERE tenant_id = ?1 AND day >= ?2"
        " AND (CAST(?3 AS BIGINT) IS NULL OR campaign_id = ?3) AND (CAST(?4 AS BIGINT) IS NULL OR stream_id = ?4)"
        " GROUP BY day",
        (tenant_id, first_day, campaign_id, stream_id),
    )
    for day, *values in rows.fetchall():
        yield int(day), _named(values)


def by_site(conn: Tx, tenant_id: int, first_day: int, campaign_id: int | None) -> Iterator[tuple[str, OpenedRow]]:
    rows = conn.execute(
        f"SELECT site, {_SEEN} FROM hit_sum WHERE tenant_id = ?1 AND day >= ?2"
        " AND (CAST(?3 AS BIGINT) IS NULL OR campaign_id = ?3) GROUP BY site",
        (tenant_id, first_day, campaign_id),
    )
    for site, *values in rows.fetchall():
        yield str(site), _named(values)


def by_campaign(conn: Tx, tenant_id: int, ids: Iterable[int]) -> Iterator[tuple[int, OpenedRow]]:
    """Of all days."""
    wanted = set(ids)
    rows = conn.execute(
        f"SELECT campaign_id, {_SEEN} FROM hit_sum WHERE tenant_id = ? GROUP BY campaign_id", (tenant_id,)
    )
    for campaign_id, *values in rows.fetchall():
        if campaign_id in wanted:
            yield int(campaign_id), _named(values)


def by_link(
    conn: Tx, tenant_id: int, since: float, campaign_id: int | None, limit: int
) -> Iterator[tuple[str, OpenedRow]]:
    """Those that people followed most first; of campaigns made since, and of mail of none."""
    rows = conn.execute(
        f"SELECT url, sum(CASE WHEN class = '{HitClass.HUMAN}' THEN copies ELSE 0 END), sum(copies) FROM hit_link"
        " WHERE tenant_id = ?1 AND (CAST(?2 AS BIGINT) IS NULL OR campaign_id = ?2)"
        " AND (campaign_id = 0 OR campaign_id IN (SELECT id FROM campaign WHERE tenant_id = ?1 AND created_at >= ?3))"
        " GROUP BY url ORDER BY 2 DESC, 3 DESC, 1 LIMIT ?4",
        (tenant_id, campaign_id, since, limit),
    )
    for url, human, copies in rows.fetchall():
        yield str(url), {"clicked": int(copies), "clicked_human": int(human)}
