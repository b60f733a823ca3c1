"""Which classes of content the operator allows a tenant: a bank its loans, a pharmacy its medicines (R17)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from relay.audit import actions
from relay.store.contract import Tx
from relay.values.errors import RegistryError
from relay.values.tenant import TenantRow

MOST_TEXT: Final = 1_000
_CLASS: Final = re.compile(r"[a-z][a-z-]{1,30}")


@dataclass(frozen=True, slots=True)
class Permit:
    """``at`` in seconds UTC."""

    content_class: str
    document: str
    reason: str
    actor: str
    at: float


def grant(conn: Tx, tenant: TenantRow, class_: str, *, document: str, reason: str, actor: str, now: float) -> None:
    """Allow a class of content; a later grant stands for an earlier one. Raises RegistryError."""
    if not _CLASS.fullmatch(class_):
        raise RegistryError(f"{class_!r} is no class of content; `relay content classes` lists them")
    document, reason = _text("document", document), _text("reason", reason)
    conn.execute(
        "INSERT INTO content_permit (tenant_id, class, document, reason, actor, at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (tenant_id, class) DO UPDATE SET document = excluded.document, reason = excluded.reason,"
        " actor = excluded.actor, at = excluded.at",
        (tenant.id, class_, document, reason, actor, now),
    )
    detail = {"class": class_, "document": document, "reason": reason}
    actions.record(conn, actor, "content-permitted", tenant.id, detail, now)


def revoke(conn: Tx, tenant: TenantRow, class_: str, *, reason: str, actor: str, now: float) -> None:
    """It is held again. Raises RegistryError if it wasn't allowed."""
    reason = _text("reason", reason)
    gone = conn.execute("DELETE FROM content_permit WHERE tenant_id = ? AND class = ?", (tenant.id, class_)).rowcount
    if not gone:
        there = ", ".join(one.content_class for one in of_tenant(conn, tenant.id)) or "none"
        raise RegistryError(f"{tenant.name} has no permission for {class_}; it has: {there}")
    actions.record(conn, actor, "content-permission-ended", tenant.id, {"class": class_, "reason": reason}, now)


def of_tenant(conn: Tx, tenant_id: int) -> list[Permit]:
    """All of a tenant's, by class."""
    rows = conn.execute(
        "SELECT class, document, reason, actor, at FROM content_permit WHERE tenant_id = ? ORDER BY class", (tenant_id,)
    )
    return [Permit(*row) for row in rows]


def _text(what: str, text: str) -> str:
    line = " ".join(text.split())
    if not line or len(line) > MOST_TEXT or not line.isprintable():
        raise RegistryError(f"the {what} is printable text of at most {MOST_TEXT} characters, and not empty")
    return line
