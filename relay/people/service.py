"""Service mail on a stream freed from consent: ended by the person, stream by stream (R6, R8).

A suppression of one stream alone: its ``topic_id`` is the stream's id, negated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from relay.audit import log
from relay.events import write as events
from relay.people import suppressions
from relay.store.contract import Tx
from relay.values.facts import Reason

MOST: Final = 20
"""Streams that a page shows."""
TOLD_S: Final = 86_400.0
"""A complaint about an essential message stops its stream so long after the tenant was written to."""


@dataclass(frozen=True, slots=True)
class ServiceStream:
    """A stream of service mail as a person sees it; ``ended_at`` None while mail may come, in seconds UTC."""

    stream_id: int
    name: str
    ground: str
    essential: bool
    ended_at: float | None


def of_person(conn: Tx, tenant_id: int, subscriber_id: int) -> list[ServiceStream]:
    """The tenant's streams that ask for no consent, the first ``MOST``."""
    rows = conn.execute(
        "SELECT s.id, s.name, s.ground, s.essential, min(p.since_at) FROM stream s"
        " LEFT JOIN suppression p ON p.topic_id = -s.id AND p.subscriber_id IN"
        " (SELECT other_id FROM spelling WHERE subscriber_id = ?)"
        " WHERE s.tenant_id = ? AND s.consent = 'exempt' GROUP BY s.id, s.name, s.ground, s.essential"
        " ORDER BY s.id LIMIT ?",
        (subscriber_id, tenant_id, MOST),
    )
    return [ServiceStream(id_, name, ground, bool(essential), at) for id_, name, ground, essential, at in rows]


def end(
    conn: Tx,
    tenant_id: int,
    subscriber_id: int,
    stream: ServiceStream,
    *,
    means: str,
    now: float,
    evidence: Mapping[str, str],
    submission_id: int | None = None,
    number: int | None = None,
) -> bool:
    """The person wants no more of a stream; True if that is new. Acts at once, also on what waits."""
    done = conn.execute(
        "INSERT INTO suppression (subscriber_id, topic_id, reason, since_at, detail) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (subscriber_id, -stream.stream_id, Reason.UNSUBSCRIBED.value, now, means),
    )
    if done.rowcount != 1:
        return False
    story: dict[str, object] = {**evidence, "means": means, "stream": stream.name}
    if submission_id is not None:
        story |= {"submission": submission_id, "number": number}
    kept = {name: value for name, value in story.items() if value not in ("", None)}
    text = json.dumps(kept, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    log.history(conn, subscriber_id, -stream.stream_id, "withdrawn", now, now, text)
    told = {"means": means, "stream": stream.name}
    events.of_copy(conn, tenant_id, "unsubscribed", submission_id, number, None, told, now)
    return True


def complained(conn: Tx, subscriber_id: int, stream_id: int, detail: str, now: float) -> bool:
    """A complaint about an essential message ends its stream once the tenant was told; True if it is new."""
    since = now + TOLD_S
    return suppressions.add(conn, subscriber_id, Reason.COMPLAINT, -stream_id, detail, now=now, since=since)
