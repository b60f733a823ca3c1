"""``/v1/statements``: why something was done to the tenant, and its answer to that (R24)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from relay.conduct import letters, statements
from relay.conduct.statements import MOST_TEXT, Statement
from relay.store.contract import Tx
from relay.support import appeals
from relay.tenants import tenants
from relay.texts.language import choose
from relay.values.errors import RegistryError
from relay.web.api.consent_list import moment
from relay.web.api.models import Given
from relay.web.api.once import tenant
from relay.web.api.openapi import ALWAYS, WITH_BODY, errors
from relay.web.api.strict import STRICT_JSON
from relay.web.context import Context
from relay.web.problems import Problem

router = APIRouter(prefix="/statements", tags=["statements"], responses=errors(*ALWAYS))
StatementNumber = Annotated[int, Path(ge=1, lt=2**53, description="The statement's number, as its letter names it.")]


class AnswerIn(Given):
    """What the tenant says to a statement."""

    text: Annotated[str, Field(min_length=1, max_length=MOST_TEXT, examples=["We have removed that list."])]


class StatementOut(BaseModel):
    """Why something was done: facts, rule, who or what decided, how to object, and what came of an answer."""

    number: int
    at: datetime
    action: Annotated[str, Field(examples=["warned", "frozen", "declined", "held"])]
    about: Annotated[str, Field(description="`campaign:12`, `domain:shop.example` …; empty: the account.")]
    rule: Annotated[str, Field(examples=["R25"])]
    rule_text: str
    reason: str
    facts: list[str]
    automatic: Annotated[bool, Field(description="Software decided by these facts; an answer brings a person to it.")]
    object: Annotated[str, Field(description="How to object.")]
    ended_at: datetime | None
    answer: str
    answered_at: datetime | None
    decision: Annotated[str, Field(description="What a person said to the answer.")]
    decided_at: datetime | None


class StatementList(BaseModel):
    """The newest first."""

    statements: list[StatementOut]


@router.get("")
def get_statements(request: Request) -> StatementList:
    """The newest 1000, the newest first."""
    with Context.of(request).storage.read() as conn:
        found = statements.listing(conn, tenant(request))
        return StatementList(statements=[_out(conn, one) for one in found])


@router.get("/{number}", responses=errors(404))
def get_statement(request: Request, number: StatementNumber) -> StatementOut:
    """One statement."""
    with Context.of(request).storage.read() as conn:
        return _out(conn, _find(conn, request, number))


@router.post("/{number}/answer", dependencies=STRICT_JSON, responses=errors(404, *WITH_BODY))
def answer_statement(request: Request, number: StatementNumber, given: AnswerIn) -> StatementOut:
    """Object or explain; a person reads it. A later answer is added to the earlier."""
    context = Context.of(request)
    with context.storage.write() as conn:
        statement = _find(conn, request, number)
        try:
            office = context.office
            statement = appeals.answer(
                conn, office.operator, office.base_url, statement, given.text, actor="api", now=context.clock()
            )
        except RegistryError as error:
            raise Problem("invalid", str(error)) from error
        return _out(conn, statement)


def _find(conn: Tx, request: Request, number: int) -> Statement:
    try:
        return statements.by_id(conn, number, tenant(request))
    except RegistryError as error:
        raise Problem("not-found", "the tenant has no such statement") from error


def _out(conn: Tx, one: Statement) -> StatementOut:
    language = choose(tenants.by_id(conn, one.tenant_id).language)
    return StatementOut(
        number=one.id,
        at=moment(one.at),
        action=one.action,
        about=one.about,
        rule=one.rule,
        rule_text=letters.rule(language, one.rule),
        reason=one.reason,
        facts=[letters.fact(language, fact) for fact in one.facts],
        automatic=one.automatic,
        object=language.plain("conduct.object", number=one.id),
        ended_at=_moment(one.ended_at),
        answer=one.answer,
        answered_at=_moment(one.answered_at),
        decision=one.decision,
        decided_at=_moment(one.decided_at),
    )


def _moment(at: float | None) -> datetime | None:
    return None if at is None else moment(at)
