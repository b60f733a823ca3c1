"""``/account/domains``: where the tenant sends from, the records to publish, and whether DNS shows them now."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.queue.thaw import thaw
from relay.store.contract import Tx
from relay.tenants import domain_check, domain_proof, domains, tenants
from relay.tenants.domain_check import RecordFinding
from relay.tenants.domains import DomainRow
from relay.tenants.lookup import LookupFailed, resolver, within
from relay.values.errors import RegistryError
from relay.web.inside.gate import PageRequest, act, show

ASK_S: Final = 3.0
"""DNS is asked for so long."""


def listing(asked: PageRequest) -> Response:
    with asked.context.storage.read() as conn:
        rows = domains.listing(conn, asked.tenant_id)
    return asked.page("account/domains.html", {"rows": rows, "changes": asked.visitor.may(Deed.OWN)})


def one(asked: PageRequest) -> Response:
    return _page(asked)


def add(asked: PageRequest) -> Response:
    """Its DKIM keys are made; the records to publish stand on its page."""
    context = asked.context
    name = domain_proof.sendable(asked.field("name", 253), context.settings)
    with context.storage.write() as conn:
        owner = tenants.by_id(conn, asked.tenant_id)
        row = domains.add(conn, context.secrets, owner, name, actor=asked.visitor.shown, now=asked.now)
        asked.note(conn, "did", f"domain {row.name}: added")
    return asked.to(f"/account/domains/{row.name}")


def verify(asked: PageRequest) -> Response:
    """Look the records up now, and take the domain into use if they are there; each is shown as DNS has it."""
    context, place = asked.context, ("verify", asked.tenant_id)
    if not context.running.take(place):
        raise RegistryError("a domain is being looked up already; wait a moment")
    try:
        with context.storage.read() as conn:
            row = _find(conn, asked)
            wanted = domains.records(conn, context.settings, row)
        findings = domain_check.check(wanted, within(resolver(context.settings), ASK_S))
        with context.storage.write() as conn:
            domain_proof.take(conn, row.id, findings, actor=asked.visitor.shown, now=asked.now)
            asked.note(conn, "did", f"domain {row.name}: looked up")
        with context.storage.own() as conn:  # in transactions of its own
            thaw(conn, asked.now, asked.tenant_id)
    except LookupFailed as error:
        raise RegistryError(str(error)) from error
    finally:
        context.running.give_back(place)
    return _page(asked, findings)


ROUTES = [
    show("/account/domains", listing, Deed.SEE),
    act("/account/domains", add, Deed.OWN),
    show("/account/domains/{name}", one, Deed.SEE),
    act("/account/domains/{name}/verify", verify, Deed.OWN),
]


def _page(asked: PageRequest, findings: list[RecordFinding] | None = None) -> Response:
    with asked.context.storage.read() as conn:
        row = _find(conn, asked)
        records = domains.records(conn, asked.context.settings, row)
    states = {(one.record.name, one.record.type, one.record.value): one for one in findings or ()}
    values = {
        "row": row,
        "records": [(one, states.get((one.name, one.type, one.value))) for one in records],
        "checked": findings is not None,
        "changes": asked.visitor.may(Deed.OWN),
    }
    return asked.page("account/domain.html", values)


def _find(conn: Tx, asked: PageRequest) -> DomainRow:
    try:
        return domains.find(conn, domains.normal_name(asked.request.path_params["name"]), asked.tenant_id)
    except RegistryError:
        raise HTTPException(404) from None
