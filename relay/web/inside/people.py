"""Log-ins for those who see to them: a tenant's owner, and the operator for the staff or a named tenant.

The same functions as ``relay user``; a password is on the page that made it, once.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts import logins, passkeys, passwords
from relay.accounts.logins import LoginRow
from relay.accounts.roles import STAFF_ROLES, TENANT_ROLES, Deed, LoginRole
from relay.mail.address import AddressError, parse_address
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.values.errors import RegistryError
from relay.values.tenant import TenantRow
from relay.web.inside.gate import GuardedRoute, PageRequest, act, show

MOST: Final = 500


def routes(prefix: str, deed: Deed) -> list[GuardedRoute]:
    """Below ``/account`` or ``/desk``."""
    return [
        show(f"{prefix}/logins", listing, deed),
        act(f"{prefix}/logins", add, deed),
        act(f"{prefix}/logins/{{id}}/{{deed}}", change, deed),
    ]


def listing(asked: PageRequest) -> Response:
    with asked.context.storage.read() as conn:
        tenant = _tenant(conn, asked, asked.query("tenant", 63))
        rows = logins.staff(conn) if tenant is None else logins.listing(conn, tenant.id)
    staff = asked.visitor.tenant_id is None
    values = {
        "rows": rows[:MOST],
        "tenant": tenant,
        "staff": staff,
        "roles": STAFF_ROLES if tenant is None else TENANT_ROLES,
        "path": _path(asked),
    }
    return asked.page("account/logins.html", values)


def add(asked: PageRequest) -> Response:
    try:
        address = parse_address(asked.field("email", 320))
        role = LoginRole(asked.field("role", 20))
    except AddressError as error:
        raise RegistryError(f"the e-mail address: {error}") from error
    except ValueError:
        raise RegistryError("choose a role") from None
    made = passwords.fresh()
    with asked.context.storage.write() as conn:
        tenant = _tenant(conn, asked, asked.field("tenant", 63))
        row = logins.add(conn, address, role, tenant, made, actor=asked.visitor.shown, now=asked.now)
        asked.note(conn, "did", f"log-in {row.shown}: added")
    return _shown(asked, row, made)


def change(asked: PageRequest) -> Response:
    """reset, second (factor and passkeys off), disable, enable or remove; one's own is seen to elsewhere."""
    word = asked.request.path_params["deed"]
    made = passwords.fresh() if word == "reset" else None
    with asked.context.storage.write() as conn:
        row = _find(conn, asked)
        told = {"actor": asked.visitor.shown, "now": asked.now}
        if row.id == asked.visitor.login_id:
            raise RegistryError("this is your own log-in; see to it under “Your log-in”")
        if made is not None:
            logins.reset(conn, row, made, **told)  # type: ignore[arg-type]
        elif word == "second":
            passkeys.device_lost(conn, row, **told)  # type: ignore[arg-type]
        elif word == "disable":
            logins.disable(conn, row, **told)  # type: ignore[arg-type]
        elif word == "enable":
            logins.enable(conn, row, **told)  # type: ignore[arg-type]
        elif word == "remove":
            logins.remove(conn, row, **told)  # type: ignore[arg-type]
        else:
            raise HTTPException(404)
        asked.note(conn, "did", f"log-in {row.shown}: {word}")
    return asked.to(_path(asked, row.tenant)) if made is None else _shown(asked, row, made)


def _shown(asked: PageRequest, row: LoginRow, made: passwords.FreshPassword) -> Response:
    values = {"row": row, "password": made.shown, "back": _path(asked, row.tenant)}
    return asked.page("account/login_made.html", values)


def _path(asked: PageRequest, tenant: str = "") -> str:
    if asked.visitor.tenant_id is not None:
        return "/account/logins"
    return "/desk/logins" + (f"?{urlencode({'tenant': tenant})}" if tenant else "")


def _tenant(conn: Tx, asked: PageRequest, named: str) -> TenantRow | None:
    """The visitor's own, whatever is named; for staff the named one. None: staff."""
    if asked.visitor.tenant_id is not None:
        return tenants.by_id(conn, asked.visitor.tenant_id)
    return tenants.find(conn, named) if named else None


def _find(conn: Tx, asked: PageRequest) -> LoginRow:
    row = logins.by_id(conn, asked.number())
    if row is None or asked.visitor.tenant_id not in (None, row.tenant_id):
        raise HTTPException(404)
    return row
