"""Log-ins: who there is, with which role; made, disabled, reset and removed, each with an audit entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from relay.accounts.passwords import FreshPassword
from relay.accounts.roles import STAFF_ROLES, TENANT_ROLES, LoginRole
from relay.audit import actions
from relay.mail.address import Address, AddressError, parse_address
from relay.store.contract import Conflict, Tx
from relay.values.errors import RegistryError
from relay.values.suggest import did_you_mean
from relay.values.tenant import TenantRow

_COLUMNS: Final = (
    "l.id, l.address, l.shown, l.tenant_id, coalesce(t.name, ''), l.role, l.created_at, l.password_at, l.disabled_at,"
    " l.totp_at, l.confirmed_at, (SELECT count(*) FROM login_passkey p WHERE p.login_id = l.id)"
)
_FROM: Final = "FROM login l LEFT JOIN tenant t ON t.id = l.tenant_id"


@dataclass(frozen=True, slots=True)
class LoginRow:
    """A log-in as stored; times in seconds UTC."""

    id: int
    address: str
    """By which it is found: canonical."""
    shown: str
    tenant_id: int | None
    """None: staff."""
    tenant: str
    role: LoginRole
    created_at: float
    password_at: float
    """When the password was made."""
    disabled_at: float | None
    second_factor_at: float | None
    confirmed_at: float | None
    """When somebody who reads the mailbox said so."""
    passkeys: int


def add(
    conn: Tx,
    address: Address,
    role: LoginRole,
    tenant: TenantRow | None,
    made: FreshPassword,
    *,
    actor: str,
    now: float,
) -> LoginRow:
    """A new log-in; raises RegistryError where the role isn't one of that side, or the address has one."""
    roles = STAFF_ROLES if tenant is None else TENANT_ROLES
    if role not in roles:
        whose = "staff" if tenant is None else "a tenant's users"
        raise RegistryError(f"{role} is no role of {whose}; there are: {', '.join(roles)}")
    try:
        conn.execute(
            "INSERT INTO login (address, shown, tenant_id, role, password, password_at, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (address.canonical, str(address), tenant.id if tenant else None, role, made.stored, now, now),
        )
    except Conflict as error:
        raise RegistryError(
            f"{address} has a log-in already; `relay user list` shows all, a person of two tenants needs two addresses"
        ) from error
    row = find(conn, str(address))
    _record(conn, actor, "login-added", row, now)
    return row


def find(conn: Tx, address: str) -> LoginRow:
    """The log-in of that address; RegistryError if there is none."""
    found = look_up(conn, address)
    if found is None:
        known = [str(row[0]) for row in conn.execute("SELECT shown FROM login")]
        hint = did_you_mean(address, known)
        raise RegistryError(f"nobody logs in as {address!r}{hint or ';'} `relay user list` shows all")
    return found


def look_up(conn: Tx, address: str) -> LoginRow | None:
    try:
        canonical = parse_address(address.strip()).canonical
    except AddressError:
        return None
    return _one(conn, "l.address = ?", canonical)


def by_id(conn: Tx, login_id: int) -> LoginRow | None:
    return _one(conn, "l.id = ?", login_id)


def listing(conn: Tx, tenant_id: int | None = None) -> list[LoginRow]:
    """All log-ins, or a tenant's: staff first, then by tenant and age."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE ?1 IS NULL OR l.tenant_id = ?1"
        " ORDER BY l.tenant_id IS NOT NULL, coalesce(t.name, ''), l.id",
        (tenant_id,),
    )
    return [_row(row) for row in rows]


def staff(conn: Tx) -> list[LoginRow]:
    """The operator's, by age."""
    return [_row(row) for row in conn.execute(f"SELECT {_COLUMNS} {_FROM} WHERE l.tenant_id IS NULL ORDER BY l.id")]


def stored_password(conn: Tx, login_id: int) -> str:
    return str(conn.execute("SELECT password FROM login WHERE id = ?", (login_id,)).fetchone()[0])


def reset(conn: Tx, row: LoginRow, made: FreshPassword, *, actor: str, now: float) -> None:
    """A new password; the old one, all sessions and every link to a reset end at once."""
    conn.execute("UPDATE login SET password = ?, password_at = ? WHERE id = ?", (made.stored, now, row.id))
    _end_all(conn, row.id)
    _record(conn, actor, "login-reset", row, now)


def disable(conn: Tx, row: LoginRow, *, actor: str, now: float) -> None:
    """Nobody gets in with it any more, until it is enabled."""
    if row.disabled_at is not None:
        raise RegistryError(f"{row.shown} is disabled already")
    conn.execute("UPDATE login SET disabled_at = ? WHERE id = ?", (now, row.id))
    _end_all(conn, row.id)
    _record(conn, actor, "login-disabled", row, now)


def enable(conn: Tx, row: LoginRow, *, actor: str, now: float) -> None:
    if row.disabled_at is None:
        raise RegistryError(f"{row.shown} is not disabled")
    conn.execute("UPDATE login SET disabled_at = NULL WHERE id = ?", (row.id,))
    _record(conn, actor, "login-enabled", row, now)


def remove(conn: Tx, row: LoginRow, *, actor: str, now: float) -> None:
    """The log-in with all that is known of it; what its owner did stays in the audit log."""
    _end_all(conn, row.id)
    conn.execute("DELETE FROM login_code WHERE login_id = ?", (row.id,))
    conn.execute("DELETE FROM login_passkey WHERE login_id = ?", (row.id,))
    conn.execute("DELETE FROM login_action WHERE login_id = ?", (row.id,))
    conn.execute("DELETE FROM login WHERE id = ?", (row.id,))
    _record(conn, actor, "login-removed", row, now)


def _end_all(conn: Tx, login_id: int) -> None:
    conn.execute("DELETE FROM login_session WHERE login_id = ?", (login_id,))
    conn.execute("DELETE FROM login_reset WHERE login_id = ?", (login_id,))


def _record(conn: Tx, actor: str, action: str, row: LoginRow, now: float) -> None:
    actions.record(conn, actor, action, row.tenant_id, {"login": row.shown, "role": row.role}, now)


def _one(conn: Tx, where: str, value: object) -> LoginRow | None:
    found = conn.execute(f"SELECT {_COLUMNS} {_FROM} WHERE {where}", (value,)).fetchone()
    return None if found is None else _row(found)


def _row(row: Sequence[Any]) -> LoginRow:
    id_, address, shown, tenant_id, tenant, role, *rest = row
    return LoginRow(id_, address, shown, tenant_id, tenant, LoginRole(role), *rest)
