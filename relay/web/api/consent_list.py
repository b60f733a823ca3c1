"""Listing a tenant's consents page by page, in an order that an index gives."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from relay.store.contract import Tx
from relay.web.api import cursors
from relay.web.api.models import ConsentList, ConsentOut
from relay.web.problems import Problem

_COLUMNS = (
    "s.address, topic.name, c.topic_id, c.channel, c.given_at, c.withdrawn_at, c.recorded_at, c.source, wording.text,"
    " c.means, c.ip, c.page, c.dated, c.since, c.grade"
)
_FROM = (
    " FROM subscriber s JOIN consent c ON c.subscriber_id = s.id"
    " JOIN topic ON topic.id = c.topic_id JOIN wording ON wording.id = c.wording_id"
)
_ORDER = "ORDER BY s.address, c.topic_id, c.channel"
SCANNED = 20_000
"""People looked at for one page of a topic."""


def list_consents(
    conn: Tx, tenant_id: int, *, address: str | None, topic: str | None, cursor: str | None, limit: int
) -> ConsentList:
    """At most ``limit`` consents after the cursor; raises Problem for a cursor that isn't ours.

    A topic that few have is looked for among SCANNED people a page, so that a page of ten million is short too: such
    a page may hold fewer consents, or none, and still name a next one.
    """
    where: list[str] = ["s.tenant_id = ?"]
    bound: list[Any] = [tenant_id]
    after: list[Any] = ["", 0, ""]
    if address is not None:
        where.append("s.address = ?")
        bound.append(address)
    if cursor is not None:
        after = cursors.read(cursor, str, int, str)
        where.append("s.address >= ? AND (s.address, c.topic_id, c.channel) > (?, ?, ?)")
        bound += [after[0], *after]
    beyond: str | None = None
    if topic is not None:
        where.append("topic.name = ?")
        bound.append(topic)
        if address is None and (beyond := _beyond(conn, tenant_id, after[0])) is not None:
            where.append("s.address < ?")
            bound.append(beyond)
    sql = f"SELECT {_COLUMNS}{_FROM} WHERE {' AND '.join(where)} {_ORDER} LIMIT ?"
    rows = conn.execute(sql, (*bound, limit + 1)).fetchall()
    following = None if beyond is None else cursors.write(beyond, 0, "")
    if len(rows) > limit:
        last = rows[limit - 1]
        following = cursors.write(last[0], last[2], last[3])
    return ConsentList(consents=[consent_out(row) for row in rows[:limit]], next=following)


def _beyond(conn: Tx, tenant_id: int, begin: str) -> str | None:
    """The address after those of SCANNED people from ``begin`` on, None if they are the last."""
    row = conn.execute(
        "SELECT address FROM subscriber WHERE tenant_id = ? AND address >= ? ORDER BY address LIMIT 1 OFFSET ?",
        (tenant_id, begin, SCANNED),
    ).fetchone()
    return None if row is None else str(row[0])


def one_consent(conn: Tx, tenant_id: int, address: str, topic: str) -> ConsentOut:
    """The consent to e-mail of one person on one topic, which must be there."""
    row = conn.execute(
        f"SELECT {_COLUMNS}{_FROM} WHERE s.tenant_id = ? AND s.address = ? AND topic.name = ? AND c.channel = 'email'",
        (tenant_id, address, topic),
    ).fetchone()
    if row is None:
        raise Problem("not-found", "there is no such consent")
    return consent_out(row)


def consent_out(row: tuple[Any, ...]) -> ConsentOut:
    (
        address,
        topic,
        _,
        channel,
        given_at,
        withdrawn_at,
        recorded_at,
        source,
        wording,
        means,
        ip,
        page,
        dated,
        since,
        grade,
    ) = row
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
        dated=bool(dated),
        on_list_since=since,
        grade=grade,
    )


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
