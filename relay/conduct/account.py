"""What is known of a tenant as a customer: is its contact confirmed, where did it sign up from, was it terminated.

The one writer of ``account``. A tenant without a row was added by the operator of
an earlier release, who knows it. All functions work in the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relay.store.contract import Tx
from relay.values.errors import RegistryError
from relay.values.tenant import TenantRow

CONFIRMED: Final = "confirmed"
ASKED: Final = "asked"
"""It never was confirmed yet."""
LAPSED: Final = "lapsed"
"""It was, and nobody answered the yearly letter in time."""


@dataclass(frozen=True, slots=True)
class CustomerAccount:
    """Times in seconds UTC."""

    tenant_id: int
    contact_state: str
    contact_confirmed_at: float | None
    contact_by: str
    """``mail``, or who vouched and why."""
    contact_asked_at: float | None
    origin: str
    """Network of the sign-up; ``""`` where none is known."""
    terminated_at: float | None


def of(conn: Tx, tenant_id: int) -> CustomerAccount:
    row = conn.execute(
        "SELECT tenant_id, contact_state, contact_confirmed_at, contact_by, contact_asked_at, origin, terminated_at"
        " FROM account WHERE tenant_id = ?",
        (tenant_id,),
    ).fetchone()
    return CustomerAccount(tenant_id, CONFIRMED, None, "", None, "", None) if row is None else CustomerAccount(*row)


def alive(conn: Tx, tenant: TenantRow) -> TenantRow:
    """The same, for what gives it a way in; RegistryError if it was terminated: then nobody gets a new one (R24)."""
    if of(conn, tenant.id).terminated_at is not None:
        raise RegistryError(
            "the account is ended, and gets nothing new",
            inside=f"{tenant.name} was terminated; `relay tenant reinstate {tenant.name}` undoes that",
        )
    return tenant


def open_(conn: Tx, tenant_id: int, state: str, origin: str = "") -> None:
    """A row for a tenant; one that is there stays."""
    conn.execute(
        "INSERT INTO account (tenant_id, contact_state, origin) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (tenant_id, state, origin),
    )


def confirmed(conn: Tx, tenant_id: int, by: str, now: float) -> None:
    """The contact is the tenant's, as of now."""
    open_(conn, tenant_id, CONFIRMED)
    conn.execute(
        "UPDATE account SET contact_state = ?, contact_confirmed_at = ?, contact_by = ?, contact_asked_at = NULL"
        " WHERE tenant_id = ?",
        (CONFIRMED, now, by, tenant_id),
    )


def reached_by(conn: Tx, tenant_id: int, phone: str) -> None:
    """Its telephone number, by which it is known again; digits alone."""
    open_(conn, tenant_id, CONFIRMED)
    conn.execute("UPDATE account SET phone = ? WHERE tenant_id = ?", (phone, tenant_id))


def asked(conn: Tx, tenant_id: int, now: float, *, anew: bool = False) -> None:
    """A letter is on its way. ``anew``: until it is answered the contact is nobody's."""
    open_(conn, tenant_id, CONFIRMED)
    state = ", contact_state = 'asked'" if anew else ""
    conn.execute(f"UPDATE account SET contact_asked_at = ?{state} WHERE tenant_id = ?", (now, tenant_id))


def lapse(conn: Tx, tenant_id: int) -> None:
    conn.execute("UPDATE account SET contact_state = ? WHERE tenant_id = ?", (LAPSED, tenant_id))


def terminate(conn: Tx, tenant_id: int, at: float | None) -> None:
    """``at`` None: it isn't any more."""
    open_(conn, tenant_id, CONFIRMED)
    conn.execute("UPDATE account SET terminated_at = ? WHERE tenant_id = ?", (at, tenant_id))
