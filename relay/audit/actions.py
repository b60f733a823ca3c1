"""Who did what, when and why; and what a tenant is told of it.

``audit`` rows are the operator's record of administrative actions (R24, R30),
each a leaf of the audit log (R31, ``relay.audit``); ``event`` rows are what the
tenant sees. Both are written in the transaction of what they record and never
changed afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.audit import log
from relay.store.contract import Tx


@dataclass(frozen=True, slots=True)
class Entry:
    """One audited action; ``at`` in seconds UTC."""

    id: int
    at: float
    actor: str
    action: str
    tenant_id: int | None
    detail: dict[str, Any]


def record(
    conn: Tx,
    actor: str,
    action: str,
    tenant_id: int | None,
    detail: Mapping[str, object],
    now: float,
) -> None:
    """Write down one action, in the caller's transaction.

    ``action`` is a word such as ``tenant-frozen``; ``detail`` holds reasons and
    values, never a secret.
    """
    log.action(conn, actor, action, tenant_id, _json(detail), now)


def event(conn: Tx, tenant_id: int, kind: str, detail: Mapping[str, object], now: float) -> None:
    """Tell the tenant of something that concerns the account, not one message."""
    conn.execute(
        "INSERT INTO event (tenant_id, at, kind, detail) VALUES (?, ?, ?, ?)", (tenant_id, now, kind, _json(detail))
    )


def of_tenant(conn: Tx, tenant_id: int, actions: tuple[str, ...], limit: int) -> list[Entry]:
    """The tenant's latest ``limit`` entries with one of ``actions``, oldest first."""
    marks = ",".join("?" * len(actions))
    rows = conn.execute(
        f"SELECT id, at, actor, action, tenant_id, detail FROM audit"
        f" WHERE tenant_id = ? AND action IN ({marks}) ORDER BY id DESC LIMIT ?",
        (tenant_id, *actions, limit),
    ).fetchall()
    return [
        Entry(id_, at, actor, action, tenant, json.loads(detail or "{}"))
        for id_, at, actor, action, tenant, detail in reversed(rows)
    ]


def _json(detail: Mapping[str, object]) -> str:
    return json.dumps(detail, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
