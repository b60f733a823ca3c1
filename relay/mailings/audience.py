"""Whom a mailing is for: people who agreed to its topic, all of them or those in any of some groups.

Read in order of the people's ids, a batch at a time. Whether somebody is mailed
is decided at the door, as for any message; the figures here say beforehand what
will come of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relay.people import topics
from relay.store.contract import Tx
from relay.values.errors import RegistryError


@dataclass(frozen=True, slots=True)
class Audience:
    topic_id: int
    group_ids: tuple[int, ...] = ()
    """Empty: everybody."""


@dataclass(frozen=True, slots=True)
class AudienceMember:
    """One person; ``attributes`` as the tenant keeps them."""

    id: int
    address: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AudienceFigures:
    """Who would get a mailing that began now, and who not."""

    agreed: int
    """Have a live consent to the topic, in these groups."""
    suppressed: Mapping[str, int]
    """Of these, who gets nothing more, by reason."""
    left: int
    """Agreed once and withdrew it, in these groups."""

    @property
    def reachable(self) -> int:
        return max(0, self.agreed - sum(self.suppressed.values()))


def of(conn: Tx, tenant_id: int, topic: str, groups: Sequence[str]) -> Audience:
    """Raises RegistryError for a topic or group that the tenant doesn't have."""
    topic_id = topics.find(conn, tenant_id, topic)
    if topic_id is None:
        raise RegistryError(f"there is no topic {topic[:60]!r}; choose one of those there are")
    found = []
    for name in groups:
        row = conn.execute("SELECT id FROM list_group WHERE tenant_id = ? AND name = ?", (tenant_id, name)).fetchone()
        if row is None:
            raise RegistryError(f"there is no group {name[:60]!r}; choose among those there are")
        found.append(int(row[0]))
    return Audience(topic_id, tuple(sorted(set(found))))


def batch(conn: Tx, audience: Audience, after: int, up_to: int, limit: int) -> list[AudienceMember]:
    """The next people behind the id ``after``, ``up_to`` included."""
    within, values = _within(audience)
    rows = conn.execute(
        "SELECT s.id, s.address, p.attributes FROM consent c JOIN subscriber s ON s.id = c.subscriber_id"
        " LEFT JOIN profile p ON p.subscriber_id = s.id"
        " WHERE c.topic_id = ? AND c.withdrawn_at IS NULL AND c.channel = 'email' AND c.subscriber_id > ?"
        f" AND c.subscriber_id <= ?{within} ORDER BY c.subscriber_id LIMIT ?",
        (audience.topic_id, after, up_to, *values, limit),
    )
    return [_member(row) for row in rows]


def again(conn: Tx, mailing_id: int, audience: Audience, limit: int) -> list[AudienceMember]:
    """Of those whom a mailing asks for again, who has still agreed."""
    within, values = _within(audience)
    rows = conn.execute(
        "SELECT s.id, s.address, p.attributes FROM mailing_later l JOIN consent c ON c.subscriber_id = l.subscriber_id"
        " JOIN subscriber s ON s.id = c.subscriber_id LEFT JOIN profile p ON p.subscriber_id = s.id"
        " WHERE l.mailing_id = ? AND c.topic_id = ? AND c.withdrawn_at IS NULL AND c.channel = 'email'"
        f"{within} ORDER BY l.subscriber_id LIMIT ?",
        (mailing_id, audience.topic_id, *values, limit),
    )
    return [_member(row) for row in rows]


def last(conn: Tx, audience: Audience) -> int:
    """The highest id among them; 0 if there is nobody."""
    row = conn.execute(
        "SELECT max(subscriber_id) FROM consent WHERE topic_id = ? AND withdrawn_at IS NULL", (audience.topic_id,)
    ).fetchone()
    return int(row[0] or 0)


def count(conn: Tx, audience: Audience) -> int:
    """How many have agreed."""
    within, values = _within(audience)
    row = conn.execute(
        f"SELECT count(*) FROM consent c WHERE c.topic_id = ? AND c.withdrawn_at IS NULL{within}",
        (audience.topic_id, *values),
    ).fetchone()
    return int(row[0])


def figures(conn: Tx, audience: Audience) -> AudienceFigures:
    """By the facts that the door will ask for, each person under the first reason alone."""
    within, values = _within(audience)
    # CROSS JOIN: the consents are walked and suppressions looked up, never the other way round.
    rows = conn.execute(
        f"SELECT reason, count(*) FROM (SELECT min(u.reason) AS reason FROM consent c CROSS JOIN suppression u"
        f" WHERE u.subscriber_id = c.subscriber_id AND u.topic_id IN (0, c.topic_id) AND c.topic_id = ?"
        f" AND c.withdrawn_at IS NULL{within} GROUP BY c.subscriber_id) AS suppressed GROUP BY reason",
        (audience.topic_id, *values),
    )
    suppressed = {str(reason): int(people) for reason, people in rows}
    return AudienceFigures(count(conn, audience), suppressed, _left(conn, audience))


def _left(conn: Tx, audience: Audience) -> int:
    within, values = _within(audience)
    row = conn.execute(
        f"SELECT count(*) FROM consent c WHERE c.topic_id = ? AND c.withdrawn_at IS NOT NULL{within}",
        (audience.topic_id, *values),
    ).fetchone()
    return int(row[0])


def _within(audience: Audience) -> tuple[str, tuple[int, ...]]:
    """A condition on ``c`` for the groups."""
    if not audience.group_ids:
        return "", ()
    marks = ",".join("?" * len(audience.group_ids))
    return (
        f" AND EXISTS (SELECT 1 FROM membership m WHERE m.subscriber_id = c.subscriber_id AND m.group_id IN ({marks}))",
        audience.group_ids,
    )


def _member(row: Sequence[Any]) -> AudienceMember:
    return AudienceMember(int(row[0]), str(row[1]), json.loads(row[2]) if row[2] else {})
