"""What staff write down of a tenant for each other: seen at the desk and by ``relay tenant show``, never by the tenant.

The log says who wrote and removed one, not what it says, so that a note can go for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relay.audit import actions
from relay.store.contract import Tx
from relay.values.errors import RegistryError

MOST_LETTERS: Final = 2_000
MOST_NOTES: Final = 200
"""Of a tenant."""


@dataclass(frozen=True, slots=True)
class TenantNote:
    """``at`` in seconds UTC."""

    id: int
    at: float
    actor: str
    text: str


def add(conn: Tx, tenant_id: int, text: str, *, actor: str, now: float) -> TenantNote:
    """In the caller's transaction. Raises RegistryError."""
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise RegistryError("the note says nothing; nothing was kept")
    if len(text) > MOST_LETTERS:
        raise RegistryError(f"the note has {len(text)} letters, and {MOST_LETTERS} at most are kept")
    if len(listing(conn, tenant_id)) >= MOST_NOTES:
        raise RegistryError(f"there are {MOST_NOTES} notes; remove some that say nothing any more")
    (id_,) = conn.execute(
        "INSERT INTO tenant_note (tenant_id, at, actor, text) VALUES (?, ?, ?, ?) RETURNING id",
        (tenant_id, now, actor, text),
    ).fetchone()
    actions.record(conn, actor, "tenant-noted", tenant_id, {"note": id_}, now)
    return TenantNote(int(id_), now, actor, text)


def listing(conn: Tx, tenant_id: int) -> list[TenantNote]:
    """The newest first."""
    rows = conn.execute(
        "SELECT id, at, actor, text FROM tenant_note WHERE tenant_id = ? ORDER BY id DESC LIMIT ?",
        (tenant_id, MOST_NOTES),
    ).fetchall()
    return [TenantNote(int(id_), float(at), str(actor), str(text)) for id_, at, actor, text in rows]


def remove(conn: Tx, tenant_id: int, note_id: int, *, actor: str, now: float) -> None:
    """In the caller's transaction. Raises RegistryError for one that isn't there."""
    gone = conn.execute("DELETE FROM tenant_note WHERE id = ? AND tenant_id = ?", (note_id, tenant_id)).rowcount
    if not gone:
        raise RegistryError(f"there is no note {note_id} of this tenant")
    actions.record(conn, actor, "tenant-note-removed", tenant_id, {"note": note_id}, now)
