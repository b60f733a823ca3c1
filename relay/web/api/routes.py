"""``/v1``: the JSON API. Its tenant is the API token's; no other tenant's data can be named.

Who can't show a token learns nothing: that is checked before the route, the
method and the body. Every error is a problem (RFC 9457).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from relay.store.pool import Unavailable
from relay.web import problems
from relay.web.api import (
    account,
    announcements,
    brakes,
    campaigns,
    consents,
    contests,
    docs_page,
    domains,
    events,
    forms,
    messages,
    messages_sent,
    openapi,
    statements,
    stats,
    suppressions,
    templates,
    webhooks,
)
from relay.web.api.bearer import Bearer, members
from relay.web.api.heads import Heads
from relay.web.api.models import said
from relay.web.api.parts import KNOWN_QUERY
from relay.web.api.shares import RequestShares
from relay.web.api.straight import FaultAnswer, Straight
from relay.web.context import Context
from relay.web.problems import TYPES, Problem

_ROUTERS = (
    consents.router,
    contests.router,
    forms.topics_router,
    forms.forms_router,
    messages.router,
    messages.raw_router,
    messages_sent.router,
    templates.router,
    statements.router,
    brakes.router,
    events.router,
    webhooks.router,
    suppressions.router,
    campaigns.router,
    stats.router,
    account.router,
    announcements.router,
    domains.router,
)


def create_api(context: Context, shares: RequestShares) -> ASGIApp:
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
        api.include_router(router, dependencies=KNOWN_QUERY)
    api.add_api_route("/problems/{word}", _explain, include_in_schema=False)
    api.add_api_route("/docs", _docs, include_in_schema=False)
    for kind, answer in _FAULTS.items():
        api.add_exception_handler(kind, answer)
    api.openapi = lambda: openapi.document(api, context.views.base_url)  # type: ignore[method-assign]
    return Heads(Bearer(Straight(api, _ROUTERS, _FAULTS), context, shares))


async def _docs(request: Request) -> Response:
    """The description, to read."""
    return docs_page.page(request.app.openapi())


async def _explain(word: str) -> Response:
    """What a problem type means; the page its address leads to."""
    if word not in TYPES:
        raise HTTPException(404)
    status, title = TYPES[word]
    return JSONResponse({"type": word, "status": status, "title": title})


_UNREAD: Final = "the body can't be read: it must be JSON in UTF-8 (RFC 8259), with numbers and depth in bounds"


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods(request))
    detail = _UNREAD if error.status_code == 400 else ""
    return problems.response(problems.document(error.status_code, detail=detail), headers)


def _methods(request: Request) -> list[str]:
    """Those the path takes (RFC 9110 §15.5.6); the framework knows those of its first route only."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", "")).rstrip("/")
    paths = request.app.openapi()["paths"]
    named = [path] if path in paths else [one for one in paths if _matches(one, path)]
    found = {method.upper() for template in named for method in paths[template]}
    return sorted(found) or ["GET"]


def _matches(template: str, path: str) -> bool:
    parts, wanted = template.split("/"), path.split("/")
    return len(parts) == len(wanted) and all(
        one.startswith("{") or one == other for one, other in zip(parts, wanted, strict=True)
    )


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    told = members(Context.of(request), error.word, error.detail, error.errors)
    return problems.response(told | ({"refused": error.refused} if error.refused else {}))


async def _busy(request: Request, error: Exception) -> Response:
    return problems.response(members(Context.of(request), "busy", "nothing was changed"))


async def _unexpected(request: Request, error: Exception) -> Response:
    """The guard logs the cause."""
    return problems.response(problems.document(500))


async def _validation_problem(request: Request, error: Exception) -> Response:
    """Names the fields; never repeats their values, which may be personal data."""
    assert isinstance(error, RequestValidationError)
    errors = [_field(found) for found in error.errors()[:50]]
    detail = "; ".join(f"{found['field']}: {found['error']}" for found in errors[:5])
    return problems.response(members(Context.of(request), "invalid", detail, errors))


def _field(found: Mapping[str, Any]) -> dict[str, str]:
    if found.get("type") == "json_invalid":  # its place is told as a field of that number
        return {"field": "body", "error": f"is no JSON: {found['ctx']['error']} at character {found['loc'][-1]}"}
    return {"field": ".".join(str(part) for part in found["loc"]), "error": said(found)}


_FAULTS: Final[Mapping[type[Exception], FaultAnswer]] = {
    HTTPException: _http_problem,
    RequestValidationError: _validation_problem,
    Problem: _problem,
    Unavailable: _busy,
    Exception: _unexpected,
}
