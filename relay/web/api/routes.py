"""``/v1``: the JSON API. Its tenant is the API token's; no other tenant's data can be named.

Who can't show a token learns nothing: that is checked before the route, the
method and the body. Every error is a problem (RFC 9457).
"""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from relay.store.pool import Unavailable
from relay.tenants import api_tokens
from relay.tenants.api_tokens import TokenHolder
from relay.web import problems
from relay.web.api import consents, events, forms, openapi, scopes, statements
from relay.web.context import Context
from relay.web.problems import TYPES, Problem

_OPEN = ("/openapi.json", "/problems/")
_ROUTERS = (consents.router, forms.topics_router, forms.forms_router, events.router, statements.router)


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
    for router in _ROUTERS:
        api.include_router(router)
    api.add_api_route("/problems/{word}", _explain, include_in_schema=False)
    api.add_exception_handler(HTTPException, _http_problem)
    api.add_exception_handler(RequestValidationError, _validation_problem)
    api.add_exception_handler(Problem, _problem)
    api.add_exception_handler(Unavailable, _busy)
    api.add_exception_handler(Exception, _unexpected)
    api.openapi = lambda: openapi.document(api, context.views.base_url)  # type: ignore[method-assign]
    return Bearer(api, context)


class Bearer:
    """Lets requests with a live API token in, and tells the handlers whose it is (RFC 6750 §2.1)."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app = app
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if not path.startswith(_OPEN):
            holder = await run_in_threadpool(self._holder, scope)
            if holder is None:
                members = _members(self._context, "unauthorized", "the token is missing, wrong or revoked")
                await problems.response(members, {"WWW-Authenticate": 'Bearer realm="relay"'})(scope, receive, send)
                return
            wanted = scopes.needed(scope["method"], path)
            if wanted.isdisjoint(holder.scopes):
                members = _members(self._context, "scope", f"the token needs the scope {' or '.join(sorted(wanted))}")
                await problems.response(members)(scope, receive, send)
                return
            scope.setdefault("state", {}).update(tenant_id=holder.tenant_id, sandbox=holder.sandbox)
        await self._app(scope, receive, send)

    def _holder(self, scope: Scope) -> TokenHolder | None:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        kind, _, token = (given[0] if len(given) == 1 else b"").decode("latin-1").partition(" ")
        if kind.lower() != "bearer":
            return None
        with self._context.storage.read() as conn:
            return api_tokens.lookup(conn, self._context.secrets, token.strip())


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
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods(request))
    return problems.response(problems.document(error.status_code), headers)


def _methods(request: Request) -> list[str]:
    """Those the path takes (RFC 9110 §15.5.6); the framework knows those of its first route only."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", "")).rstrip("/")
    found: set[str] = set()
    for template, operations in request.app.openapi()["paths"].items():
        head, variable, _ = template.partition("{")
        if path == template or (variable and path.startswith(head) and "/" not in path[len(head) :]):
            found |= {method.upper() for method in operations}
    return sorted(found) or ["GET"]


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
