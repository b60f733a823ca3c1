"""A registration becomes an account: a tenant on the free plan, its owner's log-in, the terms that it accepted."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from relay.accounts import activity, confirming, logins
from relay.accounts.passwords import FreshPassword
from relay.accounts.roles import LoginRole
from relay.accounts.sessions import Client
from relay.audit import actions
from relay.conduct import account, admission
from relay.mail.address import parse_address
from relay.registration import ask, book, letters
from relay.registration.book import Registration
from relay.registration.letters import PASSWORD_S
from relay.registration.office import RegistrationOffice, hash_of, new_link
from relay.registration.values import RegistrationState, digits
from relay.store.contract import Tx
from relay.tenants import streams, tenants, terms
from relay.values.errors import RegistryError
from relay.values.tenant import TenantRow

MOST_NAME: Final = 40
_NOTHING: Final = "customer"


def by_itself(office: RegistrationOffice, row: Registration) -> bool:
    """Whether the settings admit it without a word of the operator's."""
    if row.state is not RegistrationState.WAITING or row.resembles:
        return False
    wish = office.settings.admission
    return wish == "all" or (wish == "invited" and row.invite_id is not None)


def admit(
    conn: Tx,
    office: RegistrationOffice,
    row: Registration,
    made: FreshPassword,
    *,
    name: str = "",
    shown: bool = False,
    actor: str,
    now: float,
) -> TenantRow:
    """In the caller's transaction. ``name``: the short name, else one is made; ``shown``: the password will be, now.

    Else a letter has the link to a password. RegistryError where that can't be, also for terminated customers.
    """
    if row.state is not RegistrationState.WAITING:
        raise RegistryError(f"registration {row.id} is {row.state}; only one that waits can be admitted")
    found = ask.matches(conn, row)
    admission.refuse(found)
    contact = parse_address(row.email)
    tenant = tenants.add(
        conn, name or free_name(conn, row), contact, postal=row.postal, title=row.shown, language=row.language,
        actor=actor, now=now,
    )  # fmt: skip
    streams.add_defaults(conn, tenant, transactional=False, actor=actor, now=now)
    admission.admitted(conn, tenant, found, client=row.ip, state=account.CONFIRMED, actor=actor, now=now)
    account.confirmed(conn, tenant.id, "mail", row.confirmed_at or now)
    account.reached_by(conn, tenant.id, digits(row.phone))
    if row.terms:
        terms.accepted(
            conn, tenant.id, row.terms, by=row.email, at=row.at, ip=row.ip, agent=row.agent, now=now
        )  # fmt: skip
    login = logins.add(conn, contact, LoginRole.OWNER, tenant, made, actor=actor, now=now)
    confirming.confirmed(conn, login, row.confirmed_at or now)
    token = "" if shown else new_link()
    conn.execute(
        "UPDATE registration SET state = ?, decided_at = ?, decided_by = ?, tenant_id = ?, token = ?, token_at = ?"
        " WHERE id = ?",
        (RegistrationState.ADMITTED.value, now, actor, tenant.id, hash_of(token), now, row.id),
    )
    actions.record(conn, actor, "registration-admitted", tenant.id, {"registration": row.id}, now)
    letters.admitted(conn, office, row, token, now)
    return tenant


def opened(conn: Tx, token: str, now: float) -> Registration | None:
    """Whose link to a first password that is; None for one that was used, or is too old."""
    hashed = hash_of(token)
    found = None if hashed is None else book.by_token(conn, hashed)
    if found is None or found[0].state is not RegistrationState.ADMITTED or not 0 <= now - found[1] < PASSWORD_S:
        return None
    return found[0]


def open_(conn: Tx, token: str, made: FreshPassword, client: Client, now: float) -> str | None:
    """The link was followed: from now on that password is the log-in's, whose address is returned. None: too late."""
    row = opened(conn, token, now)
    login = None if row is None else logins.look_up(conn, row.email)
    if row is None or login is None or login.disabled_at is not None:
        return None
    conn.execute("UPDATE registration SET token = NULL WHERE id = ?", (row.id,))
    logins.reset(conn, login, made, actor=login.shown, now=now)
    activity.note(conn, login.id, "password-reset", client, now)
    return login.shown


def free_name(conn: Tx, row: Registration) -> str:
    """A short name after the company, the website or the person, that no tenant has."""
    host = row.website.partition(".")[0]
    wished = next(filter(None, (_short(one) for one in (row.company, host, row.person))), _NOTHING)
    for number in range(1, 10_000):
        name = wished if number == 1 else f"{wished}-{number}"
        if conn.execute("SELECT 1 FROM tenant WHERE name = ?", (name,)).fetchone() is None:
            return name
    raise RegistryError(f"there are too many tenants called {wished}; name one with `--name`")


def _short(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MOST_NAME].rstrip("-")
