"""Hits written down: judged, counted by copy, and counted anew where a burst shows what they were (R33).

A batch is one transaction. A copy counts once in each kind, in the most human
class of its hits; what its hits add up to before the batch is taken from the
sums, and what they do after it is added. So sums are right whatever is judged
anew, and nothing is ever counted over messages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from relay.events import write as events
from relay.store.contract import Tx
from relay.tracking import consents
from relay.tracking.bursts import Bursts, Seen
from relay.tracking.classify import judge
from relay.tracking.consents import Law
from relay.tracking.machines import MachineTable
from relay.tracking.values import CLASSES, PIXEL, Hit, HitClass, HitKind
from relay.values.ids import sent_at
from relay.values.networks import network_of
from relay.values.states import State

MOST_HITS: Final = 200
"""Kept of one copy; a link that is followed for ever adds nothing more."""
LONGEST_URL: Final = 300
LONGEST_AGENT: Final = 200
DAY_S: Final = 86_400
_COPY: Final = (
    "SELECT s.stream_id, r.domain, CASE WHEN r.state = ? THEN r.changed_at END"
    " FROM recipient r JOIN submission s ON s.id = r.submission_id WHERE r.submission_id = ? AND r.number = ?"
)
_RANK: Final = {one: place for place, one in enumerate(CLASSES)}
_Sum = tuple[int, int, int, int, str, str, str]
"""(tenant, campaign, day, stream, site, kind, class)."""
_LinkSum = tuple[int, int, str, str]
"""(campaign, tenant, url, class)."""


class _Row(NamedTuple):
    """A recorded hit as far as counting needs it."""

    id: int
    day: int
    kind: str
    hit_class: str
    url: str


class _Copy(NamedTuple):
    stream_id: int
    site: str
    delivered_at: float | None


class Recorder:
    """Of one process; keeps what bursts are seen by. ``record`` is called from one thread at a time."""

    def __init__(self, table: MachineTable, law: Law, *, keep_networks: bool, keep_s: float) -> None:
        self._table = table
        self._law: Law = law
        self._keep_networks = keep_networks
        self._keep_s = keep_s
        self._bursts = Bursts()

    def forget(self) -> None:
        """What was seen lately was not stored after all."""
        self._bursts = Bursts()

    def record(self, conn: Tx, batch: Sequence[Hit], now: float) -> int:
        """Write a batch in the caller's transaction; how many hits were recorded.

        Nothing is of persons who don't agree (any more), are erased, or never were.
        """
        writer = _Writer(conn, self._keep_networks, now - self._keep_s)
        recorded = 0
        for hit in batch:
            copy = writer.of(hit)
            if copy is None or not consents.tracked(conn, hit.mark.subscriber_id, self._law):
                continue
            if hit.kind is HitKind.FORWARDED:
                writer.forwarded(hit, judge(hit, None, self._table).hit_class)
                continue
            since = None if copy.delivered_at is None else hit.at - copy.delivered_at
            one = Seen(hit, network_of(hit.address), copy.site, since, judge(hit, since, self._table))
            if not writer.room(one.copy):
                continue
            changed = self._bursts.add(one)
            writer.insert(one)
            for other in changed:
                if other is not one and other.id:
                    writer.change(other)
            recorded += 1
        writer.finish()
        return recorded


class _Writer:
    """One batch: rows as they come, sums at its end."""

    def __init__(self, conn: Tx, keep_networks: bool, counted_from: float) -> None:
        self._conn = conn
        self._keep_networks = keep_networks
        self._counted_from = counted_from
        self._copies: dict[tuple[int, int], _Copy] = {}
        self._before: dict[tuple[int, int], list[_Row]] = {}
        self._rows: dict[tuple[int, int], dict[int, _Row]] = {}
        self._owners: dict[tuple[int, int], tuple[int, int]] = {}
        """Tenant and campaign of a copy."""
        self._forwarded: Counter[_Sum] = Counter()

    def of(self, hit: Hit) -> _Copy | None:
        """The copy that a hit is of, though its message may be long gone; None if its person isn't the tenant's."""
        mark = hit.mark
        key = (mark.submission_id, mark.number)
        if key not in self._copies:
            row = self._conn.execute("SELECT tenant_id FROM subscriber WHERE id = ?", (mark.subscriber_id,)).fetchone()
            if row is None or row[0] != mark.tenant_id:
                return None
            found = self._conn.execute(_COPY, (int(State.DELIVERED), *key)).fetchone()
            self._copies[key] = _Copy(0, "", None) if found is None else _Copy(*found)
            self._owners[key] = (mark.tenant_id, mark.campaign_id)
            self._load(key)
        return self._copies[key]

    def forwarded(self, hit: Hit, hit_class: HitClass) -> None:
        """One more was handed on: a number, without whose, when or where (R33)."""
        mark, copy = hit.mark, self._copies[(hit.mark.submission_id, hit.mark.number)]
        day = int(hit.at // DAY_S)
        place = (mark.tenant_id, mark.campaign_id, day, copy.stream_id, "", str(hit.kind), str(hit_class))
        self._forwarded[place] += 1

    def _load(self, key: tuple[int, int]) -> None:
        rows = [
            _Row(id_, int(at // DAY_S), kind, hit_class, url)
            for id_, at, kind, hit_class, url in self._conn.execute(
                "SELECT id, at, kind, class, url FROM hit WHERE submission_id = ? AND number = ?", key
            )
        ]
        self._before[key] = rows
        self._rows[key] = {row.id: row for row in rows}

    def room(self, key: tuple[int, int]) -> bool:
        return len(self._rows[key]) < MOST_HITS

    def insert(self, one: Seen) -> None:
        hit, mark = one.hit, one.hit.mark
        copy, url = self._copies[one.copy], _shown(hit.url)
        row = self._conn.execute(
            "INSERT INTO hit (at, tenant_id, campaign_id, stream_id, submission_id, number, subscriber_id, kind, link,"
            " url, class, reason, network, agent) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?) RETURNING id",
            (hit.at, mark.tenant_id, mark.campaign_id, copy.stream_id, *one.copy, mark.subscriber_id, str(hit.kind),
             hit.place, url, str(one.judged.hit_class), one.judged.reason, one.network if self._keep_networks else "",
             hit.agent[:LONGEST_AGENT]),
        ).fetchone()  # fmt: skip
        one.id = int(row[0])
        self._rows[one.copy][one.id] = _Row(one.id, int(hit.at // DAY_S), str(hit.kind), str(one.judged.hit_class), url)
        self._tell(one, {"url": url} if hit.place != PIXEL else {}, amount=1)

    def change(self, one: Seen) -> None:
        """Judged anew after it was recorded."""
        if one.copy not in self._rows:
            self._owners[one.copy] = (one.hit.mark.tenant_id, one.hit.mark.campaign_id)
            found = self._conn.execute(_COPY, (int(State.DELIVERED), *one.copy)).fetchone()
            self._copies[one.copy] = _Copy(0, "", None) if found is None else _Copy(*found)
            self._load(one.copy)
        row = self._rows[one.copy].get(one.id)
        if row is None or row.hit_class == one.judged.hit_class:
            return  # deleted meanwhile
        self._rows[one.copy][one.id] = row._replace(hit_class=str(one.judged.hit_class))
        self._conn.execute(
            "UPDATE hit SET class = ?, reason = ? WHERE id = ?",
            (str(one.judged.hit_class), one.judged.reason, one.id),
        )
        more = {"was": row.hit_class, **({"url": row.url} if one.hit.place != PIXEL else {})}
        self._tell(one, more, amount=0)

    def _tell(self, one: Seen, more: dict[str, str], amount: int) -> None:
        """An event; one that is judged anew has another, with ``was``, that counts nothing."""
        mark = one.hit.mark
        detail: dict[str, object] = {"class": str(one.judged.hit_class), **more}
        if one.judged.reason:
            detail["reason"] = one.judged.reason
        events.of_copy(
            self._conn,
            mark.tenant_id,
            str(one.hit.kind),
            *one.copy,
            mark.campaign_id or None,
            detail,
            one.hit.at,
            amount,
        )

    # --- sums ------------------------------------------------------------------------

    def finish(self) -> None:
        copies: Counter[_Sum] = Counter()
        hits: Counter[_Sum] = Counter(self._forwarded)
        link_copies: Counter[_LinkSum] = Counter()
        link_hits: Counter[_LinkSum] = Counter()
        for key, rows in self._rows.items():
            for sign, found in ((-1, self._before[key]), (1, list(rows.values()))):
                self._count(key, found, sign, (copies, hits, link_copies, link_hits))
        self._conn.executemany(
            "INSERT INTO hit_sum (tenant_id, campaign_id, day, stream_id, site, kind, class, copies, hits)"
            " VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (tenant_id, campaign_id, day, stream_id, site, kind, class)"
            " DO UPDATE SET copies = hit_sum.copies + excluded.copies, hits = hit_sum.hits + excluded.hits",
            [(*one, copies[one], hits[one]) for one in sorted({*copies, *hits}) if copies[one] or hits[one]],
        )
        self._conn.executemany(
            "INSERT INTO hit_link (campaign_id, tenant_id, url, class, copies, hits) VALUES (?,?,?,?,?,?)"
            " ON CONFLICT (campaign_id, tenant_id, url, class)"
            " DO UPDATE SET copies = hit_link.copies + excluded.copies, hits = hit_link.hits + excluded.hits",
            [
                (*one, link_copies[one], link_hits[one])
                for one in sorted({*link_copies, *link_hits})
                if link_copies[one] or link_hits[one]
            ],
        )

    def _count(
        self,
        key: tuple[int, int],
        rows: Sequence[_Row],
        sign: int,
        sums: tuple[Counter[_Sum], Counter[_Sum], Counter[_LinkSum], Counter[_LinkSum]],
    ) -> None:
        copies, hits, link_copies, link_hits = sums
        (tenant_id, campaign_id), copy = self._owners[key], self._copies[key]
        once = sent_at(key[0]) >= self._counted_from
        """Else its earlier hits may be deleted, and it would count as another copy."""
        for kind in (HitKind.OPENED, HitKind.CLICKED):
            mine = [row for row in rows if row.kind == kind]
            for row in mine:
                hits[(tenant_id, campaign_id, row.day, copy.stream_id, copy.site, kind, row.hit_class)] += sign
            if mine and once:
                best, day = _most_human(row.hit_class for row in mine), min(row.day for row in mine)
                copies[(tenant_id, campaign_id, day, copy.stream_id, copy.site, kind, best)] += sign
        for url in {row.url for row in rows if row.url}:
            mine = [row for row in rows if row.url == url]
            for row in mine:
                link_hits[(campaign_id, tenant_id, url, row.hit_class)] += sign
            if once:
                link_copies[(campaign_id, tenant_id, url, _most_human(row.hit_class for row in mine))] += sign


def _most_human(classes: Iterable[str]) -> str:
    return min((HitClass(one) for one in classes), key=_RANK.__getitem__)


def _shown(url: str) -> str:
    """A link without what may be a person's: query and fragment."""
    if not url:
        return ""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"[:LONGEST_URL]
