"""What log-ins do, written down by hours and networks, and read as habits and as what goes on now.

Written in batches, some seconds' worth of a process at a time; what a process
that is killed had not written yet is lost. All functions work in the caller's
transaction.
"""

from __future__ import annotations

from statistics import median
from typing import Final

from relay.brake import familiar
from relay.brake.values import ContentSample, LoginBurst, LoginHabits, LoginUse
from relay.store.contract import Tx

HOUR_S: Final = 3600
DAY_S: Final = 86_400
SETTLED_S: Final = DAY_S
"""A network is new for so long."""
KEPT_H: Final = 90 * 24
"""Hours that are remembered."""
KEPT_S: Final = 90 * DAY_S
MOST_PLACES: Final = 5_000
"""Networks of a log-in that are told apart; more are one."""
ELSEWHERE: Final = "elsewhere"
SPARED: Final = 200
KEPT_DAYS: Final = 40
"""Days with mail whose words are remembered."""
TRUSTED: Final = "suspect = 0 AND first_at <= ?"


def write(conn: Tx, use: LoginUse, now: float) -> None:
    """Add what one log-in did."""
    conn.execute(
        "INSERT INTO brake_use (login, hour, tenant_id, copies, strangers) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (login, hour) DO UPDATE SET copies = brake_use.copies + excluded.copies,"
        " strangers = brake_use.strangers + excluded.strangers",
        (use.login, int(now // HOUR_S), use.tenant_id, use.copies, use.strangers),
    )
    for network, place in use.places.items():
        conn.execute(
            "INSERT INTO brake_place (login, network, tenant_id, first_at, last_at, copies, strangers)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (login, network) DO UPDATE SET last_at = excluded.last_at,"
            " copies = brake_place.copies + excluded.copies, strangers = brake_place.strangers + excluded.strangers",
            (use.login, _place(conn, use.login, network), use.tenant_id, now, now, place.copies, place.strangers),
        )


def _place(conn: Tx, login: str, network: str) -> str:
    """The network, or ``ELSEWHERE`` where a log-in has more than anybody needs."""
    sql = "SELECT count(*), sum(CASE WHEN network = ? THEN 1 ELSE 0 END) FROM brake_place WHERE login = ?"
    total, there = conn.execute(sql, (network, login)).fetchone()
    return network if there or total < MOST_PLACES else ELSEWHERE


def trusted(conn: Tx, tenant_id: int, now: float) -> list[str]:
    """Networks from which the tenant has sent for a while, by whichever log-in; the latest used first."""
    rows = conn.execute(
        f"SELECT network, max(last_at) AS latest FROM brake_place WHERE tenant_id = ? AND {TRUSTED}"
        " AND network NOT IN (SELECT network FROM brake_place WHERE tenant_id = ? AND suspect = 1)"
        " GROUP BY network ORDER BY latest DESC LIMIT ?",
        (tenant_id, now - SETTLED_S, tenant_id, SPARED),
    )
    return [str(row[0]) for row in rows]


def habits(conn: Tx, login: str, now: float) -> LoginHabits:
    """What it did until a day ago."""
    until = int((now - DAY_S) // HOUR_S)
    rows = conn.execute(
        "SELECT hour, copies, strangers FROM brake_use WHERE login = ? AND hour <= ? AND hour > ?",
        (login, until, until - KEPT_H),
    ).fetchall()
    copies = sum(row[1] for row in rows)
    new = conn.execute(
        "SELECT count(*) FROM brake_place WHERE login = ? AND first_at <= ? AND suspect = 0"
        " GROUP BY CAST(first_at / 86400 AS INTEGER) ORDER BY count(*) DESC LIMIT 1",
        (login, now - DAY_S),
    ).fetchone()
    return LoginHabits(
        days=len({row[0] // 24 for row in rows}),
        copies=copies,
        usual=float(median([row[1] for row in rows])) if rows else 0.0,
        peak=max((row[1] for row in rows), default=0),
        places_a_day=int(new[0]) if new is not None else 0,
        strangers=sum(row[2] for row in rows) / copies if copies else 0.0,
    )


def burst(conn: Tx, login: str, tenant_id: int, now: float) -> LoginBurst:
    """What it does at this moment, but for what it says."""
    hour = int(now // HOUR_S)
    found = {
        row[0]: (row[1], row[2])
        for row in conn.execute(
            "SELECT hour, copies, strangers FROM brake_use WHERE login = ? AND hour >= ?", (login, hour - 1)
        )
    }
    this, last = found.get(hour, (0, 0)), found.get(hour - 1, (0, 0))
    known = set(trusted(conn, tenant_id, now))
    new = [
        row
        for row in conn.execute(
            "SELECT network, copies, strangers, first_at FROM brake_place WHERE login = ? AND last_at > ?"
            " AND (first_at > ? OR suspect = 1) LIMIT 1000",
            (login, now - DAY_S, now - SETTLED_S),
        )
        if row[0] not in known
    ]
    from_new = sum(row[1] for row in new)
    strangers = sum(row[2] for row in new) / from_new if from_new else (this[1] + last[1]) / max(1, this[0] + last[0])
    return LoginBurst(
        rate=this[0] + last[0] * (1 - now % HOUR_S / HOUR_S),
        from_new=from_new,
        new_places=len(new),
        strangers=strangers,
        unlike=0.0,
        samples=0,
        since=min((row[3] for row in new), default=float(hour * HOUR_S)),
    )


def known_words(conn: Tx, tenant_id: int, since: float) -> set[int]:
    """Numbers of what the tenant sent until the day before ``since``; empty: nothing was looked at."""
    found: set[int] = set()
    for row in conn.execute(
        "SELECT words FROM brake_words WHERE tenant_id = ? AND day < ? ORDER BY day DESC LIMIT ?",
        (tenant_id, int(since // DAY_S), KEPT_DAYS),
    ):
        found.update(familiar.numbers(bytes(row[0])))
    return found


def samples(conn: Tx, tenant_id: int) -> int:
    """How many of the tenant's messages were looked at."""
    row = conn.execute("SELECT coalesce(sum(samples), 0) FROM brake_words WHERE tenant_id = ?", (tenant_id,)).fetchone()
    return int(row[0])


def learn(conn: Tx, tenant_id: int, seen: list[ContentSample], now: float) -> None:
    """What the tenant sends today consists of these too."""
    day = int(now // DAY_S)
    row = conn.execute("SELECT words FROM brake_words WHERE tenant_id = ? AND day = ?", (tenant_id, day)).fetchone()
    before = b"" if row is None else bytes(row[0])
    words = familiar.learned(before, seen)
    if len(words) == len(before):
        return
    conn.execute(
        "INSERT INTO brake_words (tenant_id, day, words, samples) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (tenant_id, day) DO UPDATE SET words = excluded.words,"
        " samples = brake_words.samples + excluded.samples",
        (tenant_id, day, words, len(seen)),
    )


def unlearn(conn: Tx, tenant_id: int, since: float) -> None:
    """What was seen since then may be another's."""
    conn.execute("DELETE FROM brake_words WHERE tenant_id = ? AND day >= ?", (tenant_id, int(since // DAY_S)))


def suspect(conn: Tx, login: str, spared: list[str], since: float, now: float) -> None:
    """The networks of what is braked are nobody's until somebody says that they are the tenant's."""
    kept = set(spared)
    found = conn.execute(
        "SELECT network FROM brake_place WHERE login = ? AND last_at >= ? AND first_at > ?",
        (login, since, now - SETTLED_S),
    ).fetchall()
    conn.executemany(
        "UPDATE brake_place SET suspect = 1 WHERE login = ? AND network = ?",
        [(login, row[0]) for row in found if row[0] not in kept],
    )


def settle(conn: Tx, login: str, own: bool, now: float) -> None:
    """``own``: the suspected networks are the tenant's from now on, as if long known; else they count from nought."""
    if own:
        sql = "UPDATE brake_place SET suspect = 0, first_at = ? WHERE login = ? AND (suspect = 1 OR first_at > ?)"
        conn.execute(sql, (now - SETTLED_S, login, now - SETTLED_S))
    else:
        conn.execute("UPDATE brake_place SET copies = 0, strangers = 0 WHERE login = ? AND suspect = 1", (login,))


def forget(conn: Tx, now: float) -> None:
    """What is older than anybody asks for."""
    conn.execute("DELETE FROM brake_use WHERE hour < ?", (int((now - KEPT_S) // HOUR_S),))
    conn.execute("DELETE FROM brake_place WHERE last_at < ?", (now - KEPT_S,))
    conn.execute(
        "DELETE FROM brake_words WHERE day < (SELECT min(day) FROM (SELECT day FROM brake_words AS other"
        " WHERE other.tenant_id = brake_words.tenant_id ORDER BY day DESC LIMIT ?) AS latest)",
        (KEPT_DAYS,),
    )
