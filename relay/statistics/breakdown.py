"""Figures of a tenant or a campaign by hour, day, campaign, tag, site, link or class: one way for commands and API.

From sums, up to this moment; by tag alone from the copies' rows, as far as
they are kept. Call it in one read transaction, or a batch may count twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from relay.events import daily
from relay.statistics import opened, sums
from relay.store.contract import Tx
from relay.values.ids import first_id
from relay.values.states import State

NAMES: Final = ("accepted", "delivered", "bounced", "deferred", "held", "unsubscribed", "complained", "contested")
BY: Final = ("day", "hour", "campaign", "tag", "site", "link", "class")
USUAL_DAYS: Final[Mapping[str, int]] = {
    "day": 30, "hour": 2, "campaign": 30, "tag": 7, "site": 7, "link": 30, "class": 30
}  # fmt: skip
MOST_DAYS: Final[Mapping[str, int]] = {
    "day": 3_660, "hour": 31, "campaign": 3_660, "tag": 31, "site": 93, "link": 3_660, "class": 3_660
}  # fmt: skip
DAY_S: Final = 86_400
HOUR_S: Final = 3_600
_STATES: Final[Mapping[int, str]] = {
    State.DELIVERED: "delivered",
    State.BOUNCED: "bounced",
    State.EXPIRED: "bounced",
    State.HELD: "held",
}


@dataclass(frozen=True, slots=True)
class StatisticsWanted:
    """Of whom, by what, and since when."""

    tenant_id: int
    by: str
    """One of ``BY``."""
    first_day: int
    """Days since 1970, UTC."""
    limit: int
    stream_id: int | None = None
    """By day alone."""
    campaign_id: int | None = None
    """Not by tag or campaign."""


class StatisticsRow(Counter[str]):
    """Figures by name; ``key`` says of what."""

    def __init__(self, key: str, found: Mapping[str, int]) -> None:
        super().__init__(found)
        self.key = key

    def fields(self) -> dict[str, object]:
        return {"key": self.key, **{name: self[name] for name in (*NAMES, "refused", *opened.NAMES)}}


def of(conn: Tx, wanted: StatisticsWanted) -> list[StatisticsRow]:
    """Days and hours in their order, others by copies, most first; at most ``limit``: of days and hours the latest."""
    made = _MAKERS[wanted.by](conn, _since_it_began(conn, wanted))
    if wanted.by in ("day", "hour"):
        rows = [StatisticsRow(key, found) for key, found in sorted(made.items())]
        return rows[-wanted.limit :]
    rows = [StatisticsRow(key, found) for key, found in made.items()]
    rows.sort(key=lambda row: (-row["accepted"], -row["clicked"], -row["bounced"] - row["refused"], row.key))
    return rows[: wanted.limit]


def _since_it_began(conn: Tx, wanted: StatisticsWanted) -> StatisticsWanted:
    """Of one campaign nothing is older than it: days before aren't looked at."""
    if wanted.campaign_id is None:
        return wanted
    row = conn.execute("SELECT created_at FROM campaign WHERE id = ?", (wanted.campaign_id,)).fetchone()
    began = 0 if row is None else int(row[0]) // DAY_S - 1
    return replace(wanted, first_day=max(wanted.first_day, began))


_Rows = dict[str, Counter[str]]


def _settled(found: Counter[str]) -> Counter[str]:
    """What came back after its delivery is no delivery; what was given up is a bounce; what waits is of no day."""
    made = Counter({name: found[name] for name in (*NAMES, "refused", *opened.NAMES)})
    made["delivered"] = max(0, found["delivered"] - found["returned"])
    made["bounced"] = found["bounced"] + found["expired"] + found["returned"]
    made["deferred"] = made["held"] = 0
    return made


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_S, UTC).strftime("%Y-%m-%d")


def _by_day(conn: Tx, wanted: StatisticsWanted) -> _Rows:
    days: defaultdict[int, Counter[str]] = defaultdict(Counter)
    if wanted.campaign_id is None:
        for day, kind, value in daily.by_day(conn, wanted.tenant_id, wanted.first_day, wanted.stream_id):
            days[day][kind] += value
    else:
        for hour, kind, value in _hours(conn, wanted):
            days[hour * HOUR_S // DAY_S][kind] += value
    for day, seen in opened.by_day(conn, wanted.tenant_id, wanted.first_day, wanted.campaign_id, wanted.stream_id):
        days[day].update(seen)
    if wanted.stream_id is None:
        for refused_on, recipients in _refused(conn, wanted, "day"):
            days[int(refused_on)]["refused"] += recipients
    return {_date(day): _settled(found) for day, found in days.items()}


def _hours(conn: Tx, wanted: StatisticsWanted) -> list[tuple[int, str, int]]:
    """(hour, kind, value), also of what happened since the last turn."""
    first = wanted.first_day * DAY_S // HOUR_S
    rows = conn.execute(
        "SELECT hour, kind, sum(value) FROM stat_hour WHERE tenant_id = ?1 AND hour >= ?2"
        " AND (CAST(?3 AS BIGINT) IS NULL OR campaign_id = ?3) GROUP BY hour, kind",
        (wanted.tenant_id, first, wanted.campaign_id),
    ).fetchall()
    new = sums.unread(conn).hours.items()
    more = [
        (hour, kind, value)
        for (whose, hour, campaign_id, kind), value in new
        if whose == wanted.tenant_id and hour >= first and wanted.campaign_id in (None, campaign_id)
    ]
    return [(int(hour), str(kind), int(value)) for hour, kind, value in (*rows, *more)]


def _by_hour(conn: Tx, wanted: StatisticsWanted) -> _Rows:
    hours: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for hour, kind, value in _hours(conn, wanted):
        hours[hour][kind] += value
    return {
        datetime.fromtimestamp(hour * HOUR_S, UTC).strftime("%Y-%m-%dT%H:00Z"): _settled(found)
        for hour, found in hours.items()
    }


def _by_campaign(conn: Tx, wanted: StatisticsWanted) -> _Rows:
    """By name: campaigns that bear one are one row."""
    rows = conn.execute(
        "SELECT name, sum(recipients), sum(delivered), sum(bounced), sum(unsubscribed), sum(complained),"
        " sum(contested) FROM campaign WHERE tenant_id = ? AND created_at >= ? GROUP BY name ORDER BY 2 DESC, 1"
        " LIMIT ?",
        (wanted.tenant_id, wanted.first_day * DAY_S, wanted.limit),
    ).fetchall()
    names = ("accepted", "delivered", "bounced", "unsubscribed", "complained", "contested")
    found = {str(name): Counter(dict(zip(names, values, strict=True))) for name, *values in rows}
    ids = _names(conn, wanted, found)
    for campaign_id, seen in opened.by_campaign(conn, wanted.tenant_id, ids):
        found[ids[campaign_id]].update(seen)
    for refused_in, recipients in _refused(conn, wanted, "campaign_id"):
        if int(refused_in) in ids:
            found[ids[int(refused_in)]]["refused"] += recipients
    return found


def _names(conn: Tx, wanted: StatisticsWanted, names: Iterable[str]) -> dict[int, str]:
    """Ids of the campaigns that bear these names."""
    known = set(names)
    rows = conn.execute(
        "SELECT id, name FROM campaign WHERE tenant_id = ? AND created_at >= ?",
        (wanted.tenant_id, wanted.first_day * DAY_S),
    ).fetchall()
    return {int(id_): str(name) for id_, name in rows if name in known}


def _parts(conn: Tx, wanted: StatisticsWanted, part: str) -> _Rows:
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    rows = conn.execute(
        "SELECT name, kind, sum(value) FROM stat_part WHERE tenant_id = ?1 AND part = ?2 AND day >= ?3"
        " AND (CAST(?4 AS BIGINT) IS NULL OR campaign_id = ?4) GROUP BY name, kind",
        (wanted.tenant_id, part, wanted.first_day, wanted.campaign_id),
    ).fetchall()
    for name, kind, value in rows:
        found[name][kind] += int(value)
    for (whose, what, day, campaign_id, name, kind), value in sums.unread(conn).parts.items():
        mine = whose == wanted.tenant_id and what == part and day >= wanted.first_day
        if mine and wanted.campaign_id in (None, campaign_id):
            found[name][kind] += value
    return found


def _by_site(conn: Tx, wanted: StatisticsWanted) -> _Rows:
    """The recipients' domains; ``(other)`` for what was one too many, or came by no copy."""
    found = _parts(conn, wanted, sums.SITE)
    for site, seen in opened.by_site(conn, wanted.tenant_id, wanted.first_day, wanted.campaign_id):
        found.setdefault(site if site in found else "", Counter()).update(seen)
    return {name or OTHER: _settled(one) for name, one in found.items()}


OTHER: Final = "(other)"


def _by_class(conn: Tx, wanted: StatisticsWanted) -> _Rows:
    """``bounced/…`` why copies failed, ``refused/…`` why recipients weren't taken."""
    found = {f"bounced/{name or OTHER}": Counter(one) for name, one in _parts(conn, wanted, sums.CLASS).items()}
    for code, recipients in _refused(conn, wanted, "code"):
        found[f"refused/{code}"] = Counter(refused=recipients)
    return found


def _by_link(conn: Tx, wanted: StatisticsWanted) -> _Rows:
    """Without queries, of tracked copies of campaigns since that day."""
    return {
        url: Counter(seen)
        for url, seen in opened.by_link(
            conn, wanted.tenant_id, wanted.first_day * DAY_S, wanted.campaign_id, wanted.limit
        )
    }


def _refused(conn: Tx, wanted: StatisticsWanted, column: str) -> Sequence[tuple[str, int]]:
    """Recipients refused, by day, campaign_id or code."""
    rows = conn.execute(
        f"SELECT {column}, sum(recipients) FROM refusal_sum WHERE tenant_id = ?1 AND day >= ?2"
        f" AND (CAST(?3 AS BIGINT) IS NULL OR campaign_id = ?3) GROUP BY {column}",
        (wanted.tenant_id, wanted.first_day, wanted.campaign_id),
    ).fetchall()
    return [(str(key), int(recipients)) for key, recipients in rows]


def _by_tag(conn: Tx, wanted: StatisticsWanted) -> _Rows:
    """From the copies' rows, as far as they are kept; persons from events."""
    since = first_id(wanted.first_day * DAY_S)
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    rows = conn.execute(
        "SELECT s.tag, r.state, CASE WHEN r.attempts > 0 THEN 1 ELSE 0 END, count(*) FROM submission s"
        " JOIN recipient r ON r.submission_id = s.id"
        " WHERE s.id >= ? AND s.tenant_id = ? AND s.stream_id <> 0 GROUP BY 1, 2, 3",
        (since, wanted.tenant_id),
    )
    for key, state, tried, number in rows:
        found[key]["accepted"] += number
        name = _STATES.get(state) or ("deferred" if state == State.READY and tried else "")
        if name:
            found[key][name] += number
    persons = conn.execute(
        "SELECT s.tag, e.kind, sum(e.amount) FROM event e JOIN submission s ON s.id = e.submission_id"
        " WHERE e.tenant_id = ? AND e.at >= ? AND e.kind IN ('unsubscribed', 'complained', 'contested') AND s.id >= ?"
        " AND s.stream_id <> 0 GROUP BY 1, 2",
        (wanted.tenant_id, wanted.first_day * DAY_S, since),
    )
    for key, kind, number in persons:
        found[key][kind] += int(number)
    return found


_MAKERS: Final = {
    "day": _by_day, "hour": _by_hour, "campaign": _by_campaign, "tag": _by_tag, "site": _by_site, "link": _by_link,
    "class": _by_class,
}  # fmt: skip
