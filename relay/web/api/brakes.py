"""``/v1/brakes``: log-ins of the tenant whose mail is held because another seems to use them (R28)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from relay.brake import brakes
from relay.brake.values import BrakeRow
from relay.queue.operator import Operator
from relay.values.errors import RegistryError
from relay.web.api.consent_list import moment
from relay.web.api.models import Given
from relay.web.api.once import tenant
from relay.web.api.openapi import ALWAYS, WITH_BODY, errors
from relay.web.api.strict import STRICT_JSON
from relay.web.context import Context
from relay.web.problems import Problem

router = APIRouter(prefix="/brakes", tags=["brakes"], responses=errors(*ALWAYS))
BrakeNumber = Annotated[int, Path(ge=1, lt=2**53, description="The number of its statement, as the letter names it.")]


class BrakeDecisionIn(Given):
    """What the tenant says to it."""

    reason: Annotated[str, Field(max_length=500, examples=["Our new server in Riga."])] = ""


class BrakeOut(BaseModel):
    """A log-in whose mail is held, or was; `GET /v1/statements/{number}` has the reasons."""

    number: int
    login: Annotated[str, Field(description="User name, network, or `token NAME`.")]
    at: datetime
    since: Annotated[datetime, Field(description="Mail that was accepted since then is held.")]
    held: Annotated[int, Field(description="Copies that are held now.")]
    spared: Annotated[list[str], Field(description="Networks whose mail goes on.")]
    decided: Annotated[str, Field(description="`released` or `dropped`; empty: it waits.")]
    decided_at: datetime | None


class BrakeList(BaseModel):
    """The newest first."""

    brakes: list[BrakeOut]


@router.get("")
def get_brakes(request: Request) -> BrakeList:
    """The newest 500, the newest first."""
    with Context.of(request).storage.read() as conn:
        return BrakeList(brakes=[_out(one) for one in brakes.listing(conn, tenant(request))])


@router.post("/{number}/release", dependencies=STRICT_JSON, responses=errors(404, *WITH_BODY))
def release_brake(request: Request, number: BrakeNumber, given: BrakeDecisionIn) -> BrakeOut:
    """It was the tenant: what is held goes out, and the networks it came from are known from now on.

    Not with the token that is braked itself.
    """
    return _decided(request, number, brakes.RELEASED, given.reason)


@router.post("/{number}/drop", dependencies=STRICT_JSON, responses=errors(404, *WITH_BODY))
def drop_brake(request: Request, number: BrakeNumber, given: BrakeDecisionIn) -> BrakeOut:
    """It was somebody else: what is held is dropped and given back to the plan.

    New mail from the same networks is held until the password is reset.
    """
    return _decided(request, number, brakes.DROPPED, given.reason)


def _decided(request: Request, number: int, decision: str, reason: str) -> BrakeOut:
    context = Context.of(request)
    with context.storage.write() as conn:
        try:
            found = brakes.by_id(conn, number, tenant(request))
        except RegistryError as error:
            raise Problem("not-found", "the tenant has no such brake") from error
        if found.login == f"token:{request.scope['state']['token_id']}":
            raise Problem("scope", "this token is the one that is braked; use another, or ask the operator")
        try:
            operator = Operator.of(context.settings)
            brakes.decide(conn, operator, found, decision, reason=reason, actor="api", now=context.clock())
        except RegistryError as error:
            raise Problem("invalid", str(error)) from error
        return _out(brakes.by_id(conn, number, tenant(request)))


def _out(one: BrakeRow) -> BrakeOut:
    return BrakeOut(
        number=one.id,
        login=one.name,
        at=moment(one.at),
        since=moment(one.since),
        held=one.held,
        spared=list(one.spared),
        decided=one.decided,
        decided_at=None if one.decided_at is None else moment(one.decided_at),
    )
