"""The tables of a Postal (3.x; those of 1.x and 2.x are alike) and which of its mail servers is meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from relay.takeover.plan import TakeoverError
from relay.takeover.table_files import Row, Tables

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "organizations": ("id", "name", "permalink", "deleted_at", "suspended_at", "suspension_reason"),
    "servers": (
        "id", "organization_id", "name", "permalink", "mode", "send_limit", "deleted_at", "suspended_at",
        "suspension_reason",
    ),
    "users": ("id", "first_name", "last_name", "email_address"),
    "organization_users": ("organization_id", "user_id", "admin"),
    "domains": (
        "id", "name", "server_id", "owner_type", "owner_id", "dkim_private_key", "dkim_identifier_string", "outgoing",
        "use_for_any",
    ),
    "credentials": ("id", "server_id", "key", "type", "name", "hold", "last_used_at"),
    "routes": ("id", "server_id", "domain_id", "endpoint_type", "name", "mode"),
    "webhooks": ("id", "server_id", "name", "url", "all_events", "enabled"),
    "webhook_events": ("webhook_id", "event"),
    "track_domains": ("id", "server_id", "domain_id", "name"),
    "ip_addresses": ("id", "ipv4", "ipv6"),
    "queued_messages": ("id", "server_id"),
    "suppressions": ("type", "address", "reason", "timestamp", "keep_until"),
}  # fmt: skip
_OF_SERVER: Final = re.compile(r".*-server-(\d+)")


class PostalServer(NamedTuple):
    """One mail server of an organization, as the people of that Postal know it."""

    id: str
    organization_id: str
    organization: str
    name: str
    """``acme/news``, which is what Postal shows as the user name too."""
    idle: str
    """Why nothing is sent by it; "" where it sends."""
    limit: str
    contact: str
    """Address of somebody who administers it, or ""."""


def servers(tables: Tables) -> list[PostalServer]:
    """All that aren't deleted, by name."""
    organizations = {row["id"]: row for row in tables.rows("organizations")}
    found = []
    for row in tables.rows("servers"):
        over = organizations.get(row["organization_id"], {})
        if not row["deleted_at"] and not over.get("deleted_at"):
            found.append(_server(tables, row, over))
    return sorted(found, key=lambda one: one.name)


def _server(tables: Tables, row: Row, over: Row) -> PostalServer:
    owner = over.get("permalink") or row["organization_id"] or "?"
    return PostalServer(
        id=row["id"] or "",
        organization_id=row["organization_id"] or "",
        organization=over.get("name") or owner,
        name=f"{owner}/{row['permalink'] or row['id']}",
        idle=_idle(row, over),
        limit=row["send_limit"] or "",
        contact=_contact(tables, row["organization_id"]),
    )


def _idle(row: Row, over: Row) -> str:
    for one in (row, over):
        if one.get("suspended_at"):
            return f"it was suspended ({one.get('suspension_reason') or 'no reason given'})"
    if row["mode"] == "Development":
        return "it was in development mode, so its mail was held and never left"
    return ""


def _contact(tables: Tables, organization_id: str | None) -> str:
    members = [row for row in tables.rows("organization_users") if row["organization_id"] == organization_id]
    members.sort(key=lambda row: row["admin"] != "1")
    emails = {row["id"]: row["email_address"] for row in tables.rows("users")}
    return next((email for row in members if (email := emails.get(row["user_id"]))), None) or ""


def chosen(tables: Tables, name: str) -> PostalServer | None:
    """The server that is meant; None where the files hold suppressions alone. Raises TakeoverError."""
    known = servers(tables)
    if not known:
        _without_servers(tables, name)
        return None
    if not name:
        if len(known) == 1:
            return known[0]
        raise TakeoverError(f"there are {len(known)} mail servers; name one: {_each(known)}")
    found = [one for one in known if name in (one.name, one.id)]
    if not found:
        raise TakeoverError(f"there is no mail server {name}; there are {_each(known)}")
    return found[0]


def _each(known: list[PostalServer]) -> str:
    return ", ".join(f"--server {one.name}" + (f" (contact {one.contact})" if one.contact else "") for one in known)


def _without_servers(tables: Tables, name: str) -> None:
    if tables.found - {"suppressions"} or name:
        raise TakeoverError("the table servers isn't among the files, or is empty: it says whose the rest is")
    databases = {row.database for row in tables.with_database("suppressions")}
    if len(databases) > 1:
        raise TakeoverError(f"suppressions of several servers ({', '.join(sorted(databases))}): give one's file alone")


def suppressions_of(tables: Tables, server: PostalServer | None) -> tuple[list[Row], bool]:
    """Its rows, and whether some tell by no database that they are its."""
    mine, untold = [], False
    for row in tables.with_database("suppressions"):
        told = _OF_SERVER.fullmatch(row.database)
        if server is not None and told is not None and told[1] != server.id:
            continue
        untold = untold or told is None
        mine.append(row.values)
    return mine, untold
