"""Openings and clicks of a tenant or a campaign, total and human side by side: sums, never a count over messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from relay.store.contract import Tx
from relay.tracking.values import CLASSES, HitClass, HitKind

_OF_TENANT: Final = "SELECT kind, class, sum(copies), sum(hits) FROM hit_sum WHERE tenant_id = ? GROUP BY kind, class"
_OF_CAMPAIGN: Final = (
    "SELECT kind, class, sum(copies), sum(hits) FROM hit_sum WHERE campaign_id = ? GROUP BY kind, class"
)


@dataclass(frozen=True, slots=True)
class KindFigures:
    """Of openings, or of clicks. Copies count once, in the most human class of their hits."""

    copies: int = 0
    """Whoever asked."""
    human: int = 0
    unsure: int = 0
    proxy: int = 0
    prefetch: int = 0
    scanner: int = 0
    hits: int = 0
    """Each time, whoever asked."""

    @property
    def machines(self) -> int:
        return self.proxy + self.prefetch + self.scanner

    def fields(self) -> dict[str, int]:
        """For commands and the API."""
        return {
            "total": self.copies,
            **{str(one): int(getattr(self, one)) for one in CLASSES},
            "hits": self.hits,
        }


@dataclass(frozen=True, slots=True)
class TrackingFigures:
    opened: KindFigures
    clicked: KindFigures
    forwarded: int = 0
    """How often a link for handing the message on was followed, by no machine that is known."""

    def fields(self) -> dict[str, object]:
        return {"opened": self.opened.fields(), "clicked": self.clicked.fields(), "forwarded": self.forwarded}


def of_tenant(conn: Tx, tenant_id: int) -> TrackingFigures:
    return _made(conn.execute(_OF_TENANT, (tenant_id,)))


def of_campaign(conn: Tx, campaign_id: int) -> TrackingFigures:
    return _made(conn.execute(_OF_CAMPAIGN, (campaign_id,)))


def total(found: Iterable[TrackingFigures]) -> TrackingFigures:
    """All together."""
    rows = list(found)
    return TrackingFigures(
        _added([row.opened for row in rows]),
        _added([row.clicked for row in rows]),
        sum(row.forwarded for row in rows),
    )


def links(conn: Tx, campaign_id: int, most: int = 100) -> list[dict[str, object]]:
    """A campaign's links, those that people followed most first: persons' copies and all copies, by address."""
    rows = conn.execute(
        "SELECT url, sum(CASE WHEN class = ? THEN copies ELSE 0 END), sum(copies), sum(hits) FROM hit_link"
        " WHERE campaign_id = ? GROUP BY url ORDER BY 2 DESC, 3 DESC, 1 LIMIT ?",
        (str(HitClass.HUMAN), campaign_id, most),
    )
    return [{"url": url, "human": human, "total": copies, "hits": hits} for url, human, copies, hits in rows]


def _made(rows: Iterable[tuple[str, str, int, int]]) -> TrackingFigures:
    copies: Counter[tuple[str, str]] = Counter()
    hits: Counter[str] = Counter()
    forwarded = 0
    for kind, hit_class, found, requests in rows:
        copies[kind, hit_class] += found
        hits[kind] += requests
        if kind == HitKind.FORWARDED and hit_class in (HitClass.HUMAN, HitClass.UNSURE):
            forwarded += requests
    made = [
        KindFigures(
            sum(copies[kind, one] for one in CLASSES),
            hits=hits[kind],
            **{str(one): copies[kind, one] for one in CLASSES},
        )
        for kind in (HitKind.OPENED, HitKind.CLICKED)
    ]
    return TrackingFigures(made[0], made[1], forwarded)


def _added(rows: list[KindFigures]) -> KindFigures:
    names = ("copies", *map(str, CLASSES), "hits")
    return KindFigures(**{name: sum(getattr(row, name) for row in rows) for name in names})
