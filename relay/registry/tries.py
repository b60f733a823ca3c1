"""How many spam reports on shared copies are taken: by message and by the client's network.

The limits stand in the store, so that they outlive a restart, and know nothing
of the addresses reported: whoever reaches one has learnt nothing about them.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from config.settings import Reports
from relay.registry.mailboxes import network
from relay.registry.secrets import Secrets

HOUR_S: Final = 3600.0
DAY_S: Final = 86_400.0
STEP: Final = 500


def count(conn: sqlite3.Connection, secrets: Secrets, limits: Reports, submission_id: int, ip: str, now: float) -> bool:
    """One try more; False, and nothing written, where a limit forbids it. ``now`` in seconds UTC."""
    place = network(secrets, ip)
    if _reached(conn, "network", place, now, limits.network_per_hour):
        return False
    if _reached(conn, "submission_id", submission_id, now, limits.message_per_hour):
        return False
    conn.execute("INSERT INTO report_try (at, network, submission_id) VALUES (?, ?, ?)", (now, place, submission_id))
    return True


def forget(conn: sqlite3.Connection, now: float) -> int:
    """Delete rows that count no more, a step at most; how many."""
    return conn.execute(
        "DELETE FROM report_try WHERE id IN (SELECT id FROM report_try WHERE at < ? LIMIT ?)", (now - DAY_S, STEP)
    ).rowcount


def _reached(conn: sqlite3.Connection, column: str, value: object, now: float, most: int) -> bool:
    """Counts the last hour, no further than ``most``. Rows of the future (a clock set back) count too."""
    sql = f"SELECT count(*) FROM (SELECT 1 FROM report_try WHERE {column} = ? AND at > ? LIMIT ?)"
    return int(conn.execute(sql, (value, now - HOUR_S, most)).fetchone()[0]) >= most
