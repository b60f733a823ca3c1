"""``/desk/log``: the newest of the audit log, of all or a tenant, by action."""

from __future__ import annotations

import json
from typing import Final

from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.audit import heads
from relay.audit import listing as audit
from relay.audit.prove import Prover
from relay.tenants import tenants
from relay.values.errors import RegistryError
from relay.web.inside.gate import PageRequest, show

LENGTH: Final = 100


def newest(asked: PageRequest) -> Response:
    tenant, action = asked.query("tenant", 63), asked.query("action", 60)
    with asked.context.storage.read() as conn:
        owner = tenants.find(conn, tenant).id if tenant else None
        rows = audit.newest(conn, owner, action or None, LENGTH)
        head = heads.last(conn)
    return asked.page("desk/log.html", {"rows": rows, "tenant": tenant, "action": action, "head": head})


def proof(asked: PageRequest) -> Response:
    """That an entry is in the tree of the newest signed head, as ``relay audit prove`` says it: docs/PROOF.md."""
    number = asked.number()
    with asked.context.storage.read() as conn:
        head = heads.last(conn)
        if head is None or number >= head.size:
            raise RegistryError("the entry is younger than the newest signed head; try again in a minute")
        document = Prover(conn, head).inclusion(number)
    headers = {"Content-Disposition": f'attachment; filename="proof-{number}.json"'}
    return Response(json.dumps(document, indent=2) + "\n", 200, headers, media_type="application/json")


ROUTES = [
    show("/desk/log", newest, Deed.OPERATE),
    show("/desk/log/{id}/proof", proof, Deed.OPERATE),
]
