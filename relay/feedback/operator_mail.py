"""How many letters of strangers reach the operator: by the client's network, and of all together.

A letter that comes again, as when the other server missed our reply, is one.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Final

from config.conduct import Feedback
from relay.keys.secrets import Secrets
from relay.people.mailboxes import network, networks
from relay.store.contract import Tx
from relay.tenants.recent import DAY_S, HOUR_S, Recent

_TAKEN: Final = Recent("operator_mail")
forget: Final = _TAKEN.forget


class MailRoom(StrEnum):
    """Whether there is room for one more."""

    YES = "yes"
    AGAIN = "the same came before"
    NETWORK = "too many from this network"
    ALL = "too many from everywhere"


def room(conn: Tx, secrets: Secrets, limits: Feedback, ip: str, raw: bytes, now: float) -> MailRoom:
    """Whether one letter more may go; changes nothing. ``now`` in seconds UTC."""
    if _TAKEN.reached(conn, "digest", [_digest(raw)], now - DAY_S, 1):
        return MailRoom.AGAIN
    since = now - HOUR_S
    if _TAKEN.reached(conn, "network", networks(secrets, ip), since, limits.letters_per_network):
        return MailRoom.NETWORK
    sql = "SELECT count(*) FROM (SELECT 1 FROM operator_mail WHERE at > ? LIMIT ?) found"
    taken = int(conn.execute(sql, (since, limits.letters_per_hour)).fetchone()[0])
    return MailRoom.ALL if taken >= limits.letters_per_hour else MailRoom.YES


def count(conn: Tx, secrets: Secrets, ip: str, raw: bytes, now: float) -> None:
    """One letter more went."""
    conn.execute(
        "INSERT INTO operator_mail (at, network, digest) VALUES (?, ?, ?)", (now, network(secrets, ip), _digest(raw))
    )


def _digest(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()[:16]
