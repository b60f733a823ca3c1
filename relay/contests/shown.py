"""What a person reads about the consents that are said to be theirs: the tenant's evidence, and nothing of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from relay.store.contract import Tx
from relay.values.states import State

MOST_GOT: Final = 10
_READ: Final = (
    "topic_id", "topic", "wording", "page", "given_at", "dated", "since", "recorded_at", "means", "source", "ip",
    "grade", "ended_at",
)  # fmt: skip
LOOKED_AT: Final = 20_000
"""Newest copies of all among which those of the person are looked for."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """One consent as the tenant has it; times in seconds UTC, ``given_at`` None where the tenant states none."""

    topic_id: int
    topic: str
    wording: str
    page: str
    given_at: float | None
    since: str
    """On the tenant's list since then, as its list says."""
    recorded_at: float
    means: str
    source: str
    ip: str
    grade: str
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Got:
    """A message that went to the person."""

    at: float
    subject: str


def claimed(conn: Tx, subscriber_id: int, topic_id: int = 0) -> list[Claimed]:
    """The consents on record, that to ``topic_id`` (0: none in particular) first."""
    rows = conn.execute(
        "SELECT t.id, CASE t.title WHEN '' THEN t.name ELSE t.title END, w.text, c.page, c.given_at, c.dated, c.since,"
        " c.recorded_at, c.means, c.source, c.ip, c.grade, c.withdrawn_at FROM consent c"
        " JOIN topic t ON t.id = c.topic_id JOIN wording w ON w.id = c.wording_id"
        " WHERE c.subscriber_id = ? AND c.channel = 'email'"
        " ORDER BY CASE t.id WHEN ? THEN 0 ELSE 1 END, t.name",
        (subscriber_id, topic_id),
    )
    return [_claimed(dict(zip(_READ, row, strict=True))) for row in rows]


def _claimed(row: dict[str, Any]) -> Claimed:
    dated = row.pop("dated")
    return Claimed(**row | {"given_at": row["given_at"] if dated else None})


def got(conn: Tx, tenant_id: int, subscriber_id: int, submission_id: int) -> list[Got]:
    """What was delivered to the person: the message that the link came with, and others of the tenant's newest copies.

    The newest first, as far as records are kept.
    """
    rows = conn.execute(
        "SELECT s.id, r.changed_at, s.subject FROM recipient r JOIN submission s ON s.id = r.submission_id"
        " WHERE r.submission_id = ?1 AND r.subscriber_id = ?2 AND s.tenant_id = ?3 AND r.state = ?4"
        " UNION SELECT s.id, r.changed_at, s.subject FROM (SELECT submission_id, tenant_id, subscriber_id, state,"
        " changed_at FROM recipient ORDER BY submission_id DESC, number DESC LIMIT ?5) r"
        " JOIN submission s ON s.id = r.submission_id"
        " WHERE r.subscriber_id = ?2 AND r.tenant_id = ?3 AND r.state = ?4 ORDER BY 1 DESC LIMIT ?6",
        (submission_id, subscriber_id, tenant_id, int(State.DELIVERED), LOOKED_AT, MOST_GOT),
    )
    return [Got(at, subject) for _, at, subject in rows]
