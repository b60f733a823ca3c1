"""Listing a tenant's consents page by page, in an order that an index gives."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Any

from relay.web import cursors
from relay.web.models import ConsentList, ConsentOut
from relay.web.problems import Problem

_COLUMNS = (
    "s.address, topic.name, c.topic_id, c.channel, c.given_at, c.withdrawn_at, c.recorded_at, c.source, wording.text,"
    " c.means, c.ip, c.page"
)
_FROM = (
    " FROM subscriber s JOIN consent c ON c.subscriber_id = s.id"
    " JOIN topic ON topic.id = c.topic_id JOIN wording ON wording.id = c.wording_id"
)


def list_consents(
    conn: sqlite3.Connection, tenant_id: int, *, address: str | None, topic: str | None, cursor: str | None, limit: int
) -> ConsentList:
    """At most ``limit`` consents after the cursor; raises Problem for a cursor that isn't ours."""
    where, values = ["s.tenant_id = ?"], [tenant_id]
    bound: list[Any] = list(values)
    if address is not None:
        where.append("s.address = ?")
        bound.append(address)
    if topic is not None:
        where.append("topic.name = ?")
        bound.append(topic)
    if cursor is not None:
        after_address, after_topic, after_channel = cursors.read(cursor, str, int, str)
        where.append("s.address >= ? AND (s.address, c.topic_id, c.channel) > (?, ?, ?)")
        bound += [after_address, after_address, after_topic, after_channel]
    sql = f"SELECT {_COLUMNS}{_FROM} WHERE {' AND '.join(where)} ORDER BY s.address, c.topic_id, c.channel LIMIT ?"
    rows = conn.execute(sql, (*bound, limit + 1)).fetchall()
    more = len(rows) > limit
    last = rows[limit - 1] if more else None
    return ConsentList(
        consents=[consent_out(row) for row in rows[:limit]],
        next=None if last is None else cursors.write(last[0], last[2], last[3]),
    )


def one_consent(conn: sqlite3.Connection, tenant_id: int, address: str, topic: str) -> ConsentOut:
    """The consent to e-mail of one person on one topic, which must be there."""
    row = conn.execute(
        f"SELECT {_COLUMNS}{_FROM} WHERE s.tenant_id = ? AND s.address = ? AND topic.name = ? AND c.channel = 'email'",
        (tenant_id, address, topic),
    ).fetchone()
    if row is None:
        raise Problem("not-found", "there is no such consent")
    return consent_out(row)


def consent_out(row: tuple[Any, ...]) -> ConsentOut:
    address, topic, _, channel, given_at, withdrawn_at, recorded_at, source, wording, means, ip, page = row
    return ConsentOut(
        email=address,
        topic=topic,
        channel=channel,
        live=withdrawn_at is None,
        given_at=moment(given_at),
        withdrawn_at=None if withdrawn_at is None else moment(withdrawn_at),
        recorded_at=moment(recorded_at),
        source=source,
        wording=wording,
        means=means,
        ip=ip,
        page=page,
    )


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
