"""Who gets nothing more from a tenant, on one topic or on all, and why (R8).

Rows with the reason ``unsubscribed`` are the person's own word: only
``consents.give`` lifts them, on a double opt-in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from relay.audit import actions, log
from relay.events import write as events
from relay.people import doubts
from relay.people.mailbox import mailbox_of
from relay.store.contract import Tx
from relay.values.errors import RegistryError
from relay.values.facts import Reason

SHOWN_TOPIC: Final = (
    "CASE WHEN p.topic_id < 0 THEN (SELECT 'stream ' || name FROM stream WHERE id = -p.topic_id) ELSE t.name END"
)
"""What a suppression ``p`` with its topic ``t`` is about: a topic's name, ``stream NAME``, or NULL for everything."""
EVERYTHING: Final = 0
"""The topic id that stands for all mail of the tenant."""
MAX_DETAIL: Final = 500
MAX_WHY: Final = 1000


@dataclass(frozen=True, slots=True)
class SuppressionRow:
    """One suppression as shown; ``topic`` None: everything. ``since_at`` in seconds UTC."""

    address: str
    reason: Reason
    topic: str | None
    since_at: float
    detail: str


def add(
    conn: Tx,
    subscriber_id: int,
    reason: Reason,
    topic_id: int = EVERYTHING,
    detail: str = "",
    *,
    now: float,
    since: float | None = None,
) -> bool:
    """Suppress a person; an older entry for the same reason stays. True if it is new, then the history has it.

    ``since``: when it begins, where that is not now; seconds UTC.
    """
    at = now if since is None else since
    new = _insert(conn, subscriber_id, reason, topic_id, detail, at)
    if new:
        told = {"detail": detail[:MAX_DETAIL], "reason": reason}
        _history(conn, subscriber_id, topic_id, "suppressed", told, now, at)
        _tell(conn, subscriber_id, topic_id, reason, detail, now)
    return new


def _tell(conn: Tx, subscriber_id: int, topic_id: int, reason: Reason, detail: str, now: float) -> None:
    row = conn.execute(
        "SELECT s.tenant_id, s.address, t.name FROM subscriber s LEFT JOIN topic t ON t.id = ? WHERE s.id = ?",
        (topic_id, subscriber_id),
    ).fetchone()
    if row is not None:
        tenant_id, address, topic = row
        told = {"recipient": address, "reason": reason.value, "topic": topic, "says": detail[:MAX_DETAIL]}
        events.of_account(conn, tenant_id, "suppressed", told, now, 0)


def unsubscribe(conn: Tx, subscriber_id: int, topic_id: int, detail: str, now: float) -> None:
    """The row for a withdrawal, which the caller writes to the history."""
    _insert(conn, subscriber_id, Reason.UNSUBSCRIBED, topic_id, detail, now)


def _insert(conn: Tx, subscriber_id: int, reason: Reason, topic_id: int, detail: str, now: float) -> bool:
    done = conn.execute(
        "INSERT INTO suppression (subscriber_id, topic_id, reason, since_at, detail) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (subscriber_id, topic_id, reason.value, now, detail[:MAX_DETAIL]),
    )
    return done.rowcount == 1


def remove(conn: Tx, tenant_id: int, canonical: str, *, why: str, actor: str, now: float) -> tuple[Reason, ...]:
    """Lift everything but the person's own unsubscribing; returns the reasons lifted.

    Other spellings of the same mailbox are freed with it, or it would stay stopped.
    ``why`` goes to the audit log. Raises RegistryError if there is nothing to
    lift, or only what the person alone can lift.
    """
    why = _why(why)
    rows = conn.execute(
        "SELECT p.subscriber_id, p.topic_id, p.reason FROM subscriber s"
        " JOIN suppression p ON p.subscriber_id = s.id WHERE s.tenant_id = ?1 AND s.address = ?2"
        " UNION SELECT p.subscriber_id, p.topic_id, p.reason FROM subscriber s"
        " JOIN suppression p ON p.subscriber_id = s.id WHERE s.tenant_id = ?1 AND s.mailbox = ?3",
        (tenant_id, canonical, mailbox_of(canonical)),
    ).fetchall()
    if not rows:
        raise RegistryError(f"{canonical} is not suppressed")
    # Who ended a stream of service mail alone asks for it again by any way; it never was a consent.
    lifted = [row for row in rows if row[2] != Reason.UNSUBSCRIBED or row[1] < EVERYTHING]
    if not lifted:
        raise RegistryError(
            f"{canonical} unsubscribed: only a fresh consent by the person itself (double opt-in) lifts that"
        )
    conn.executemany("DELETE FROM suppression WHERE subscriber_id = ? AND topic_id = ? AND reason = ?", lifted)
    for subscriber_id, topic_id, reason in lifted:
        doubts.lifted(conn, subscriber_id)
        _history(conn, subscriber_id, topic_id, "lifted", {"actor": actor, "detail": why, "reason": reason}, now)
    reasons = tuple(sorted({Reason(row[2]) for row in lifted}))
    actions.record(
        conn,
        actor,
        "suppression-removed",
        tenant_id,
        {"address": canonical, "reasons": [r.value for r in reasons], "reason": why},
        now,
    )
    return reasons


def list_(
    conn: Tx, tenant_id: int, *, reason: Reason | None = None, limit: int | None = None
) -> Iterator[SuppressionRow]:
    """The tenant's suppressions by address, read as they are asked for."""
    rows = conn.execute(
        f"SELECT s.address, p.reason, {SHOWN_TOPIC}, p.since_at, p.detail FROM subscriber s"
        " JOIN suppression p ON p.subscriber_id = s.id LEFT JOIN topic t ON t.id = p.topic_id"
        " WHERE s.tenant_id = ?1 AND (?2 IS NULL OR p.reason = ?2)"
        " ORDER BY s.address, p.topic_id, p.reason LIMIT ?3",
        (tenant_id, None if reason is None else reason.value, 1 << 62 if limit is None else limit),
    )
    for address, word, topic, since_at, detail in rows:
        yield SuppressionRow(address, Reason(word), topic, since_at, detail)


_After = Sequence[str | int]


def page(
    conn: Tx,
    tenant_id: int,
    *,
    address: str | None,
    reason: Reason | None,
    after: _After | None,
    limit: int,
) -> list[tuple[tuple[str, int, str], SuppressionRow]]:
    """At most ``limit`` behind ``after``, each with its place (address, topic's id, reason), in that order."""
    where, bound = ["s.tenant_id = ? AND s.stopped = 1"], list[object]([tenant_id])
    if address is not None:
        where.append("s.address = ?")
        bound.append(address)
    if reason is not None:
        where.append("p.reason = ?")
        bound.append(reason.value)
    if after is not None:
        where.append("s.address >= ? AND (s.address, p.topic_id, p.reason) > (?, ?, ?)")
        bound += [after[0], *after]
    rows = conn.execute(
        "SELECT s.address, p.topic_id, p.reason, t.name, p.since_at, p.detail FROM subscriber s"
        " JOIN suppression p ON p.subscriber_id = s.id LEFT JOIN topic t ON t.id = p.topic_id"
        f" WHERE {' AND '.join(where)} ORDER BY s.address, p.topic_id, p.reason LIMIT ?",
        (*bound, limit),
    ).fetchall()
    return [
        ((email, topic_id, word), SuppressionRow(email, Reason(word), topic, since_at, detail))
        for email, topic_id, word, topic, since_at, detail in rows
    ]


def _history(
    conn: Tx,
    subscriber_id: int,
    topic_id: int,
    action: str,
    evidence: dict[str, str],
    now: float,
    at: float | None = None,
) -> None:
    kept = {name: value for name, value in evidence.items() if value}
    text = json.dumps(kept, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    log.history(conn, subscriber_id, topic_id, action, now if at is None else at, now, text)


def _why(text: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise RegistryError("the reason is empty; say why")
    if len(line) > MAX_WHY or not line.isprintable():
        raise RegistryError(f"a reason is printable text of at most {MAX_WHY} characters")
    return line
