"""Brakes on guessing: by account, by network, and by both; tries are counted before they are checked.

Passwords have 160 bits, so a brake spares work and shows attacks rather than
saves passwords. That is why an account's own brake never keeps out a network
its owner has signed in from: else any stranger could lock anybody out.
"""

from __future__ import annotations

from typing import Final

from relay.keys.secrets import Secrets
from relay.people.mailboxes import network, networks
from relay.store.contract import Tx
from relay.tenants.recent import DAY_S, HOUR_S, Recent

_TRIED: Final = Recent("login_try")
PLACE_S: Final = 900.0
PER_PLACE: Final = 10
"""Of an account from a network, in ``PLACE_S``."""
PER_ACCOUNT: Final = 30
"""Of an account in an hour, from networks that it didn't come from before."""
PER_NETWORK: Final = 60
"""Of a network in an hour, whatever the account."""
KNOWN_S: Final = 90 * DAY_S
"""So long a place is known after somebody signed in from there."""


def take(conn: Tx, secrets: Secrets, account: str, ip: str, now: float) -> int | None:
    """One try more, written down; its number. None, and nothing written, where a brake holds."""
    names, places = _accounts(secrets, account), _places(secrets, account, ip)
    if _TRIED.reached(conn, "network", networks(secrets, ip), now - HOUR_S, PER_NETWORK):
        return None
    if _TRIED.reached(conn, "place", places, now - PLACE_S, PER_PLACE):
        return None
    if _TRIED.reached(conn, "account", names, now - HOUR_S, PER_ACCOUNT) and not _known(conn, places, now):
        return None
    row = conn.execute(
        "INSERT INTO login_try (at, account, place, network) VALUES (?, ?, ?, ?) RETURNING id",
        (now, names[0], places[0], network(secrets, ip)),
    ).fetchone()
    return int(row[0])


def good(conn: Tx, secrets: Secrets, account: str, ip: str, tried: int, now: float) -> None:
    """That try was right: it counts against nobody, and its place is known from now on."""
    conn.execute("DELETE FROM login_try WHERE id = ?", (tried,))
    conn.execute(
        "INSERT INTO login_place (place, at) VALUES (?, ?) ON CONFLICT (place) DO UPDATE SET at = excluded.at",
        (_places(secrets, account, ip)[0], now),
    )


def forget(conn: Tx, now: float) -> int:
    return _TRIED.forget(conn, now) + conn.execute("DELETE FROM login_place WHERE at < ?", (now - KNOWN_S,)).rowcount


def _known(conn: Tx, places: list[bytes], now: float) -> bool:
    marks = ",".join("?" * len(places))
    row = conn.execute(
        f"SELECT 1 FROM login_place WHERE place IN ({marks}) AND at > ? LIMIT 1", (*places, now - KNOWN_S)
    ).fetchone()
    return row is not None


def _accounts(secrets: Secrets, account: str) -> list[bytes]:
    """By the current key first, then by those before a rotation."""
    return [secrets.password_hash(f"login/{account}", kid) for kid in _kids(secrets)]


def _places(secrets: Secrets, account: str, ip: str) -> list[bytes]:
    return [
        secrets.password_hash(f"place/{account}/{one.hex()}", kid)
        for kid, one in zip(_kids(secrets), networks(secrets, ip), strict=True)
    ]


def _kids(secrets: Secrets) -> list[int]:
    return [secrets.current, *(kid for kid in secrets.keys if kid != secrets.current)]
