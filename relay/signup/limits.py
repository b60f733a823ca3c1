"""How often confirmation mails go out: limits that protect people who never asked.

They stand in the store, so that they outlive a restart. Each mail leaves one
row for a day, which holds keyed hashes only. The limits of a mailbox count
over all tenants and forms of the relay.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from config.settings import Forms
from relay.mail.address import Address
from relay.registry.mailboxes import mailbox, network
from relay.registry.secrets import Secrets

HOUR_S: Final = 3600.0
DAY_S: Final = 86_400.0
STEP: Final = 500


def reached(
    conn: sqlite3.Connection, secrets: Secrets, limits: Forms, address: Address, ip: str, form_id: int, now: float
) -> str:
    """The limit that forbids one more mail now (``mailbox``, ``network``, ``form``); empty if none does."""
    person, place = mailbox(secrets, address), network(secrets, ip)
    if _count(conn, "person", person, now - limits.mails_wait, 1):
        return "mailbox"
    if _count(conn, "person", person, now - DAY_S, limits.mails_per_day) >= limits.mails_per_day:
        return "mailbox"
    if _count(conn, "network", place, now - HOUR_S, limits.network_per_hour) >= limits.network_per_hour:
        return "network"
    if _count(conn, "form_id", form_id, now - HOUR_S, limits.form_per_hour) >= limits.form_per_hour:
        return "form"
    return ""


def count(conn: sqlite3.Connection, secrets: Secrets, address: Address, ip: str, form_id: int, now: float) -> None:
    """One mail more."""
    conn.execute(
        "INSERT INTO asking (at, person, network, form_id) VALUES (?, ?, ?, ?)",
        (now, mailbox(secrets, address), network(secrets, ip), form_id),
    )


def forget(conn: sqlite3.Connection, now: float) -> int:
    """Delete rows that count no more, a step at most; how many."""
    return conn.execute(
        "DELETE FROM asking WHERE id IN (SELECT id FROM asking WHERE at < ? LIMIT ?)", (now - DAY_S, STEP)
    ).rowcount


def _count(conn: sqlite3.Connection, column: str, value: object, since: float, most: int) -> int:
    """Rows since then, counted no further than ``most``. Rows of the future (a clock set back) count too."""
    sql = f"SELECT count(*) FROM (SELECT 1 FROM asking WHERE {column} = ? AND at > ? LIMIT ?)"
    return int(conn.execute(sql, (value, since, most)).fetchone()[0])
