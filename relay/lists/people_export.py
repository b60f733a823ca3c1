"""A tenant's people with attributes and groups, page by page."""

from __future__ import annotations

import json
from typing import Any, Final

from relay.lists.consent_book import GROUPS_COLUMN, iso
from relay.people import profiles
from relay.store.contract import Tx

OWN_COLUMNS: Final = ("email", "known_since", "live_consents", GROUPS_COLUMN)
_PAGE: Final = (
    "SELECT s.address, s.created_at, (SELECT count(*) FROM consent c WHERE c.subscriber_id = s.id"
    " AND c.withdrawn_at IS NULL), (SELECT group_concat(g.name, '; ') FROM (SELECT l.name FROM membership m"
    " JOIN list_group l ON l.id = m.group_id WHERE m.subscriber_id = s.id ORDER BY l.name) g), p.attributes"
    " FROM subscriber s LEFT JOIN profile p ON p.subscriber_id = s.id WHERE s.tenant_id = ? AND s.address > ?"
    " ORDER BY s.address LIMIT ?"
)


def columns(conn: Tx, tenant_id: int) -> tuple[str, ...]:
    """OWN_COLUMNS and the tenant's attributes; one that is named like ours is left to ours."""
    return (*OWN_COLUMNS, *(name for name in profiles.attribute_names(conn, tenant_id) if name not in OWN_COLUMNS))


def page(conn: Tx, tenant_id: int, after: str, limit: int) -> list[dict[str, object]]:
    """By address, behind ``after``; times ISO 8601."""
    return [_row(row) for row in conn.execute(_PAGE, (tenant_id, after, limit)).fetchall()]


def _row(row: tuple[Any, ...]) -> dict[str, object]:
    address, created_at, live, groups, kept = row
    own: dict[str, object] = json.loads(kept) if kept else {}
    found = {"email": address, "known_since": iso(created_at), "live_consents": live, GROUPS_COLUMN: groups or ""}
    return own | found
