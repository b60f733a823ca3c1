"""``/v1/domains``: domains to send from, the records to publish, and whether DNS shows them."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.responses import Response

from relay.queue.thaw import thaw
from relay.store.contract import Tx
from relay.tenants import domain_check, domain_proof, domains, tenants
from relay.tenants.domain_check import RecordFinding, RecordState
from relay.tenants.domains import DnsRecord, DomainRow
from relay.tenants.lookup import LookupFailed, resolver, within
from relay.values.errors import RegistryError
from relay.web.api.consent_list import moment
from relay.web.api.models_account import DnsRecordOut, DomainIn, DomainList, DomainOut
from relay.web.api.once import Key, once, tenant
from relay.web.api.openapi import ALWAYS, REPLAY, WITH_BODY, errors
from relay.web.api.strict import STRICT_JSON
from relay.web.context import Context
from relay.web.problems import Problem

router = APIRouter(prefix="/domains", tags=["domains"], responses=errors(*ALWAYS))
ASK_S = 3.0
"""DNS is asked for so long, and the last look-up to its own end: the client waits for the answer."""
_OPTIONAL = frozenset({"return-path", "spf", "dmarc"})


@router.get("")
def get_domains(request: Request) -> DomainList:
    """All domains of the tenant, with the records to publish."""
    context = Context.of(request)
    with context.storage.read() as conn:
        rows = domains.listing(conn, tenant(request))
        return DomainList(domains=[_out(context, conn, row) for row in rows])


@router.post(
    "",
    status_code=201,
    response_model=DomainOut,
    dependencies=STRICT_JSON,
    responses={201: REPLAY, **errors(409, *WITH_BODY)},
)
def add_domain(request: Request, given: DomainIn, key: Key = None) -> Response:
    """Claim a domain: its DKIM keys are made, and the records to publish are in the answer."""
    context, tenant_id = Context.of(request), tenant(request)

    def act(conn: Tx) -> DomainOut:
        try:
            name = domain_proof.sendable(given.name, context.settings)
            owner = tenants.by_id(conn, tenant_id)
            row = domains.add(conn, context.secrets, owner, name, actor="api", now=context.clock())
        except RegistryError as error:
            raise Problem("domain", str(error)) from error
        return _out(context, conn, row)

    return once(request, key, given, act, 201)


@router.get("/{name}", responses=errors(404))
def get_domain(request: Request, name: str) -> DomainOut:
    """One domain, with the records to publish."""
    context = Context.of(request)
    with context.storage.read() as conn:
        return _out(context, conn, _find(conn, tenant(request), name))


@router.post("/{name}/verify", responses=errors(404, 409))
def verify_domain(request: Request, name: str) -> DomainOut:
    """Look the records up, and take the domain into use if they are there; what is missing is told (409)."""
    context, tenant_id = Context.of(request), tenant(request)
    place = ("verify", tenant_id)
    if not context.running.take(place):
        raise Problem("in-progress", "a domain of the tenant is being looked up; repeat in a moment")
    try:
        with context.storage.read() as conn:
            row = _find(conn, tenant_id, name)
            wanted = domains.records(conn, context.settings, row)
        findings = domain_check.check(wanted, within(resolver(context.settings), ASK_S))
        with context.storage.write() as conn:
            row, _ = domain_proof.take(conn, row.id, findings, actor="api", now=context.clock())
            out = _out(context, conn, row, findings)
        with context.storage.own() as conn:  # in transactions of its own
            thaw(conn, context.clock(), tenant_id)
    except LookupFailed as error:
        raise Problem("busy", str(error)) from error
    except RegistryError as error:
        raise Problem("domain", str(error)) from error
    finally:
        context.running.give_back(place)
    if not domain_check.proves(findings):
        raise Problem("unproved", _missing(findings))
    return out


def _find(conn: Tx, tenant_id: int, name: str) -> DomainRow:
    try:
        return domains.find(conn, domains.normal_name(name), tenant_id)
    except RegistryError:
        raise Problem("not-found", "the tenant has no such domain") from None


def _missing(findings: Sequence[RecordFinding]) -> str:
    needed = [one for one in findings if one.record.purpose not in _OPTIONAL and one.state is not RecordState.OK]
    return "; ".join(f"{one.record.type} {one.record.name} is {one.state.value}" for one in needed[:5])


def _out(context: Context, conn: Tx, row: DomainRow, findings: Sequence[RecordFinding] = ()) -> DomainOut:
    states = {(one.record.name, one.record.type, one.record.value): one.state.value for one in findings}
    return DomainOut(
        name=row.name,
        verified_at=None if row.verified_at is None else moment(row.verified_at),
        verified_by=row.verified_by,
        return_path_at=None if row.return_path_at is None else moment(row.return_path_at),
        selectors=[key.selector for key in row.keys],
        records=[_record(one, states) for one in domains.records(conn, context.settings, row)],
    )


def _record(one: DnsRecord, states: dict[tuple[str, str, str], str]) -> DnsRecordOut:
    state = states.get((one.name, one.type, one.value))
    return DnsRecordOut(name=one.name, type=one.type, value=one.value, purpose=one.purpose, state=state)
