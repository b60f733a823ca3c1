"""Bearer credentials of the HTTP API: ``rt_`` and 160 random bits in base32.

Only a keyed hash is stored, with a unique index, so that a token is found by
computing the hash under each master key.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from relay.audit import actions
from relay.keys.secrets import Secrets, generate_password
from relay.store.contract import Tx
from relay.values.errors import RegistryError
from relay.values.tenant import TenantRow

PREFIX = "rt_"
SCOPES: Final = ("send", "consents", "read", "admin")
"""What a token may be for: messages; consents, topics and forms; reading; all else of the tenant."""
_FORM = re.compile(rf"{PREFIX}[a-z2-7]{{32}}", re.ASCII)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as stored: everything but the token. Times in seconds UTC."""

    id: int
    tenant_id: int
    name: str
    created_at: float
    revoked_at: float | None
    scopes: str
    """Of SCOPES, with blanks between."""
    sandbox: bool
    """Nothing that is sent with it reaches anyone."""


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """Who asks with a token, and what for it is good."""

    tenant_id: int
    scopes: frozenset[str]
    sandbox: bool
    id: int = 0


def add(
    conn: Tx,
    secrets: Secrets,
    tenant: TenantRow,
    name: str = "",
    *,
    scopes: Sequence[str] = SCOPES,
    sandbox: bool = False,
    actor: str,
    now: float,
) -> tuple[TokenRow, str]:
    """A new token; ``name`` tells the tenant's tokens apart, made up if empty."""
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise RegistryError(f"there is no scope {unknown[0]!r}; use {', '.join(SCOPES)}")
    if not scopes:
        raise RegistryError(f"a token without a scope can do nothing; use {', '.join(SCOPES)}")
    live = {row.name for row in of_tenant(conn, tenant.id) if row.revoked_at is None}
    name = name or next(n for n in (f"api-{i}" for i in range(1, len(live) + 2)) if n not in live)
    if not _NAME.fullmatch(name):
        raise RegistryError(f"{name!r} is no token name: use 1 to 63 of a-z, 0-9, dot, - and _")
    if name in live:
        raise RegistryError(f"{tenant.name} has a token {name!r} already; choose another name")
    token = PREFIX + generate_password()
    held = " ".join(scope for scope in SCOPES if scope in scopes)
    conn.execute(
        "INSERT INTO api_token (tenant_id, name, secret_hash, created_at, scopes, sandbox) VALUES (?, ?, ?, ?, ?, ?)",
        (tenant.id, name, secrets.password_hash(token), now, held, int(sandbox)),
    )
    told = {"name": name, "scopes": held} | ({"sandbox": True} if sandbox else {})
    actions.record(conn, actor, "token-added", tenant.id, told, now)
    return _live(conn, tenant, name), token


def lookup(conn: Tx, secrets: Secrets, token: str) -> TokenHolder | None:
    """Whose live token this is, and what for; else None."""
    if not _FORM.fullmatch(token):
        return None
    for kid in secrets.keys:
        row = conn.execute(
            "SELECT tenant_id, scopes, sandbox, id FROM api_token WHERE secret_hash = ? AND revoked_at IS NULL",
            (secrets.password_hash(token, kid),),
        ).fetchone()
        if row is not None:
            return TokenHolder(int(row[0]), frozenset(row[1].split()), bool(row[2]), int(row[3]))
    return None


def of_tenant(conn: Tx, tenant_id: int) -> list[TokenRow]:
    """The tenant's tokens, revoked ones too, in the order they were made."""
    rows = conn.execute(
        "SELECT id, tenant_id, name, created_at, revoked_at, scopes, sandbox FROM api_token WHERE tenant_id = ?"
        " ORDER BY id",
        (tenant_id,),
    )
    return [
        TokenRow(id_, tenant_id, name, created_at, revoked_at, scopes, bool(sandbox))
        for id_, tenant_id, name, created_at, revoked_at, scopes, sandbox in rows
    ]


def revoke(conn: Tx, tenant: TenantRow, name: str, *, actor: str, now: float) -> TokenRow:
    """End a token; it stops working with the next request."""
    row = _live(conn, tenant, name)
    conn.execute("UPDATE api_token SET revoked_at = ? WHERE id = ?", (now, row.id))
    actions.record(conn, actor, "token-revoked", tenant.id, {"name": name}, now)
    return next(token for token in of_tenant(conn, tenant.id) if token.id == row.id)


def _live(conn: Tx, tenant: TenantRow, name: str) -> TokenRow:
    for row in of_tenant(conn, tenant.id):
        if row.name == name and row.revoked_at is None:
            return row
    raise RegistryError(f"{tenant.name} has no token {name!r} in force; `relay token list {tenant.name}` shows all")
