"""What is known of a tenant's people, for showing and exporting: plain reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from relay.people import profiles
from relay.people.suppressions import SHOWN_TOPIC
from relay.store.contract import Tx
from relay.store.sqlite.fragments import has_member
from relay.values.errors import RegistryError
from relay.values.suggest import did_you_mean

GROUPS_COLUMN: Final = "groups"
_MOST_NAMED: Final = 20
_MOST_COMPARED: Final = 1_000
EXPORT_COLUMNS: Final = (
    "email",
    "topic",
    "live",
    "given_at",
    "withdrawn_at",
    "source",
    "wording",
    "means",
    "ip",
    "page",
    "recorded_at",
    "on_list_since",
    "grade",
)

_CONSENTS: Final = (
    "SELECT s.address, t.name, c.given_at, c.withdrawn_at, c.source, w.text, c.means, c.ip, c.page, c.recorded_at,"
    " c.dated, c.since, c.grade"
    " FROM subscriber s JOIN consent c ON c.subscriber_id = s.id AND c.channel = 'email'"
    " JOIN topic t ON t.id = c.topic_id JOIN wording w ON w.id = c.wording_id WHERE s.tenant_id = ?"
)
_EXPORT: Final = _CONSENTS.replace(
    " FROM ",
    ", p.attributes, (SELECT group_concat(g.name, '; ') FROM (SELECT l.name FROM membership m JOIN list_group l"
    " ON l.id = m.group_id WHERE m.subscriber_id = s.id ORDER BY l.name) g) FROM ",
    1,
).replace(" WHERE ", " LEFT JOIN profile p ON p.subscriber_id = s.id WHERE ")
_IN_GROUP: Final = (
    "s.id IN (SELECT m.subscriber_id FROM membership m JOIN list_group l ON l.id = m.group_id"
    " WHERE l.tenant_id = ? AND l.name = ?)"
)
_HAS: Final = has_member("p.attributes")
_IN_ORDER: Final = " ORDER BY s.address, t.name"
_LIVE: Final = (
    "c.withdrawn_at IS NULL AND c.grade <= t.grade"
    " AND (c.suppressed = 0 OR NOT EXISTS (SELECT 1 FROM spelling y JOIN suppression x"
    " ON x.subscriber_id = y.other_id WHERE y.subscriber_id = s.id AND x.topic_id IN (0, c.topic_id)))"
)


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """A person in brief; ``live`` consents."""

    address: str
    created_at: float
    live: int
    id: int = 0
    """Where the next page of a group begins."""


def people_of_group(conn: Tx, tenant_id: int, group: str, after: int, limit: int) -> list[ListedPerson]:
    """The tenant's that are in a group, in the order they became known, behind the person of that id."""
    rows = conn.execute(
        "SELECT s.address, s.created_at, (SELECT count(*) FROM consent c WHERE c.subscriber_id = s.id"
        " AND c.withdrawn_at IS NULL), s.id FROM list_group g JOIN membership m ON m.group_id = g.id"
        " JOIN subscriber s ON s.id = m.subscriber_id"
        " WHERE g.tenant_id = ? AND g.name = ? AND m.subscriber_id > ? ORDER BY m.subscriber_id LIMIT ?",
        (tenant_id, group, after, limit),
    )
    return [ListedPerson(*row) for row in rows]


def people(conn: Tx, tenant_id: int, after: str, limit: int) -> list[ListedPerson]:
    """The tenant's, by address, behind ``after``."""
    rows = conn.execute(
        "SELECT s.address, s.created_at, (SELECT count(*) FROM consent c WHERE c.subscriber_id = s.id"
        " AND c.withdrawn_at IS NULL) FROM subscriber s WHERE s.tenant_id = ? AND s.address > ?"
        " ORDER BY s.address LIMIT ?",
        (tenant_id, after, limit),
    )
    return [ListedPerson(*row) for row in rows]


def subscriber_id(conn: Tx, tenant_id: int, canonical: str) -> int | None:
    """None for an address that isn't known."""
    row = conn.execute(
        "SELECT id FROM subscriber WHERE tenant_id = ? AND address = ?", (tenant_id, canonical)
    ).fetchone()
    return None if row is None else int(row[0])


def person(conn: Tx, tenant_id: int, canonical: str) -> dict[str, object] | None:
    """Consents, suppressions and history of one address (times in seconds UTC), None if it is not known."""
    row = conn.execute(
        "SELECT id, created_at FROM subscriber WHERE tenant_id = ? AND address = ?", (tenant_id, canonical)
    ).fetchone()
    if row is None:
        return None
    subscriber_id, created_at = row
    consents = [
        {
            "topic": topic,
            "live": withdrawn_at is None,
            "given_at": given_at if dated else None,
            "taken_over_at": None if dated else recorded_at,
            "on_list_since": since,
            "grade": grade,
            "withdrawn_at": withdrawn_at,
            "source": source,
            "wording": wording,
            "means": means,
            "ip": ip,
            "page": page,
        }
        for _, topic, given_at, withdrawn_at, source, wording, means, ip, page, *rest in conn.execute(
            _CONSENTS + " AND s.address = ? ORDER BY t.name", (tenant_id, canonical)
        )
        for recorded_at, dated, since, grade in [rest]
    ]
    suppressions = [
        {"reason": reason, "topic": topic or "*", "since_at": since_at, "detail": detail}
        for reason, topic, since_at, detail in conn.execute(
            f"SELECT p.reason, {SHOWN_TOPIC}, p.since_at, p.detail"
            " FROM suppression p LEFT JOIN topic t ON t.id = p.topic_id"
            " WHERE p.subscriber_id = ? ORDER BY p.topic_id, p.reason",
            (subscriber_id,),
        )
    ]
    kept = profiles.of(conn, subscriber_id)
    return {
        "email": canonical,
        "known_since_at": created_at,
        "groups": list(kept.groups),
        "attributes": dict(kept.attributes),
        "consents": consents,
        "suppressions": suppressions,
        "history": _history(conn, subscriber_id),
    }


def _history(conn: Tx, subscriber_id: int) -> list[dict[str, object]]:
    rows = conn.execute(
        "SELECT h.at, h.action, t.name, h.recorded_at, h.evidence FROM consent_history h"
        " LEFT JOIN topic t ON t.id = h.topic_id WHERE h.subscriber_id = ? ORDER BY h.id",
        (subscriber_id,),
    )
    return [
        {
            "at": at,
            "action": action,
            "topic": topic or "*",
            "recorded_at": recorded_at,
            "evidence": json.loads(evidence),
        }
        for at, action, topic, recorded_at, evidence in rows
    ]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which consents an export takes; an empty field takes all."""

    topic: str = ""
    group: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """All of them must have just this value."""
    live: bool = False
    """Only consents that are not withdrawn, of people to whom no suppression applies."""


def export_columns(conn: Tx, tenant_id: int) -> tuple[str, ...]:
    """EXPORT_COLUMNS, groups, and the tenant's attributes; one that is named like ours is left to ours."""
    own = (*EXPORT_COLUMNS, GROUPS_COLUMN)
    return (*own, *(name for name in profiles.attribute_names(conn, tenant_id) if name not in own))


def check(conn: Tx, tenant_id: int, choice: Choice) -> None:
    """Raises RegistryError for a topic, group or attribute that the tenant doesn't have; it names those there are."""
    if choice.topic:
        _among(conn, tenant_id, "topic", "topic", choice.topic)
    if choice.group:
        _among(conn, tenant_id, "group", "list_group", profiles.group_name(choice.group))
    for name in choice.attributes:
        _among(conn, tenant_id, "attribute", "attribute", profiles.attribute_name(name))


def _among(conn: Tx, tenant_id: int, what: str, table: str, name: str) -> None:
    named = f"SELECT name FROM {table} WHERE tenant_id = ?"
    if conn.execute(f"{named} AND name = ?", (tenant_id, name)).fetchone() is not None:
        return
    known = [row[0] for row in conn.execute(f"{named} ORDER BY name LIMIT {_MOST_COMPARED}", (tenant_id,))]
    shown = ", ".join(known[:_MOST_NAMED]) + (", …" if len(known) > _MOST_NAMED else "")
    hint = did_you_mean(name, known) or ";"
    raise RegistryError(f"there is no {what} {name!r}{hint} " + (f"there are {shown}" if known else "there is none"))


def export(conn: Tx, tenant_id: int, choice: Choice = Choice()) -> Iterator[dict[str, object]]:
    """Chosen consents of the tenant by address, withdrawn ones too; keys as ``export_columns``, times ISO 8601."""
    sql, values = _chosen(tenant_id, choice)
    for row in conn.execute(sql + _IN_ORDER, values):
        yield _exported(row)


def export_page(
    conn: Tx, tenant_id: int, choice: Choice, after: tuple[str, str], limit: int
) -> list[dict[str, object]]:
    """The same, ``limit`` at most of those behind an address and topic; (``""``, ``""``): from the first."""
    sql, values = _chosen(tenant_id, choice)
    address, topic = after
    behind = " AND s.address >= ? AND (s.address > ? OR t.name > ?)"
    rows = conn.execute(f"{sql}{behind}{_IN_ORDER} LIMIT ?", (*values, address, address, topic, limit))
    return [_exported(row) for row in rows.fetchall()]


def _exported(row: tuple[Any, ...]) -> dict[str, object]:
    email, topic, given_at, withdrawn_at, source, wording, means, ip, page, recorded_at, *rest = row
    dated, since, grade, kept, groups = rest
    own: dict[str, object] = json.loads(kept) if kept else {}
    return own | {
        "email": email,
        "topic": topic,
        "live": "yes" if withdrawn_at is None else "no",
        "given_at": iso(given_at) if dated else "",
        "withdrawn_at": "" if withdrawn_at is None else iso(withdrawn_at),
        "source": source,
        "wording": wording,
        "means": means,
        "ip": ip,
        "page": page,
        "recorded_at": iso(recorded_at),
        "on_list_since": since,
        "grade": grade,
        GROUPS_COLUMN: groups or "",
    }


def _chosen(tenant_id: int, choice: Choice) -> tuple[str, list[object]]:
    sql = _EXPORT
    values: list[object] = [tenant_id]
    conditions: list[tuple[str, list[object]]] = []
    if choice.topic:
        conditions.append(("t.name = ?", [choice.topic]))
    if choice.group:
        conditions.append((_IN_GROUP, [tenant_id, profiles.group_name(choice.group)]))
    for name, value in choice.attributes.items():
        conditions.append((_HAS, [profiles.attribute_name(name), value]))
    if choice.live:
        conditions.append((_LIVE, []))
    for condition, given in conditions:
        sql += f" AND {condition}"
        values += given
    return sql, values


@lru_cache(maxsize=4096)
def iso(at: float) -> str:
    """ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
