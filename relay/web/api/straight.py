"""Routes that are asked for hundreds of times a second: what they take is written once, and read without detours.

FastAPI describes them (OpenAPI) as it does all others. But what it does for
each request, from middleware to dependencies, costs twice the work of taking a
message. So they are found by one look-up and read here: the same checks, and
the same faults in the same form.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from relay.web.api.models import said
from relay.web.api.once import Key
from relay.web.api.parts import check_json, check_query
from relay.web.api.strict import read_strictly
from relay.web.context import Context

RouteAnswer = Callable[[Request], Coroutine[Any, Any, Response]]
FaultAnswer = Callable[[Request, Exception], Awaitable[Response]]
_KEY_FIELD: Final = "Idempotency-Key"
_KEY: Final[TypeAdapter[str | None]] = TypeAdapter(Key)


class StraightRoute(APIRoute):
    """Of an endpoint with ``request``, ``given`` (its model) and ``key``, that gives a Response."""

    def get_route_handler(self) -> RouteAnswer:
        endpoint = self.endpoint
        model = endpoint.__annotations__["given"]
        shape: type[BaseModel] = endpoint.__globals__[model] if isinstance(model, str) else model

        async def handle(request: Request) -> Response:
            check_query(request, ())
            body = await request.body()
            check_json(request, body)
            given, key = _read(shape, body, request)
            answer: Response = await endpoint(request, given, key)
            return answer

        return handle


def _read(shape: type[BaseModel], body: bytes, request: Request) -> tuple[BaseModel, str | None]:
    """Body and key; raises RequestValidationError with all that is wrong, and HTTPException for what is no text."""
    wrong: list[Any] = []
    key, given = request.headers.get(_KEY_FIELD), None
    if key is not None:
        try:
            key = _KEY.validate_python(key)
        except ValidationError as error:
            wrong += _placed(error, "header", _KEY_FIELD)
    try:
        given = shape.model_validate(
            read_strictly(body) if body else None, context={"now": Context.of(request).clock()}
        )
    except ValidationError as error:
        wrong += _placed(error, "body")
    except json.JSONDecodeError as error:
        wrong.append({"loc": ("body",), "msg": f"is no JSON: {error.msg} at character {error.pos}"})
    except ValueError:
        raise HTTPException(400) from None
    if wrong or given is None:
        raise RequestValidationError(wrong)
    return given, key


def _placed(error: ValidationError, *before: str) -> list[dict[str, Any]]:
    found = error.errors(include_url=False, include_input=False)
    return [{"loc": (*before, *one["loc"]), "msg": said(one)} for one in found]


class Straight:
    """Pure ASGI: answers the straight routes of these routers by itself, and leaves the rest to the application."""

    def __init__(
        self, app: ASGIApp, routers: Iterable[APIRouter], faults: Mapping[type[Exception], FaultAnswer]
    ) -> None:
        self._app = app
        self._faults = faults
        self._handlers: dict[tuple[str, str], RouteAnswer] = {
            (method, route.path): route.get_route_handler()
            for router in routers
            for route in router.routes
            if isinstance(route, StraightRoute)
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        handler = self._handlers.get((scope["method"], path)) if scope["type"] == "http" else None
        if handler is None:
            await self._app(scope, receive, send)
            return
        scope["app"] = self._app
        request = Request(scope, receive, send)
        unexpected: Exception | None = None
        try:
            response = await handler(request)
        except Exception as error:
            known = next((kind for kind in type(error).__mro__ if kind in self._faults), Exception)
            response = await self._faults[known](request, error)
            unexpected = error if known is Exception else None
        await response(scope, receive, send)
        if unexpected is not None:
            raise unexpected
