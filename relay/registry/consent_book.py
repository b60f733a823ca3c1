"""What is known of a tenant's people, for showing and exporting: plain reads."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

EXPORT_COLUMNS: Final = (
    "email",
    "topic",
    "live",
    "given_at",
    "withdrawn_at",
    "source",
    "wording",
    "means",
    "ip",
    "page",
    "recorded_at",
)

_CONSENTS: Final = (
    "SELECT s.address, t.name, c.given_at, c.withdrawn_at, c.source, w.text, c.means, c.ip, c.page, c.recorded_at"
    " FROM subscriber s JOIN consent c ON c.subscriber_id = s.id AND c.channel = 'email'"
    " JOIN topic t ON t.id = c.topic_id JOIN wording w ON w.id = c.wording_id WHERE s.tenant_id = ?"
)


def person(conn: sqlite3.Connection, tenant_id: int, canonical: str) -> dict[str, object] | None:
    """Consents, suppressions and history of one address (times in seconds UTC), None if it is not known."""
    row = conn.execute(
        "SELECT id, created_at FROM subscriber WHERE tenant_id = ? AND address = ?", (tenant_id, canonical)
    ).fetchone()
    if row is None:
        return None
    subscriber_id, created_at = row
    consents = [
        {
            "topic": topic,
            "live": withdrawn_at is None,
            "given_at": given_at,
            "withdrawn_at": withdrawn_at,
            "source": source,
            "wording": wording,
            "means": means,
            "ip": ip,
            "page": page,
        }
        for _, topic, given_at, withdrawn_at, source, wording, means, ip, page, _ in conn.execute(
            _CONSENTS + " AND s.address = ? ORDER BY t.name", (tenant_id, canonical)
        )
    ]
    suppressions = [
        {"reason": reason, "topic": topic or "*", "since_at": since_at, "detail": detail}
        for reason, topic, since_at, detail in conn.execute(
            "SELECT p.reason, t.name, p.since_at, p.detail FROM suppression p LEFT JOIN topic t ON t.id = p.topic_id"
            " WHERE p.subscriber_id = ? ORDER BY p.topic_id, p.reason",
            (subscriber_id,),
        )
    ]
    return {
        "email": canonical,
        "known_since_at": created_at,
        "consents": consents,
        "suppressions": suppressions,
        "history": _history(conn, subscriber_id),
    }


def _history(conn: sqlite3.Connection, subscriber_id: int) -> list[dict[str, object]]:
    rows = conn.execute(
        "SELECT h.at, h.action, t.name, h.recorded_at, h.evidence FROM consent_history h"
        " LEFT JOIN topic t ON t.id = h.topic_id WHERE h.subscriber_id = ? ORDER BY h.id",
        (subscriber_id,),
    )
    return [
        {
            "at": at,
            "action": action,
            "topic": topic or "*",
            "recorded_at": recorded_at,
            "evidence": json.loads(evidence),
        }
        for at, action, topic, recorded_at, evidence in rows
    ]


def export(conn: sqlite3.Connection, tenant_id: int) -> Iterator[dict[str, object]]:
    """All consents of the tenant by address, withdrawn ones too; keys are EXPORT_COLUMNS, times ISO 8601."""
    for row in conn.execute(_CONSENTS + " ORDER BY s.address, t.name", (tenant_id,)):
        email, topic, given_at, withdrawn_at, source, wording, means, ip, page, recorded_at = row
        yield {
            "email": email,
            "topic": topic,
            "live": "yes" if withdrawn_at is None else "no",
            "given_at": iso(given_at),
            "withdrawn_at": "" if withdrawn_at is None else iso(withdrawn_at),
            "source": source,
            "wording": wording,
            "means": means,
            "ip": ip,
            "page": page,
            "recorded_at": iso(recorded_at),
        }


def iso(at: float) -> str:
    """ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
