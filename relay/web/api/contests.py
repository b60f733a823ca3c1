"""``/v1/contests``: people who say that they never agreed, and what the tenant shows (R8b)."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from relay.contests import answer, rows
from relay.contests.told import told
from relay.contests.values import MAX_ANSWER, MAX_FILE, Contest, ContestError, ContestState, Evidence
from relay.store.contract import Tx
from relay.web.api import cursors
from relay.web.api.consent_list import moment
from relay.web.api.models import Given
from relay.web.api.once import Key, once, tenant
from relay.web.api.openapi import ALWAYS, REPLAY, WITH_BODY, errors
from relay.web.api.parts import Cursor, Limit
from relay.web.api.strict import STRICT_JSON
from relay.web.context import Context
from relay.web.problems import Problem

router = APIRouter(prefix="/contests", tags=["contests"], responses=errors(*ALWAYS))

ContestId = Annotated[int, Path(ge=1, lt=2**53, description="The contest's number.")]
_TIMES = ("at", "answer_until", "answered_at", "ended_at")


class ContestOut(BaseModel):
    """What a person says, what was answered, and what comes next."""

    id: int
    email: str | None = Field(description="Null: the person was erased since.")
    topic: str | None
    says: str = Field(description="never, stranger or typed.", examples=["never"])
    words: str = Field(description="What the person added.")
    state: str = Field(description="open, answered, conceded, lapsed, refused, accepted or noted.", examples=["open"])
    what_now: str
    at: datetime
    answer_until: datetime | None = Field(description="While it is open; then the consent falls.")
    grade: str | None = Field(description="Of the consent then: A, B or C.")
    source: str
    counts: bool = Field(description="Whether it enters the contested rate.")
    answer: str
    file: str | None
    answered_at: datetime | None
    ended_at: datetime | None


class ContestList(BaseModel):
    """One page of contests, the newest first."""

    contests: list[ContestOut]
    next: str | None = Field(description="Cursor of the next page; null at the end.")


class ContestAnswerIn(Given):
    """What proves the consent: a text of 20 characters or more, a file, or both."""

    text: str = Field("", max_length=MAX_ANSWER, description="How and where the person agreed; they read it.")
    file_name: str = Field("", max_length=120, examples=["form-17.pdf"])
    file: str = Field("", max_length=MAX_FILE * 4 // 3 + 4, description="Base64, 512 KiB at most.")


class NothingIn(Given):
    """An empty object."""


@router.get("")
def get_contests(
    request: Request,
    state: Annotated[ContestState | None, Query(description="Only those that stand so.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> ContestList:
    """People who say that they never agreed, the newest first."""
    before = None if cursor is None else int(cursors.read(cursor, int)[0])
    with Context.of(request).storage.read() as conn:
        found = rows.of_tenant(conn, tenant(request), state=state, before=before, limit=limit + 1)
        page = [_out(conn, one) for one in found[:limit]]
    return ContestList(contests=page, next=cursors.write(page[-1].id) if len(found) > limit else None)


@router.get("/{contest}", responses=errors(404))
def get_contest(request: Request, contest: ContestId) -> ContestOut:
    """One contest."""
    with Context.of(request).storage.read() as conn:
        return _out(conn, _find(conn, tenant(request), contest))


@router.post(
    "/{contest}/answer",
    response_model=ContestOut,
    dependencies=STRICT_JSON,
    responses={200: REPLAY, **errors(404, 409, *WITH_BODY)},
)
def answer_contest(request: Request, contest: ContestId, given: ContestAnswerIn, key: Key = None) -> Response:
    """Show what proves the consent. The person reads it and has the last word; mail stays stopped."""
    context, tenant_id = Context.of(request), tenant(request)
    try:
        octets = base64.b64decode(given.file, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem("invalid", "file: it is not base64") from error

    def act(conn: Tx) -> ContestOut:
        _open(_find(conn, tenant_id, contest))
        try:
            evidence = Evidence(given.text, given.file_name, octets)
            return _out(conn, answer.answer(conn, tenant_id, contest, evidence, actor="api", now=context.clock()))
        except ContestError as error:
            raise Problem("evidence", str(error)) from error

    return once(request, key, given, act, 200)


@router.post(
    "/{contest}/concede",
    response_model=ContestOut,
    dependencies=STRICT_JSON,
    responses={200: REPLAY, **errors(404, 409, *WITH_BODY)},
)
def concede_contest(request: Request, contest: ContestId, given: NothingIn, key: Key = None) -> Response:
    """Say that there is no proof: the consent falls for good."""
    context, tenant_id = Context.of(request), tenant(request)

    def act(conn: Tx) -> ContestOut:
        _open(_find(conn, tenant_id, contest))
        return _out(conn, answer.concede(conn, tenant_id, contest, actor="api", now=context.clock()))

    return once(request, key, given, act, 200)


def _find(conn: Tx, tenant_id: int, contest: int) -> Contest:
    found = rows.by_id(conn, tenant_id, contest)
    if found is None:
        raise Problem("not-found", f"there is no contest {contest}")
    return found


def _open(contest: Contest) -> None:
    if contest.state not in (ContestState.OPEN, ContestState.ANSWERED):
        raise Problem("closed", answer.closed(contest))


def _out(conn: Tx, contest: Contest) -> ContestOut:
    fields = told(conn, [contest])[0]
    times = {name: None if (at := fields[name]) is None else moment(at) for name in _TIMES}  # type: ignore[arg-type]
    return ContestOut.model_validate(fields | times)
