"""A complaint about an essential message: the tenant is told before its stream stops for the person (R8).

Bulk and service mail stop at once. Codes and security alerts stop a day later,
so that the tenant can reach the person another way.
"""

from __future__ import annotations

from relay.keys.tokens import Mark
from relay.people import service
from relay.queue import to_tenant
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.texts.language import DEFAULT, language


def complained(conn: Tx, tenant_id: int, mark: Mark, detail: str, operator: Operator | None, now: float) -> bool:
    """Where the copy was of an essential stream, let that end for the person, and write to the tenant; True if new."""
    row = conn.execute(
        "SELECT s.id, s.name, t.contact, t.title, t.name, t.language, p.address FROM submission m"
        " JOIN stream s ON s.id = m.stream_id JOIN tenant t ON t.id = m.tenant_id"
        " JOIN subscriber p ON p.id = ? AND p.tenant_id = m.tenant_id"
        " WHERE m.id = ? AND m.tenant_id = ? AND s.essential = 1",
        (mark.subscriber_id, mark.submission_id, tenant_id),
    ).fetchone()
    if row is None:
        return False
    stream_id, stream, contact, title, name, code, address = row
    if not service.complained(conn, mark.subscriber_id, stream_id, detail, now):
        return False
    if operator is not None:
        said = language(code or DEFAULT)
        names = {"tenant": title or name, "address": address, "stream": stream}
        day = said.date(now + service.TOLD_S)
        paragraphs = [said.plain("complained.told", date=day, **names), said.plain("complained.do", **names)]
        subject = said.plain("complained.subject", **names)
        to_tenant.tell(conn, operator, contact, said.code, subject, paragraphs, now=now)
    return True
