"""Several hits together tell what one doesn't: bursts of machines, found as they come, and what they were taken for.

Held in memory, for as long as a burst may last: hits of one copy, and hits of
one site's recipients from one network. What was recorded as a person's before
its burst was seen is handed back, to be recorded anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from relay.tracking.values import Hit, HitClass, HitJudgement, HitKind

KEPT_S: Final = 80.0
"""As far back as anything looks: what came ``TAIL_S`` before the first of the links that make a burst."""
MOST: Final = 100_000
LAST: Final = 64
"""Hits that are looked at, of a copy or of a site's people on one network."""
TAIL_S: Final = 60.0
"""After a burst, and before: what else came of that machine belongs to it."""
NEAR_S: Final = 10.0
_BY_LINKS: Final = ((2, 0.5), (3, 2.0), (5, 10.0), (6, 20.0))
"""So many different links of one copy in so many seconds."""
_ALL_LINKS: Final = ((2, 1.0), (3, 5.0), (4, 10.0), (5, 20.0))
"""All links of a message, if it has so many at least."""
_NETWORKS: Final = (3, 10.0)
"""One copy's hits from so many networks."""
_PEOPLE: Final = ((3, 3.0, 60.0), (5, 10.0, 120.0))
"""Clicks of so many people of one site from one network, in so many seconds, each so soon after its delivery."""
_OPENERS: Final = ((5, 10.0, 10.0),)
"""The same of pictures."""
LARGE_SITES: Final = frozenset(
    (
        *(
            "gmail.com",
            "googlemail.com",
            "outlook.com",
            "hotmail.com",
            "live.com",
            "msn.com",
            "hotmail.de",
            "hotmail.fr",
        ),
        *(
            "yahoo.com",
            "ymail.com",
            "rocketmail.com",
            "aol.com",
            "icloud.com",
            "me.com",
            "mac.com",
            "gmx.de",
            "gmx.net",
        ),
        *(
            "gmx.at",
            "gmx.ch",
            "web.de",
            "t-online.de",
            "freenet.de",
            "mail.ru",
            "bk.ru",
            "inbox.ru",
            "list.ru",
            "yandex.ru",
        ),
        *("ukr.net", "i.ua", "meta.ua", "mail.ee", "hot.ee", "online.ee", "proton.me", "protonmail.com", "orange.fr"),
        *(
            "wanadoo.fr",
            "free.fr",
            "laposte.net",
            "libero.it",
            "virgilio.it",
            "tiscali.it",
            "seznam.cz",
            "wp.pl",
            "o2.pl",
        ),
        *(
            "onet.pl",
            "interia.pl",
            "comcast.net",
            "verizon.net",
            "att.net",
            "btinternet.com",
            "sky.com",
            "qq.com",
            "163.com",
        ),
        *("naver.com", "rediffmail.com", "uol.com.br", "bol.com.br", "terra.com.br"),
    )
)
"""Mailboxes of people who share no gateway but whole carriers' networks."""


@dataclass(slots=True, eq=False)
class Seen:
    """A hit and what is thought of it; changed as more comes in."""

    hit: Hit
    network: str
    site: str
    since_delivery_s: float | None
    judged: HitJudgement
    id: int = 0
    """Once it is recorded."""

    @property
    def copy(self) -> tuple[int, int]:
        return self.hit.mark.submission_id, self.hit.mark.number


class Bursts:
    """Give it each hit in the order of time; it says which are judged anew."""

    def __init__(self) -> None:
        # As few and small objects as can be: there are a hundred thousand of them where mail is read a lot.
        self._kept: deque[Seen] = deque()
        self._copies: dict[tuple[int, int], list[Seen]] = {}
        self._sites: dict[tuple[str, str], list[Seen]] = {}

    def add(self, one: Seen) -> list[Seen]:
        """Those whose judgement changed, ``one`` perhaps among them; only what might have been a person is."""
        self._forget(one.hit.at)
        self._kept.append(one)
        _append(self._copies.setdefault(one.copy, []), one)
        if one.site and one.network and one.site not in LARGE_SITES:
            _append(self._sites.setdefault((one.site, one.network), []), one)
        changed = self._decoy(one) or self._of_copy(one)
        return changed + self._of_site(one)

    def _forget(self, now: float) -> None:
        while self._kept and (self._kept[0].hit.at + KEPT_S < now or len(self._kept) >= MOST):
            old = self._kept.popleft()
            if (rows := self._copies.get(old.copy)) and rows[-1] is old:
                del self._copies[old.copy]
            if (rows := self._sites.get((old.site, old.network))) and rows[-1] is old:
                del self._sites[(old.site, old.network)]

    # --- one copy ----------------------------------------------------------------------

    def _decoy(self, one: Seen) -> list[Seen]:
        if not one.hit.decoy:
            return []
        return _marked(self._kin(one, [one]), "followed a link that nobody sees")

    def _of_copy(self, one: Seen) -> list[Seen]:
        rows = self._copies[one.copy]
        if one.hit.kind is HitKind.CLICKED:
            for few, within in (*_BY_LINKS, *_ALL_LINKS):
                group = _links(rows, one.hit.at, within)
                places = {row.hit.place for row in group}
                wanted = len(places) >= few
                if (few, within) in _ALL_LINKS:
                    wanted = wanted and len(places) >= one.hit.links
                if wanted:
                    return _marked(self._kin(one, group), f"{len(places)} links within {within:g} s")
        few, within = _NETWORKS
        near = [row for row in rows if abs(row.hit.at - one.hit.at) <= within and row.network]
        clicks = [row for row in near if row.hit.kind is HitKind.CLICKED]
        if len({row.network for row in clicks}) >= few:
            return _marked(clicks, f"from {few} networks within {within:g} s")
        tail = self._tail(rows, one)
        return _marked([one], tail) if tail else []

    def _kin(self, one: Seen, group: Iterable[Seen]) -> list[Seen]:
        """The burst, and what else came with it: of the same program from the same network, or within seconds."""
        rows = self._copies[one.copy]
        found = list(group)
        known = {(row.network, row.hit.agent) for row in found}
        first, last = min(row.hit.at for row in found), max(row.hit.at for row in found)
        for row in rows:
            same = (row.network, row.hit.agent) in known and first - TAIL_S <= row.hit.at <= last + TAIL_S
            near = row.hit.kind is HitKind.OPENED and row.network in {network for network, _ in known}
            near = near and first - NEAR_S <= row.hit.at <= last + NEAR_S
            if row not in found and (same or near):
                found.append(row)
        return found

    def _tail(self, rows: Sequence[Seen], one: Seen) -> str:
        """Why this one belongs to a burst that has been: ``""`` if it doesn't."""
        for row in reversed(rows):
            if row is one or row.judged.hit_class is not HitClass.SCANNER or not row.judged.reason.startswith(_BURST):
                continue
            same = row.network == one.network and row.hit.agent == one.hit.agent
            if same and one.hit.at - row.hit.at <= TAIL_S:
                return row.judged.reason.removeprefix(_BURST)
        return ""

    # --- one site ----------------------------------------------------------------------

    def _of_site(self, one: Seen) -> list[Seen]:
        rows = self._sites.get((one.site, one.network))
        if not rows or one.since_delivery_s is None:
            return []
        clicked = one.hit.kind is HitKind.CLICKED
        for few, within, soon in _PEOPLE if clicked else _OPENERS:
            group = [
                row
                for row in rows
                if row.hit.kind is one.hit.kind
                and one.hit.at - row.hit.at <= within
                and row.since_delivery_s is not None
                and row.since_delivery_s <= soon
                and not _known_person(row)
            ]
            if len({row.hit.mark.subscriber_id for row in group}) >= few:
                return _marked(group, f"{few} recipients of {one.site} from one network within {within:g} s")
        return []


_BURST: Final = "burst: "


def _append(rows: list[Seen], one: Seen) -> None:
    rows.append(one)
    if len(rows) > LAST:
        del rows[0]


def _links(rows: Iterable[Seen], at: float, within: float) -> list[Seen]:
    return [row for row in rows if row.hit.kind is HitKind.CLICKED and at - row.hit.at <= within and not row.hit.decoy]


def _known_person(row: Seen) -> bool:
    """An image proxy that acts for people has one network for all of them."""
    return row.judged.hit_class is HitClass.HUMAN and row.judged.reason != ""


def _marked(group: Iterable[Seen], why: str) -> list[Seen]:
    """Those of them that were taken for a person, or might be one, are a scanner's from now on."""
    changed = []
    for row in group:
        if row.judged.hit_class in (HitClass.HUMAN, HitClass.UNSURE) and not _known_person(row):
            row.judged = HitJudgement(HitClass.SCANNER, f"{_BURST}{why}")
            changed.append(row)
    return changed
