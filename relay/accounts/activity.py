"""What was done with a log-in, from where: its owner sees it, and so does the operator (R30)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relay.accounts.sessions import Client
from relay.store.contract import Tx

KEPT_S: Final = 400 * 86_400.0
"""More than a year: who looks once a year finds all of it."""
STEP: Final = 500
MOST_DETAIL: Final = 200


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """One action; ``at`` in seconds UTC."""

    id: int
    at: float
    action: str
    detail: str
    ip: str
    agent: str


def note(conn: Tx, login_id: int, action: str, client: Client, now: float, detail: str = "") -> None:
    """``action`` is a word such as ``signed-in``; ``detail`` never holds a secret."""
    conn.execute(
        "INSERT INTO login_action (login_id, at, action, detail, ip, agent) VALUES (?, ?, ?, ?, ?, ?)",
        (login_id, now, action, detail[:MOST_DETAIL], client.ip, client.agent),
    )


def count(conn: Tx, login_id: int, action: str, since: float) -> int:
    """How often it was done since then."""
    row = conn.execute(
        "SELECT count(*) FROM login_action WHERE login_id = ? AND action = ? AND at > ?", (login_id, action, since)
    ).fetchone()
    return int(row[0])


def of_login(conn: Tx, login_id: int, before: int | None, limit: int) -> list[ActivityRow]:
    """The latest first, older than ``before``."""
    rows = conn.execute(
        "SELECT id, at, action, detail, ip, agent FROM login_action WHERE login_id = ? AND (? IS NULL OR id < ?)"
        " ORDER BY id DESC LIMIT ?",
        (login_id, before, before, limit),
    )
    return [ActivityRow(*row) for row in rows]


def forget(conn: Tx, now: float) -> int:
    """What is past its time, a step at most; how many."""
    return conn.execute(
        "DELETE FROM login_action WHERE id IN (SELECT id FROM login_action WHERE at < ? LIMIT ?)",
        (now - KEPT_S, STEP),
    ).rowcount
