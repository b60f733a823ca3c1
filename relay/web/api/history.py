"""What is known of one person with a tenant, page by page."""

from __future__ import annotations

import json

from relay.people.suppressions import SHOWN_TOPIC
from relay.store.contract import Tx
from relay.web.api import cursors
from relay.web.api.consent_list import moment
from relay.web.api.models import HistoryItem, HistoryOut, SuppressionOut
from relay.web.problems import Problem


def history(conn: Tx, tenant_id: int, address: str, cursor: str | None, limit: int) -> HistoryOut:
    """At most ``limit`` entries after the cursor; raises Problem for someone the tenant doesn't know."""
    row = conn.execute(
        "SELECT id, created_at FROM subscriber WHERE tenant_id = ? AND address = ?", (tenant_id, address)
    ).fetchone()
    if row is None:
        raise Problem("not-found", "the tenant has no such address")
    subscriber_id, created_at = row
    after = 0 if cursor is None else cursors.read(cursor, int)[0]
    rows = conn.execute(
        "SELECT h.id, h.at, h.action, t.name, h.recorded_at, w.text, h.evidence FROM consent_history h"
        " LEFT JOIN topic t ON t.id = h.topic_id"
        " LEFT JOIN wording w ON w.id = CAST(json_extract(h.evidence, '$.wording_id') AS BIGINT) AND w.tenant_id = ?"
        " WHERE h.subscriber_id = ? AND h.id > ? ORDER BY h.id LIMIT ?",
        (tenant_id, subscriber_id, after, limit + 1),
    ).fetchall()
    return HistoryOut(
        email=address,
        known_since_at=moment(created_at),
        suppressions=_suppressions(conn, subscriber_id),
        history=[
            HistoryItem(
                at=moment(at),
                action=action,
                topic=topic,
                recorded_at=moment(recorded_at),
                wording=wording,
                evidence=json.loads(evidence),
            )
            for _, at, action, topic, recorded_at, wording, evidence in rows[:limit]
        ],
        next=cursors.write(rows[limit - 1][0]) if len(rows) > limit else None,
    )


def _suppressions(conn: Tx, subscriber_id: int) -> list[SuppressionOut]:
    rows = conn.execute(
        f"SELECT p.reason, {SHOWN_TOPIC}, p.since_at FROM suppression p LEFT JOIN topic t ON t.id = p.topic_id"
        " WHERE p.subscriber_id = ? ORDER BY p.topic_id, p.reason",
        (subscriber_id,),
    )
    return [SuppressionOut(reason=reason, topic=topic, since_at=moment(since)) for reason, topic, since in rows]
