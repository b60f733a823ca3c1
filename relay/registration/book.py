"""Rows of registrations: found, listed, forgotten."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from relay.registration.values import RegistrationState
from relay.store.contract import Tx
from relay.tenants.recent import DAY_S, Recent
from relay.values.errors import RegistryError

LINK_S: Final = 2 * DAY_S
"""So long the link in the first letter works."""
TRIED: Final = Recent("registration_try")
STEP: Final = 500
_COLUMNS: Final = (
    "r.id, r.at, r.state, r.email, r.name, r.surname, r.phone, r.country, r.city, r.company, r.postal, r.website,"
    " r.about, r.language, r.terms, r.ip, r.agent, r.invite_id, r.confirmed_at, r.decided_at, r.decided_by, r.reason,"
    " r.resembles, r.tenant_id, coalesce(t.name, '')"
)
_FROM: Final = "FROM registration r LEFT JOIN tenant t ON t.id = r.tenant_id"


@dataclass(frozen=True, slots=True)
class Registration:
    """As stored; times in seconds UTC."""

    id: int
    at: float
    state: RegistrationState
    email: str
    name: str
    surname: str
    phone: str
    country: str
    """ISO 3166-1, two letters."""
    city: str
    company: str
    postal: str
    website: str
    about: str
    language: str
    terms: str
    """Version that was accepted; empty: there were none."""
    ip: str
    agent: str
    invite_id: int | None
    confirmed_at: float | None
    decided_at: float | None
    decided_by: str
    reason: str
    resembles: Sequence[dict[str, str]]
    """Customers that have something in common with it: tenant, what, value."""
    tenant_id: int | None
    tenant: str

    @property
    def person(self) -> str:
        return f"{self.name} {self.surname}".strip()

    @property
    def shown(self) -> str:
        """What the account is called."""
        return self.company or self.person


def by_id(conn: Tx, registration_id: int) -> Registration:
    """RegistryError for none."""
    row = conn.execute(f"SELECT {_COLUMNS} {_FROM} WHERE r.id = ?", (registration_id,)).fetchone()
    if row is None:
        raise RegistryError(f"there is no registration {registration_id}; `relay registration list` shows all")
    return _registration(row)


def by_token(conn: Tx, hashed: bytes) -> tuple[Registration, float] | None:
    """Whose link that is now, and when it was made."""
    row = conn.execute(f"SELECT {_COLUMNS}, r.token_at {_FROM} WHERE r.token = ?", (hashed,)).fetchone()
    return None if row is None else (_registration(row[:-1]), float(row[-1]))


def of_tenant(conn: Tx, tenant_id: int) -> Registration | None:
    """With which it came; None for one that the operator added."""
    row = conn.execute(f"SELECT {_COLUMNS} {_FROM} WHERE r.tenant_id = ? ORDER BY r.id DESC LIMIT 1", (tenant_id,))
    found = row.fetchone()
    return None if found is None else _registration(found)


def listing(
    conn: Tx, states: Sequence[RegistrationState], before: int | None = None, limit: int = 1_000
) -> list[Registration]:
    """Of these states, the newest first."""
    marks = ",".join("?" * len(states))
    rows = conn.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE r.state IN ({marks}) AND r.id < ? ORDER BY r.id DESC LIMIT ?",
        (*(str(one) for one in states), 2**62 if before is None else before, limit),
    )
    return [_registration(row) for row in rows]


def forget(conn: Tx, now: float, kept_s: float) -> int:
    """Delete what nobody confirmed in time, and refused ones after ``kept_s``; a step at most, how many.

    One that became an account goes with its tenant.
    """
    gone = conn.execute(
        "DELETE FROM registration WHERE id IN (SELECT id FROM registration WHERE (state = 'asked' AND at < ?)"
        " OR (state = 'refused' AND decided_at < ?) LIMIT ?)",
        (now - LINK_S, now - kept_s, STEP),
    ).rowcount
    return gone + TRIED.forget(conn, now)


def _registration(row: tuple[Any, ...]) -> Registration:
    fields = dict(zip(Registration.__dataclass_fields__, row, strict=True))
    state, resembles = RegistrationState(fields["state"]), json.loads(fields["resembles"])
    return Registration(**fields | {"state": state, "resembles": resembles})
