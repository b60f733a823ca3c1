"""``/v1``: the JSON API. Its tenant is the API token's; no other tenant's data can be named.

Who can't show a token learns nothing: that is checked before the route, the
method and the body. Every error is a problem (RFC 9457).
"""

from __future__ import annotations

import sqlite3
from typing import Annotated, Any

from fastapi import APIRouter, Body, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from relay.mail.address import Address, AddressError, parse_address
from relay.registry import api_tokens, consents
from relay.registry.wording_check import gaps
from relay.web import problems
from relay.web.consent_list import list_consents, one_consent
from relay.web.context import Context, evidence
from relay.web.models import ConsentIn, ConsentList, ConsentOut, ProblemOut, Topic, WithdrawIn, Withdrawn
from relay.web.people import EVERYTHING
from relay.web.problems import MEDIA_TYPE, TYPES, Problem
from relay.web.storage import Unavailable

_OPEN = ("/openapi.json", "/problems/")
_ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": ProblemOut, "description": TYPES["unauthorized"][1]},
    422: {"model": ProblemOut, "description": "The request is not well-formed or can't be recorded."},
    503: {"model": ProblemOut, "description": TYPES["busy"][1]},
}
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ProblemOut, "description": TYPES["not-found"][1]}}
_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": ProblemOut, "description": "The person may not be mailed."}
}

router = APIRouter(prefix="/consents", tags=["consents"], responses=_ERRORS)


@router.post("", status_code=201, responses=_CONFLICT)
def give_consent(request: Request, given: ConsentIn) -> ConsentOut:
    """Record that a person agreed to a topic. Who unsubscribed can't be added again."""
    context, tenant_id, address = Context.of(request), _tenant(request), _address(given.email)
    now = context.clock()
    _check_wording(context, given.wording)
    with context.storage.write() as conn:
        try:
            consents.give(
                conn,
                tenant_id,
                address,
                topic=given.topic,
                source=given.source,
                wording=given.wording,
                means="api",
                given_at=now if given.at is None else given.at.timestamp(),
                now=now,
                ip="" if given.ip is None else str(given.ip),
                page=given.page,
                actor="api",
            )
        except consents.Refused as refused:
            raise Problem(refused.word, refused.text) from refused
        return one_consent(conn, tenant_id, address.canonical, given.topic)


def _check_wording(context: Context, wording: str) -> None:
    """Raises Problem where the operator refuses wordings with gaps."""
    if context.consent.wording_gaps == "refuse":
        missing = gaps(wording, abroad=context.consent.transfer_abroad)
        if missing:
            raise Problem("wording", f"the wording has gaps: {'; '.join(gap.text for gap in missing)}")


@router.get("")
def get_consents(
    request: Request,
    email: Annotated[str | None, Query(max_length=320)] = None,
    topic: Annotated[str | None, Query(max_length=200)] = None,
    cursor: Annotated[str | None, Query(max_length=2_000, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> ConsentList:
    """The tenant's consents, withdrawn ones too, by address and topic."""
    address = None if email is None else _address(email).canonical
    with Context.of(request).storage.read() as conn:
        return list_consents(conn, _tenant(request), address=address, topic=topic, cursor=cursor, limit=limit)


@router.delete("", responses=_NOT_FOUND)
def withdraw_consent(
    request: Request,
    email: Annotated[str | None, Query(max_length=320)] = None,
    topic: Annotated[Topic | None, Query(description="Without it all topics end.")] = None,
    body: Annotated[WithdrawIn | None, Body()] = None,
) -> Withdrawn:
    """End a person's consent, by query or by JSON body; it acts at once, also on queued mail."""
    if body is not None:
        if email is not None or topic is not None:
            raise Problem("invalid", "name the person either in the query or in the body, not in both")
        email, topic = body.email, body.topic
    if email is None:
        raise Problem("invalid", "email is missing")
    context, tenant_id, address = Context.of(request), _tenant(request), _address(email)
    with context.storage.write() as conn:
        subscriber_id = _id(
            conn, "subscriber WHERE tenant_id = ? AND address = ?", tenant_id, address.canonical, "address"
        )
        topic_id = EVERYTHING
        if topic is not None:
            topic_id = _id(conn, "topic WHERE tenant_id = ? AND name = ?", tenant_id, topic, "topic")
        changed = consents.withdraw(
            conn,
            tenant_id,
            subscriber_id,
            topic_id=topic_id,
            means="api",
            now=context.clock(),
            evidence=evidence(request),
        )
    return Withdrawn(email=address.canonical, topic=topic, changed=changed)


def create_api(context: Context) -> ASGIApp:
    """The API with its authentication around it, to be mounted at ``/v1``."""
    api = FastAPI(
        title="Relay API",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        root_path_in_servers=False,
    )
    api.state.context = context
    api.include_router(router)
    api.add_api_route("/problems/{word}", _explain, include_in_schema=False)
    api.add_exception_handler(HTTPException, _http_problem)
    api.add_exception_handler(RequestValidationError, _validation_problem)
    api.add_exception_handler(Problem, _problem)
    api.add_exception_handler(Unavailable, _busy)
    api.add_exception_handler(Exception, _unexpected)
    api.openapi = lambda: _openapi(api, context.views.base_url)  # type: ignore[method-assign]
    return Bearer(api, context)


class Bearer:
    """Lets requests with a live API token in, and tells the handlers whose it is (RFC 6750 §2.1)."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app = app
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if not path.startswith(_OPEN):
            tenant_id = await run_in_threadpool(self._tenant, scope)
            if tenant_id is None:
                members = _members(self._context, "unauthorized", "the token is missing, wrong or revoked")
                await problems.response(members, {"WWW-Authenticate": 'Bearer realm="relay"'})(scope, receive, send)
                return
            scope.setdefault("state", {})["tenant_id"] = tenant_id
        await self._app(scope, receive, send)

    def _tenant(self, scope: Scope) -> int | None:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        kind, _, token = (given[0] if len(given) == 1 else b"").decode("latin-1").partition(" ")
        if kind.lower() != "bearer":
            return None
        with self._context.storage.read() as conn:
            return api_tokens.lookup(conn, self._context.secrets, token.strip())


def _tenant(request: Request) -> int:
    tenant_id = request.scope["state"]["tenant_id"]
    assert isinstance(tenant_id, int)
    return tenant_id


def _address(text: str) -> Address:
    try:
        return parse_address(text.strip())
    except AddressError as error:
        raise Problem("address", f"email: {error}") from error


def _id(conn: sqlite3.Connection, rows: str, tenant_id: int, name: str, what: str) -> int:
    row = conn.execute(f"SELECT id FROM {rows}", (tenant_id, name)).fetchone()
    if row is None:
        raise Problem("not-found", f"the tenant has no such {what}")
    return int(row[0])


async def _explain(word: str) -> Response:
    """What a problem type means; the page its address leads to."""
    if word not in TYPES:
        raise HTTPException(404)
    status, title = TYPES[word]
    return JSONResponse({"type": word, "status": status, "title": title})


def _members(context: Context, word: str, detail: str, errors: list[dict[str, str]] | None = None) -> dict[str, object]:
    return problems.document(TYPES[word][0], base_url=context.views.base_url, word=word, detail=detail, errors=errors)


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problems.response(problems.document(error.status_code), error.headers)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problems.response(_members(Context.of(request), error.word, error.detail))


async def _busy(request: Request, error: Exception) -> Response:
    return problems.response(_members(Context.of(request), "busy", "nothing was changed"))


async def _unexpected(request: Request, error: Exception) -> Response:
    """The guard logs the cause."""
    return problems.response(problems.document(500))


async def _validation_problem(request: Request, error: Exception) -> Response:
    """Names the fields; never repeats their values, which may be personal data."""
    assert isinstance(error, RequestValidationError)
    errors = [
        {"field": ".".join(str(part) for part in found["loc"]), "error": str(found["msg"])}
        for found in error.errors()[:50]
    ]
    detail = "; ".join(f"{found['field']}: {found['error']}" for found in errors[:5])
    return problems.response(_members(Context.of(request), "invalid", detail, errors))


def _openapi(api: FastAPI, base_url: str) -> dict[str, Any]:
    """The OpenAPI document: errors under their media type, the bearer scheme on every operation."""
    if not api.openapi_schema:
        schema = get_openapi(title=api.title, version=api.version, routes=api.routes)
        schema["servers"] = [{"url": f"{base_url}/v1"}]
        schema["security"] = [{"token": []}]
        scheme = HTTPBearer(description="An API token of the tenant.").model
        schema["components"]["securitySchemes"] = {
            "token": scheme.model_dump(mode="json", by_alias=True, exclude_none=True)
        }
        for path in schema["paths"].values():
            for operation in path.values():
                for status, answer in operation["responses"].items():
                    if status >= "400":
                        answer["content"] = {MEDIA_TYPE: answer["content"]["application/json"]}
        for name in ("HTTPValidationError", "ValidationError"):
            schema["components"]["schemas"].pop(name, None)
        api.openapi_schema = schema
    return api.openapi_schema
