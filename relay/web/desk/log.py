"""``/desk/log``: the newest of the audit log, of all or a tenant, by action."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.audit import listing as audit
from relay.tenants import tenants
from relay.web.inside.gate import PageRequest, show

LENGTH: Final = 100


def newest(asked: PageRequest) -> Response:
    tenant, action = asked.query("tenant", 63), asked.query("action", 60)
    with asked.context.storage.read() as conn:
        owner = tenants.find(conn, tenant).id if tenant else None
        rows = audit.newest(conn, owner, action or None, LENGTH)
    return asked.page("desk/log.html", {"rows": rows, "tenant": tenant, "action": action})


ROUTES = [show("/desk/log", newest, Deed.OPERATE)]
