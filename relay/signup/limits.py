"""How often confirmation mails go out: limits that protect people who never asked.

Each mail leaves one row for a day, which holds keyed hashes only; those made
before a rotation of keys still count. The limits of a mailbox count over all
tenants and forms of the relay.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from config.settings import Forms
from relay.mail.address import Address
from relay.registry.mailboxes import mailbox, mailboxes, network, networks
from relay.registry.recent import DAY_S, HOUR_S, Recent
from relay.registry.secrets import Secrets

_ASKED: Final = Recent("asking")
forget: Final = _ASKED.forget


def reached(
    conn: sqlite3.Connection, secrets: Secrets, limits: Forms, address: Address, ip: str, form_id: int, now: float
) -> str:
    """The limit that forbids one more mail now (``mailbox``, ``network``, ``form``); empty if none does."""
    person = mailboxes(secrets, address)
    if _ASKED.reached(conn, "person", person, now - limits.mails_wait, 1):
        return "mailbox"
    if _ASKED.reached(conn, "person", person, now - DAY_S, limits.mails_per_day):
        return "mailbox"
    if _ASKED.reached(conn, "network", networks(secrets, ip), now - HOUR_S, limits.network_per_hour):
        return "network"
    if _ASKED.reached(conn, "form_id", [form_id], now - HOUR_S, limits.form_per_hour):
        return "form"
    return ""


def count(conn: sqlite3.Connection, secrets: Secrets, address: Address, ip: str, form_id: int, now: float) -> None:
    """One mail more."""
    conn.execute(
        "INSERT INTO asking (at, person, network, form_id) VALUES (?, ?, ?, ?)",
        (now, mailbox(secrets, address), network(secrets, ip), form_id),
    )
