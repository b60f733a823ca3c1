"""Wordings that people agreed to, kept for good as numbered versions of a tenant (R2).

The text of a version never changes (a trigger of the schema sees to it); a
changed text is the next version.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from relay.people.wording_check import language_of
from relay.store.contract import Tx
from relay.values.errors import RegistryError


@dataclass(frozen=True, slots=True)
class Wording:
    """One version; ``first_seen_at`` in seconds UTC, ``consents`` counts the live ones given to it."""

    id: int
    number: int
    text: str
    language: str
    """As in BCP 47, e.g. ``en``; empty where it could not be told."""
    first_seen_at: float
    consents: int

    @property
    def sha256(self) -> str:
        """Of the text in UTF-8, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def make(conn: Tx, tenant_id: int, text: str, now: float) -> int:
    """The id of an exact wording, stored once a tenant under the tenant's next number."""
    row = conn.execute("SELECT id FROM wording WHERE tenant_id = ? AND text = ?", (tenant_id, text)).fetchone()
    if row is None:
        row = conn.execute(
            "INSERT INTO wording (tenant_id, text, created_at, number, language) VALUES (?1, ?2, ?3,"
            " (SELECT coalesce(max(number), 0) + 1 FROM wording WHERE tenant_id = ?1), ?4) RETURNING id",
            (tenant_id, text, now, language_of(text)),
        ).fetchone()
    return int(row[0])


_LIVE: Final = "FROM consent c WHERE c.wording_id = w.id AND c.withdrawn_at IS NULL"
_SELECT: Final = (
    "SELECT w.id, w.number, w.text, w.language, w.created_at,"
    f" (SELECT count(*) FROM (SELECT 1 {_LIVE} LIMIT ?) counted) FROM wording w WHERE w.tenant_id = ?"
)
MOST_COUNTED: Final = 10_001
"""Consents by one wording, where a list has to be there at once; how many there are says ``find``."""
_ALL: Final = 2**62


def list_(conn: Tx, tenant_id: int) -> list[Wording]:
    """All versions of a tenant, oldest first."""
    return [Wording(*row) for row in conn.execute(f"{_SELECT} ORDER BY w.number", (_ALL, tenant_id))]


def newest(conn: Tx, tenant_id: int, before: int | None, limit: int) -> list[Wording]:
    """Versions below that number, newest first; ``consents`` counts no further than MOST_COUNTED."""
    sql = f"{_SELECT} AND w.number < ? ORDER BY w.number DESC LIMIT ?"
    bound = (MOST_COUNTED, tenant_id, _ALL if before is None else before, limit)
    return [Wording(*row) for row in conn.execute(sql, bound)]


def find(conn: Tx, tenant_id: int, number: int) -> Wording:
    """One version; raises RegistryError if the tenant has none of that number."""
    row = conn.execute(f"{_SELECT} AND w.number = ?", (_ALL, tenant_id, number)).fetchone()
    if row is None:
        raise RegistryError(f"there is no wording {number}; `relay wording list` shows what there is")
    return Wording(*row)
