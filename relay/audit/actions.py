"""Who did what, when and why.

``audit`` rows are the operator's record of administrative actions (R24, R30),
each a leaf of the audit log (R31, ``relay.audit``), written in the transaction
of what they record and never changed afterwards. What a tenant is told of it is
an event (``relay.events``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.audit import log
from relay.store.contract import Tx


@dataclass(frozen=True, slots=True)
class AuditEntry:
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


def of_tenant(conn: Tx, tenant_id: int, actions: tuple[str, ...], limit: int) -> list[AuditEntry]:
    """The tenant's latest ``limit`` entries with one of ``actions``, oldest first."""
    marks = ",".join("?" * len(actions))
    rows = conn.execute(
        f"SELECT id, at, actor, action, tenant_id, detail FROM audit"
        f" WHERE tenant_id = ? AND action IN ({marks}) ORDER BY id DESC LIMIT ?",
        (tenant_id, *actions, limit),
    ).fetchall()
    return [
        AuditEntry(id_, at, actor, action, tenant, json.loads(detail or "{}"))
        for id_, at, actor, action, tenant, detail in reversed(rows)
    ]


def _json(detail: Mapping[str, object]) -> str:
    return json.dumps(detail, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
