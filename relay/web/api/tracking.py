"""``/v1/consents/tracking``: the consent to being tracked (R33), recorded and ended like others."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from relay.people.consent_rules import ConsentRefused
from relay.signup.ask import closed
from relay.store.contract import Tx
from relay.tracking import consents as track
from relay.web.api.consent_list import moment
from relay.web.api.models_tracking import TrackingIn, TrackingOut
from relay.web.api.once import Key, once, tenant
from relay.web.api.openapi import REPLAY, WITH_BODY, errors
from relay.web.api.parts import EmailQuery, address_of
from relay.web.api.strict import STRICT_JSON
from relay.web.context import Context, evidence
from relay.web.problems import Problem

router = APIRouter(prefix="/tracking")


@router.post(
    "",
    status_code=201,
    response_model=TrackingOut,
    dependencies=STRICT_JSON,
    responses={201: REPLAY, **errors(409, *WITH_BODY)},
)
def give_tracking(request: Request, given: TrackingIn, key: Key = None) -> Response:
    """Record that a person agreed to being tracked. Who switched it off can't be added again."""
    context, tenant_id = Context.of(request), tenant(request)
    return once(request, key, given, lambda conn: _give(context, conn, tenant_id, given), 201)


@router.get("", responses=errors(404))
def get_tracking(request: Request, email: EmailQuery) -> TrackingOut:
    """Whether a person agreed to being tracked."""
    with Context.of(request).storage.read() as conn:
        return _out(conn, tenant(request), address_of(email).canonical)


@router.delete("", responses=errors(404))
def withdraw_tracking(request: Request, email: Annotated[str, Query(min_length=3, max_length=320)]) -> TrackingOut:
    """Switch tracking off for a person, also for mail that is out already."""
    context, tenant_id, canonical = Context.of(request), tenant(request), address_of(email).canonical
    with context.storage.write() as conn:
        person = _person(conn, tenant_id, canonical)
        track.withdraw(conn, tenant_id, person, means="api", now=context.clock(), evidence=evidence(request))
        return _out(conn, tenant_id, canonical)


def _give(context: Context, conn: Tx, tenant_id: int, given: TrackingIn) -> TrackingOut:
    address, now = address_of(given.email), context.clock()
    if closed(conn, context.secrets, tenant_id, address):
        raise Problem("suppressed", f"nothing may go to {address.canonical}")
    try:
        track.give(
            conn,
            context.secrets,
            tenant_id,
            address,
            source=given.source,
            wording=given.wording,
            means="api",
            given_at=now if given.at is None else given.at.timestamp(),
            now=now,
            ip=given.ip or "",
            page=given.page,
            actor="api",
        )
    except ConsentRefused as refused:
        raise Problem(refused.word, refused.text) from refused
    return _out(conn, tenant_id, address.canonical)


def _person(conn: Tx, tenant_id: int, canonical: str) -> int:
    row = conn.execute(
        "SELECT id FROM subscriber WHERE tenant_id = ? AND address = ?", (tenant_id, canonical)
    ).fetchone()
    if row is None:
        raise Problem("not-found", "the tenant has no such address")
    return int(row[0])


def _out(conn: Tx, tenant_id: int, canonical: str) -> TrackingOut:
    found = track.of(conn, _person(conn, tenant_id, canonical))
    return TrackingOut(
        email=canonical,
        live=found.live,
        given_at=None if found.given_at is None else moment(found.given_at),
        withdrawn_at=None if found.withdrawn_at is None else moment(found.withdrawn_at),
        source=found.source,
        wording=found.wording,
        means=found.means,
        ip=found.ip,
        page=found.page,
    )
