"""What look-ups said of a domain before: the one owner of ``name_look``.

A finding that no mail can go there becomes final only when looks hours apart
agree, also over a restart. Of some domains it is remembered that they were
well, so that a resolver that lies is told by what it says of those; and that
it is doubted is a row too, so that all processes know. Times are seconds UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relay.store.contract import Tx

DAY_S: Final = 86_400.0
GOOD_S: Final = 30 * DAY_S
"""A domain that was well so lately is known to be good."""
MOST_GOOD: Final = 1000
"""Domains known to be good that are kept: a sample."""
MOST_ROWS: Final = 100_000
"""Kept at a clean-up; it removes the looks that are oldest."""
FORGET_S: Final = 2 * DAY_S
"""A look that was not repeated for so long begins anew (longer where looks are to be further apart)."""
_DOUBT: Final = ""


@dataclass(frozen=True, slots=True)
class KnownName:
    """What is written of one name."""

    good_at: float = 0.0
    finding: str = ""
    doubted: bool = False
    """All look-ups are."""

    def good(self, now: float) -> bool:
        """It was well lately."""
        return now - GOOD_S <= self.good_at <= now + DAY_S


@dataclass(frozen=True, slots=True)
class Look:
    """Since when looks have found the same."""

    first_at: float


def known(conn: Tx, name: str) -> KnownName:
    rows = conn.execute("SELECT name, good_at, finding FROM name_look WHERE name IN (?, ?)", (name, _DOUBT)).fetchall()
    doubted = any(row[0] == _DOUBT for row in rows)
    for found, good_at, finding in rows:
        if found == name:
            return KnownName(good_at, finding, doubted)
    return KnownName(doubted=doubted)


def sampled(conn: Tx, now: float) -> int:
    """How many domains are known to be good, at most MOST_GOOD."""
    count = "SELECT count(*) FROM (SELECT 1 FROM name_look WHERE good_at > ? LIMIT ?) found"
    return int(conn.execute(count, (max(0.0, now - GOOD_S), MOST_GOOD)).fetchone()[0])


def good(conn: Tx, now: float, most: int) -> list[str]:
    """Those found well last, but not just now: the latest first."""
    rows = conn.execute(
        "SELECT name FROM name_look WHERE good_at > ? AND good_at <= ? ORDER BY good_at DESC LIMIT ?",
        (max(0.0, now - GOOD_S), now + DAY_S, most),
    )
    return [name for (name,) in rows]


def well(conn: Tx, name: str, now: float) -> None:
    """Remember a domain as one that is known to be good, unless enough others are."""
    if known(conn, name).good_at <= 0 and sampled(conn, now) >= MOST_GOOD:
        return
    conn.execute(
        "INSERT INTO name_look (name, good_at) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET good_at = excluded.good_at, finding = '', first_at = 0, last_at = 0",
        (name, now),
    )


def void(conn: Tx, name: str) -> None:
    """Mail can go there: what was found before doesn't count."""
    conn.execute("DELETE FROM name_look WHERE name = ? AND good_at = 0", (name,))
    conn.execute("UPDATE name_look SET finding = '', first_at = 0, last_at = 0 WHERE name = ?", (name,))


def missing(conn: Tx, name: str, finding: str, now: float, wait_s: float) -> Look:
    """Write a look down that found ``finding``.

    Another finding than before, a look too long ago, or one that bears a later time than now, begins anew.
    """
    row = conn.execute("SELECT finding, first_at, last_at FROM name_look WHERE name = ?", (name,)).fetchone()
    since = now
    if row is not None and row[0] == finding and now - max(FORGET_S, 4 * wait_s) <= row[2] <= now:
        since = float(row[1])
    conn.execute(
        "INSERT INTO name_look (name, finding, first_at, last_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET finding = excluded.finding, first_at = excluded.first_at,"
        " last_at = excluded.last_at",
        (name, finding, since, now),
    )
    return Look(since)


def clock_set(conn: Tx) -> None:
    """How far apart looks were can't be told any more: all begin anew."""
    conn.execute("UPDATE name_look SET finding = '', first_at = 0, last_at = 0 WHERE name <> ?", (_DOUBT,))


def doubt(conn: Tx, now: float, since: float) -> bool:
    """From now on all look-ups are doubted, and looks begun after ``since`` don't count; False if they were already."""
    begun = conn.execute(
        "INSERT INTO name_look (name, finding, first_at, last_at) VALUES (?, 'doubt', ?, ?)"
        " ON CONFLICT (name) DO NOTHING",
        (_DOUBT, now, now),
    ).rowcount
    if begun:
        conn.execute("UPDATE name_look SET finding = '' WHERE first_at >= ? AND name <> ?", (since, _DOUBT))
    return begun == 1


def trust(conn: Tx) -> bool:
    """Names resolve again; False if nothing was doubted."""
    return conn.execute("DELETE FROM name_look WHERE name = ?", (_DOUBT,)).rowcount == 1


def forget(conn: Tx, now: float, most: int = MOST_ROWS) -> int:
    """Delete what is past its time and what is too many; how many rows."""
    deleted = conn.execute(
        "DELETE FROM name_look WHERE name <> ? AND (good_at < ? OR good_at > ?) AND (last_at < ? OR last_at > ?)",
        (_DOUBT, now - GOOD_S, now + DAY_S, now - GOOD_S, now + DAY_S),
    ).rowcount
    over = int(conn.execute("SELECT count(*) FROM name_look").fetchone()[0]) - most
    if over > 0:
        deleted += conn.execute(
            "DELETE FROM name_look WHERE name IN"
            " (SELECT name FROM name_look WHERE name <> ? AND good_at = 0 ORDER BY last_at LIMIT ?)",
            (_DOUBT, over),
        ).rowcount
    return deleted
