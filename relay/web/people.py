"""Who a link speaks for, and what that person receives: plain reads.

A link works as long as its subscriber is stored: a frozen tenant, a deleted
submission or a finished campaign make no difference (R3, R6).
"""

from __future__ import annotations

from dataclasses import dataclass

from relay.keys.tokens import Mark
from relay.store.contract import Tx

_SHOWN = "CASE {0}.title WHEN '' THEN {0}.name ELSE {0}.title END"
"""What people read in place of a short name."""
EVERYTHING = 0
"""The topic id that stands for all mailings of the tenant."""


@dataclass(frozen=True, slots=True)
class Person:
    """A subscriber as a page names them; ``topic`` is None where the link means everything."""

    subscriber_id: int
    address: str
    tenant_id: int
    tenant: str
    contact: str
    topic_id: int
    topic: str | None
    form: str = ""
    """Key of the form by which the person may come back; empty if the tenant has none."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic of one subscriber; ``ended_at`` is None while mail may come. Seconds UTC."""

    topic_id: int
    name: str
    given_at: float
    ended_at: float | None
    description: str = ""


def find(conn: Tx, mark: Mark) -> Person | None:
    """The person of a verified mark; None once the address was erased."""
    row = conn.execute(
        f"SELECT s.id, s.address, t.id, {_SHOWN.format('t')}, t.contact, topic.id, {_SHOWN.format('topic')}"
        " FROM subscriber s"
        " JOIN tenant t ON t.id = s.tenant_id"
        " LEFT JOIN topic ON topic.id = ? AND topic.tenant_id = t.id WHERE s.id = ?",
        (mark.topic_id, mark.subscriber_id),
    ).fetchone()
    if row is None:
        return None
    subscriber_id, address, tenant_id, tenant, contact, topic_id, topic = row
    # A topic that is gone leaves the wider meaning, never a link that does nothing.
    form = _form(conn, tenant_id, topic_id or EVERYTHING)
    return Person(subscriber_id, address, tenant_id, tenant, contact, topic_id or EVERYTHING, topic, form)


def _form(conn: Tx, tenant_id: int, topic_id: int) -> str:
    """A form for the topic before another of the tenant's."""
    row = conn.execute(
        "SELECT f.key FROM form f LEFT JOIN form_topic c ON c.form_id = f.id AND c.topic_id = ? WHERE f.tenant_id = ?"
        " ORDER BY c.topic_id IS NULL, f.id LIMIT 1",
        (topic_id, tenant_id),
    ).fetchone()
    return "" if row is None else str(row[0])


def ended_at(conn: Tx, subscriber_id: int, topic_id: int) -> float | None:
    """Since when the person takes no mail on the topic (EVERYTHING: none at all), or None."""
    row = conn.execute(
        "SELECT min(since_at) FROM suppression WHERE subscriber_id = ? AND topic_id IN (0, ?)"
        " AND reason = 'unsubscribed'",
        (subscriber_id, topic_id),
    ).fetchone()
    return None if row[0] is None else float(row[0])


def topics(conn: Tx, subscriber_id: int) -> list[TopicState]:
    """Topics the person has or had, by name; what was unsubscribed without a consent too."""
    everything = ended_at(conn, subscriber_id, EVERYTHING)
    rows = conn.execute(
        f"SELECT topic.id, {_SHOWN.format('topic')}, CASE WHEN c.dated = 1 THEN c.given_at END, c.withdrawn_at,"
        " p.since_at, topic.description FROM topic"
        " LEFT JOIN consent c ON c.topic_id = topic.id AND c.subscriber_id = :id AND c.channel = 'email'"
        " LEFT JOIN suppression p ON p.topic_id = topic.id AND p.subscriber_id = :id AND p.reason = 'unsubscribed'"
        " WHERE topic.tenant_id = (SELECT tenant_id FROM subscriber WHERE id = :id)"
        " AND (c.topic_id IS NOT NULL OR p.topic_id IS NOT NULL) ORDER BY topic.name",
        {"id": subscriber_id},
    )
    found = []
    for topic_id, name, given_at, withdrawn_at, since_at, description in rows:
        ends = [at for at in (withdrawn_at, since_at, everything) if at is not None]
        found.append(TopicState(topic_id, name, given_at or 0.0, min(ends) if ends else None, description))
    return found
