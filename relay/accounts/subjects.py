"""Staff whom the operator's OpenID provider knows: found by issuer and subject, never by an address alone.

At the first time a verified address finds the log-in that an operator made for
it; where there is none, one is made. The provider's word on the role holds at
each sign-in.
"""

from __future__ import annotations

from relay.accounts import logins
from relay.accounts.logins import LoginRow
from relay.accounts.passwords import FreshPassword
from relay.accounts.roles import LoginRole
from relay.audit import actions
from relay.mail.address import AddressError, parse_address
from relay.store.contract import Tx


class SubjectRefused(Exception):
    """The text is the word of the sentence that they see."""


def enter(
    conn: Tx, issuer: str, subject: str, email: str, role: LoginRole, unused: FreshPassword, *, now: float
) -> LoginRow:
    """Whose log-in this is, with the role as told. ``unused``: a password that nobody sees. Raises SubjectRefused."""
    found = conn.execute(
        "SELECT id FROM login WHERE oidc_issuer = ? AND oidc_subject = ?", (issuer, subject)
    ).fetchone()
    row = logins.by_id(conn, int(found[0])) if found else _by_address(conn, issuer, subject, email, role, unused, now)
    if row is None or row.tenant_id is not None or row.disabled_at is not None:
        raise SubjectRefused("taken")
    if row.role == role:
        return row
    conn.execute("UPDATE login SET role = ? WHERE id = ?", (str(role), row.id))
    told = {"login": row.shown, "role": str(role), "before": str(row.role)}
    actions.record(conn, issuer, "login-role-changed", None, told, now)
    changed = logins.by_id(conn, row.id)
    assert changed is not None
    return changed


def _by_address(
    conn: Tx, issuer: str, subject: str, email: str, role: LoginRole, unused: FreshPassword, now: float
) -> LoginRow | None:
    try:
        address = parse_address(email)
    except AddressError:
        raise SubjectRefused("address") from None
    row = logins.look_up(conn, email)
    if row is None:
        row = logins.add(conn, address, role, None, unused, actor=issuer, now=now)
    if row.tenant_id is not None:
        return None
    linked = conn.execute(
        "UPDATE login SET oidc_issuer = ?, oidc_subject = ?, confirmed_at = coalesce(confirmed_at, ?)"
        " WHERE id = ? AND oidc_subject IS NULL",
        (issuer, subject, now, row.id),
    )
    if linked.rowcount != 1:
        return None  # somebody else's of the provider
    actions.record(conn, issuer, "login-linked", None, {"login": row.shown}, now)
    return row
