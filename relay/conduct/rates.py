"""Rates of bounces and complaints of a tenant's mail over a rolling window, by tenant, kind, stream and campaign."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from config.conduct import Rates
from relay.conduct import sums
from relay.conduct.levels import Steps
from relay.conduct.sites import site_of
from relay.conduct.sums import COMPLAINED, CONTESTED, DEAD, DELIVERED_, FAILED, LOOPED, RateBatch
from relay.events.follow import newest, position
from relay.store.contract import Tx
from relay.values.facts import Kind

TENANT: Final = ""
BULK: Final = "kind:bulk"
"""All bulk streams together: service mail that nobody complains about hides nothing."""
BOUNCES: Final = "bounces"
COMPLAINTS: Final = "complaints"
CONTESTS: Final = "contests"
MEASURES: Final = (BOUNCES, COMPLAINTS, CONTESTS)
REPORTS_FOR_S: Final = 90 * 86_400.0
"""So long after its last report a site is taken for one that reports."""
DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class RateCounts:
    """What a rate is made of; copies, and persons for complaints."""

    scope: str
    """``""`` the tenant, ``kind:bulk``, ``stream:ID``, ``campaign:ID``."""
    name: str
    """As people know it."""
    delivered: int
    bounced: int
    """Dead addresses."""
    failed: int
    """Other ends without a delivery."""
    complained: int
    contested: int
    """Persons who say that they never agreed."""
    looped: int
    """Of these by feedback loops."""
    reporting: int
    """Delivered to sites whose complaints are reported to us."""
    placed: int
    """Delivered, of those whose site is known."""

    @property
    def recipients(self) -> int:
        return self.delivered + self.bounced + self.failed

    @property
    def blind(self) -> float:
        """The part of what was delivered that nobody reports complaints about; 1.0 where no site is known."""
        return 1.0 - min(1.0, self.reporting / self.placed) if self.placed else 1.0

    def of(self, measure: str, least: int) -> tuple[int, int]:
        """(count, of) of a measure.

        Complaints by loops are a part of what the reporting sites got, if that is ``least`` or more; all of them a
        part of all. The higher of the two counts.
        """
        if measure == BOUNCES:
            return self.bounced, self.recipients
        if measure == CONTESTS:
            return self.contested, self.delivered
        whole = (self.complained, self.delivered)
        seen = (self.looped, self.reporting)
        if self.reporting < least or seen[0] * whole[1] <= whole[0] * seen[1]:
            return whole
        return seen


def steps(settings: Rates, measure: str) -> Steps:
    if measure == BOUNCES:
        figures = (settings.bounces_advice, settings.bounces_review, settings.bounces_pause)
    elif measure == CONTESTS:
        figures = (settings.contests_advice, settings.contests_review, settings.contests_pause)
    else:
        figures = (settings.complaints_advice, settings.complaints_review, settings.complaints_pause)
    return Steps(*(figure / 100 for figure in figures))


def pending(conn: Tx) -> RateBatch:
    """What happened since the follower's last turn; with what is stored it is everything up to this moment."""
    end = newest(conn)
    begun = position(conn, sums.NAME)
    return sums.read(conn, end if begun is None else begun, end)


def of_tenant(
    conn: Tx, tenant_id: int, settings: Rates, now: float, since: float = 0.0, fresh: RateBatch | None = None
) -> list[RateCounts]:
    """The tenant, its bulk mail where it has other mail too, its streams and its campaigns of these days.

    The window is ``settings.window`` long, and begins no earlier than ``since``. ``fresh``: what isn't stored yet;
    call it in a transaction then. ``now`` in seconds UTC.
    """
    start = max(now - settings.window, since)
    slot, day = int(-(-start // sums.SLOT_S)), int(start) // DAY_S
    found = _sums(conn, tenant_id, slot, fresh)
    placed, reporting = _places(conn, tenant_id, day, settings, now, fresh)
    streams = {
        int(id_): (str(name), Kind(kind))
        for id_, name, kind in conn.execute("SELECT id, name, kind FROM stream WHERE tenant_id = ?", (tenant_id,))
    }
    used = sorted({stream_id for stream_id, _, _ in found} & streams.keys())
    rows = [_counts(TENANT, "all mail", found, placed, reporting, set(streams))]
    bulk = {id_ for id_ in used if streams[id_][1] is Kind.BULK}
    if bulk and bulk != set(used):
        rows.append(_counts(BULK, "all bulk mail", found, placed, reporting, bulk))
    if len(used) > 1:
        rows += [_counts(f"stream:{id_}", f"stream {streams[id_][0]}", found, placed, reporting, {id_}) for id_ in used]
    return rows + list(_campaigns(conn, tenant_id, start, found))


def _sums(conn: Tx, tenant_id: int, slot: int, fresh: RateBatch | None) -> Counter[tuple[int, int, str]]:
    """By (stream_id, campaign_id, measure)."""
    found: Counter[tuple[int, int, str]] = Counter()
    for stream_id, campaign_id, measure, value in conn.execute(
        "SELECT stream_id, campaign_id, measure, sum(value) FROM rate_sum WHERE tenant_id = ? AND slot >= ?"
        " GROUP BY stream_id, campaign_id, measure",
        (tenant_id, slot),
    ):
        found[stream_id, campaign_id, measure] = value
    if fresh is not None:
        for (whose, when, stream_id, campaign_id, measure), value in fresh.sums.items():
            if whose == tenant_id and when >= slot:
                found[stream_id, campaign_id, measure] += value
    return found


def _places(
    conn: Tx, tenant_id: int, day: int, settings: Rates, now: float, fresh: RateBatch | None
) -> tuple[Counter[int], Counter[int]]:
    """(delivered where the site is known, delivered to sites that report), by stream."""
    sql = "SELECT site FROM rate_reporter WHERE at > ? AND at <= ?"
    sites = {str(row[0]) for row in conn.execute(sql, (now - REPORTS_FOR_S, now + DAY_S))}
    sites |= {site_of(domain) for domain in settings.reporting}
    rows = list(
        conn.execute(
            "SELECT stream_id, site, sum(delivered) FROM rate_site WHERE tenant_id = ? AND day >= ?"
            " GROUP BY stream_id, site",
            (tenant_id, day),
        )
    )
    if fresh is not None:
        sites |= fresh.reporters.keys()
        rows += [
            (s, site, n) for (whose, when, s, site), n in fresh.sites.items() if whose == tenant_id and when >= day
        ]
    placed: Counter[int] = Counter()
    reporting: Counter[int] = Counter()
    for stream_id, site, count in rows:
        placed[stream_id] += count
        if site in sites:
            reporting[stream_id] += count
    return placed, reporting


def _counts(
    scope: str,
    name: str,
    found: Counter[tuple[int, int, str]],
    placed: Counter[int],
    reporting: Counter[int],
    streams: set[int],
) -> RateCounts:
    measured: Counter[str] = Counter()
    for (stream_id, _, measure), value in found.items():
        if stream_id in streams:
            measured[measure] += value
    return RateCounts(
        scope=scope,
        name=name,
        # A report may be here before the delivery is written down.
        delivered=max(0, measured[DELIVERED_]),
        bounced=measured[DEAD],
        failed=measured[FAILED],
        complained=measured[COMPLAINED],
        contested=measured[CONTESTED],
        looped=measured[LOOPED],
        reporting=sum(reporting[id_] for id_ in streams),
        placed=sum(placed[id_] for id_ in streams),
    )


def _campaigns(conn: Tx, tenant_id: int, start: float, found: Counter[tuple[int, int, str]]) -> Iterator[RateCounts]:
    """Those begun in the window, by their own counters; one that runs for longer is judged by its stream."""
    troubled = {campaign_id for _, campaign_id, _ in found} - {0}
    for id_, name, delivered, bounced, created_at in conn.execute(
        "SELECT id, name, delivered, bounced, created_at FROM campaign WHERE tenant_id = ? AND last_at >= ?"
        " ORDER BY id",
        (tenant_id, start),
    ):
        if id_ not in troubled or created_at < start:
            continue
        measured: Counter[str] = Counter()
        for (_, campaign_id, measure), value in found.items():
            if campaign_id == id_:
                measured[measure] += value
        dead = measured[DEAD]
        back = max(0, bounced - dead)
        yield RateCounts(
            scope=f"campaign:{id_}",
            name=f"campaign {id_} ({name})",
            delivered=delivered,
            bounced=dead,
            failed=back,
            complained=measured[COMPLAINED],
            contested=measured[CONTESTED],
            looped=measured[LOOPED],
            reporting=0,
            placed=0,
        )


def reporters(conn: Tx, limit: int) -> list[tuple[str, float]]:
    """(site, when the latest report of its feedback loop came, seconds UTC), the latest first."""
    rows = conn.execute("SELECT site, at FROM rate_reporter ORDER BY at DESC, site LIMIT ?", (limit,)).fetchall()
    return [(str(site), float(at)) for site, at in rows]
