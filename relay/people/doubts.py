"""What is said of an address in words that are said of living ones too: it counts when it is said again, a day later.

Microsoft answers "Access denied" for an unknown mailbox, and for every mailbox
of a domain that is set up wrongly; a disabled account may be opened again; a
host whose resolver is ill knows no domain. So the first such answer is only
remembered. The second suppresses if a day lies between them, the person took no
mail meanwhile, and not most of the domain answers so.
"""

from __future__ import annotations

from typing import Final

from relay.store.contract import Tx
from relay.values.states import State

AGAIN_S: Final = 86_400.0
"""So long lies between the answers that count."""
KEPT_S: Final = 180 * 86_400.0
"""An older one is forgotten."""
LATELY_S: Final = 30 * 86_400.0
"""Of a domain's doubted people those count that were doubted lately."""
LOOKED_AT: Final = 20_000
"""Newest copies that are asked who takes mail at a domain."""
STEP: Final = 500
OF_A_DOMAIN: Final = "no-mail-domain"
"""The one kind that everybody at a domain shares."""


def again(conn: Tx, subscriber_id: int, domain: str, kind: str, now: float) -> bool:
    """Remember an answer; True if it is one more, and to be believed. ``now`` in seconds UTC."""
    row = conn.execute("SELECT first_at, last_at FROM doubt WHERE subscriber_id = ?", (subscriber_id,)).fetchone()
    if row is None or not 0 <= now - row[1] <= KEPT_S:
        _begin(conn, subscriber_id, domain, kind, now)
        return False
    first_at = row[0]
    if now - first_at < AGAIN_S:
        _go_on(conn, subscriber_id, domain, kind, now)
        return False
    living = _living(conn, domain)
    # A copy taken within the last day may be one whose report is still on its way.
    if first_at < living.pop(subscriber_id, 0.0) < now - AGAIN_S:
        _begin(conn, subscriber_id, domain, kind, now)
        return False
    _go_on(conn, subscriber_id, domain, kind, now)
    return kind == OF_A_DOMAIN or not _most_of(conn, domain, living, now)


def _begin(conn: Tx, subscriber_id: int, domain: str, kind: str, now: float) -> None:
    conn.execute(
        "INSERT INTO doubt (subscriber_id, domain, kind, first_at, last_at) VALUES (?1, ?2, ?3, ?4, ?4)"
        " ON CONFLICT (subscriber_id) DO UPDATE SET domain = ?2, kind = ?3, first_at = ?4, last_at = ?4",
        (subscriber_id, domain, kind, now),
    )


def _go_on(conn: Tx, subscriber_id: int, domain: str, kind: str, now: float) -> None:
    conn.execute(
        "UPDATE doubt SET domain = ?, kind = ?, last_at = ? WHERE subscriber_id = ?", (domain, kind, now, subscriber_id)
    )


def _living(conn: Tx, domain: str) -> dict[int, float]:
    """Who took mail at a domain lately, and when; a bounded look, newest first."""
    rows = conn.execute(
        "SELECT subscriber_id, max(changed_at) FROM (SELECT subscriber_id, domain, state, changed_at FROM recipient"
        " ORDER BY submission_id DESC, number DESC LIMIT ?) AS newest WHERE domain = ? AND state = ?"
        " GROUP BY subscriber_id",
        (LOOKED_AT, domain, int(State.DELIVERED)),
    )
    return {int(person): float(at) for person, at in rows}


def _most_of(conn: Tx, domain: str, living: dict[int, float], now: float) -> bool:
    """Whether more people at a domain are doubted than take mail; one alone is not most of it."""
    rows = conn.execute(
        "SELECT subscriber_id FROM doubt WHERE domain = ? AND last_at > ? AND kind <> ? ORDER BY last_at DESC LIMIT ?",
        (domain, now - LATELY_S, OF_A_DOMAIN, LOOKED_AT),
    )
    doubted = {int(person) for (person,) in rows}
    return len(doubted) > 1 and len(doubted) > len(living.keys() - doubted)


def lifted(conn: Tx, subscriber_id: int) -> None:
    """The suppression was lifted: it begins anew."""
    conn.execute("DELETE FROM doubt WHERE subscriber_id = ?", (subscriber_id,))


def forget(conn: Tx, now: float) -> int:
    """Delete some that are too old; how many."""
    return conn.execute(
        "DELETE FROM doubt WHERE subscriber_id IN (SELECT subscriber_id FROM doubt WHERE last_at < ? LIMIT ?)",
        (now - KEPT_S, STEP),
    ).rowcount
