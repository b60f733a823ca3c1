"""What the log holds, for showing: plain reads."""

from __future__ import annotations

import json
from typing import Any, Final

from relay.audit.rows import HISTORY
from relay.store.contract import Tx

_PERSON: Final = (
    "SELECT l.id, l.number FROM ("
    " SELECT h.leaf_id FROM subscriber s JOIN consent_history h ON h.subscriber_id = s.id"
    " WHERE s.tenant_id = ?1 AND s.address = ?2 UNION ALL"
    " SELECT leaf_id FROM audit WHERE tenant_id = ?1 AND json_valid(detail)"
    " AND json_extract(detail, '$.address') = ?2) x JOIN audit_leaf l ON l.id = x.leaf_id"
    " GROUP BY l.id, l.number ORDER BY l.number IS NULL, l.number, l.id"
)


def of_person(conn: Tx, tenant_id: int, canonical: str) -> list[int | None]:
    """Numbers of the leaves about an address of a tenant; None for those that are not in the tree yet, at the end."""
    return [number for _, number in conn.execute(_PERSON, (tenant_id, canonical))]


_NEWEST: Final = (
    "SELECT l.id, l.number, l.at, l.action, t.name, l.rows FROM audit_leaf l LEFT JOIN tenant t ON t.id = l.tenant_id"
    " WHERE l.number IS {there} AND (?1 IS NULL OR l.tenant_id = ?1) AND (?2 IS NULL OR glob(?2, l.action))"
    " ORDER BY {order} DESC LIMIT ?3"
)


def newest(conn: Tx, tenant_id: int | None, action: str | None, limit: int) -> list[dict[str, object]]:
    """The newest leaves with what they stand for, newest first; ``action`` may end in ``*``.

    ``leaf`` is None for what is not in the tree yet.
    """
    pattern = None if action is None else action.replace("[", "[[]").replace("?", "[?]")
    rows: list[tuple[Any, ...]] = []
    for there, order in (("NULL", "l.id"), ("NOT NULL", "l.number")):
        sql = _NEWEST.format(there=there, order=order)
        rows += conn.execute(sql, (tenant_id, pattern, limit - len(rows))).fetchall()
    return [_shown(conn, *row) for row in rows]


def _shown(
    conn: Tx, leaf_id: int, number: int | None, at: float, action: str, tenant: str | None, records: int
) -> dict[str, object]:
    actor, detail = _what(conn, leaf_id) if records == 1 else ("", {"records": records})
    return {
        "leaf": number,
        "at": at,
        "action": action,
        "tenant": tenant or "",
        "actor": actor,
        "detail": detail,
    }


def _what(conn: Tx, leaf_id: int) -> tuple[str, dict[str, Any]]:
    row = conn.execute("SELECT actor, detail FROM audit WHERE leaf_id = ?", (leaf_id,)).fetchone()
    if row is not None:
        return row[0], _object(row[1])
    row = conn.execute(
        f"SELECT s.address, CASE h.topic_id WHEN 0 THEN '*' ELSE p.name END, h.evidence FROM {HISTORY} h"
        " LEFT JOIN subscriber s ON s.id = h.subscriber_id LEFT JOIN topic p ON p.id = h.topic_id WHERE h.leaf_id = ?",
        (leaf_id,),
    ).fetchone()
    if row is None or row[0] is None:
        return "", {"erased": True} if row is not None else {}
    address, topic, evidence = row
    told = _object(evidence)
    actor = str(told.pop("actor", ""))
    return actor, {"address": address, "topic": topic, **told}


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
