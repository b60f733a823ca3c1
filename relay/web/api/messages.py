"""``/v1/messages``: sending one, many, or one that is written already; looking, changing, cancelling."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from msgspec.structs import replace
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from relay.intake.api.handed import HandedMessage
from relay.tenants.idempotency import KEEP_S
from relay.web import problems
from relay.web.api import raw, sending, templates
from relay.web.api.compose import compose, keep_until
from relay.web.api.models_messages import AcceptedOut, MessageIn, MessageResults, MessagesIn
from relay.web.api.once import REPLAYED, Key, tenant
from relay.web.api.openapi import ALWAYS, REPLAY, WITH_BODY, errors
from relay.web.api.straight import StraightRoute
from relay.web.api.strict import fields_of
from relay.web.context import Context
from relay.web.peer import client
from relay.web.problems import TYPES, Problem, Wrong

_HEADS: Final[Any] = {"prefix": "/messages", "tags": ["messages"], "responses": errors(*ALWAYS)}
router = APIRouter(**_HEADS, route_class=StraightRoute)
raw_router = APIRouter(**_HEADS)
LARGE_OCTETS: Final = 256 * 1024
"""A request beyond this is worked on in a thread, so that others don't wait."""
MANY: Final = 20
"""Recipients, likewise."""
AT_A_TIME: Final = 32
"""Messages of one batch that are under way."""


@router.post(
    "",
    status_code=202,
    response_model=AcceptedOut,
    responses={202: REPLAY, **errors(409, *WITH_BODY)},
)
async def send_message(request: Request, given: MessageIn, key: Key = None) -> Response:
    """Send one message; each of `to` gets a copy of his own. It is stored when the answer comes."""
    context = Context.of(request)
    body = await request.body()
    if len(body) > LARGE_OCTETS or given.template is not None or len(given.to) > MANY:
        handed = await run_in_threadpool(composed, request, given)
    else:
        handed = composed(request, given)
    async with alone(context, tenant(request), key):
        if key is not None:
            handed = keyed(handed, key, sending.digest(request, body), keep_until(given, KEEP_S))
        return sending.response(context, await sending.hand(context, handed))


@router.post(
    "/batch",
    response_model=MessageResults,
    responses={200: REPLAY, **errors(409, *WITH_BODY)},
)
async def send_messages(request: Request, given: MessagesIn, key: Key = None) -> Response:
    """Send up to 500 messages, each with a result of its own, in the order given."""
    context = Context.of(request)
    digest = sending.digest(request, await request.body())
    places = asyncio.Semaphore(AT_A_TIME)
    replayed: list[bool] = []

    async def one(number: int, item: Any) -> dict[str, Any]:
        async with places:
            try:
                message = MessageIn.model_validate(item, context={"now": context.clock()})
                handed = await run_in_threadpool(composed, request, message)
                own = f"{key}\n{number}" if key else ""
                told = await sending.hand(context, keyed(handed, own, digest, keep_until(message, KEEP_S)))
            except ValidationError as error:
                return _document(context, Wrong(fields_of(error)))
            except Problem as problem:
                if problem.word == "idempotency-key":
                    raise
                return _document(context, problem)
            replayed.append(told.replayed)
            return sending.result(context, told)

    async with alone(context, tenant(request), key):
        results = await asyncio.gather(*(one(number, item) for number, item in enumerate(given.messages)))
    headers = {REPLAYED: "true"} if len(replayed) == len(results) and all(replayed) else None
    return JSONResponse({"results": results}, 200, headers)


@raw_router.post(
    "/raw",
    status_code=202,
    response_model=AcceptedOut,
    openapi_extra={"requestBody": {"required": True, "content": {raw.MEDIA_TYPE: {"schema": {"type": "string"}}}}},
    responses={202: REPLAY, **errors(409, *WITH_BODY)},
)
async def send_raw(
    request: Request,
    stream: Annotated[str, Query(max_length=100, description="Default: the tenant's first.")] = "",
    to: Annotated[list[str] | None, Query(max_length=65_535, description="Default: To, Cc and Bcc.")] = None,
    key: Key = None,
) -> Response:
    """Send a message that is written already, with `Relay-*` fields as in SMTP."""
    raw.media_type(request)
    context, tenant_id = Context.of(request), tenant(request)
    body = await request.body()
    address = client(request.scope) if request.client is not None else ""
    sandbox = bool(request.scope["state"].get("sandbox"))
    handed = _sent_with(request, raw.handed(body, stream, to or (), tenant_id, address, sandbox=sandbox))
    async with alone(context, tenant_id, key):
        if key is not None:
            handed = keyed(handed, key, sending.digest(request, body), 0.0)
        return sending.response(context, await sending.hand(context, handed))


def composed(request: Request, given: MessageIn) -> HandedMessage:
    """As the mail process takes it. Raises Problem; for a thread where it may be large."""
    context = Context.of(request)
    address = client(request.scope) if request.client is not None else ""
    sandbox = bool(request.scope["state"].get("sandbox"))
    found = None if given.template is None else templates.named(context, tenant(request), given.template)
    handed = compose(given, tenant(request), address, sandbox=sandbox, template=found)
    return _sent_with(request, handed)


def _sent_with(request: Request, handed: HandedMessage) -> HandedMessage:
    return replace(handed, login=f"token:{request.scope['state']['token_id']}")


def keyed(handed: HandedMessage, key: str, digest: bytes, until: float) -> HandedMessage:
    """With what keeps its answer, if there is a key."""
    return replace(handed, key=key, request=digest, keep_until=until) if key else handed


@asynccontextmanager
async def alone(context: Context, tenant_id: int, key: str | None) -> AsyncIterator[None]:
    """One request with a key at a time. Raises Problem."""
    place = ("key", tenant_id, key)
    if key is not None and not context.running.take(place):
        raise Problem("in-progress", "the first request with this key is still being worked off")
    try:
        yield
    finally:
        if key is not None:
            context.running.give_back(place)


def _document(context: Context, problem: Problem) -> dict[str, Any]:
    return problems.document(
        TYPES[problem.word][0],
        base_url=context.views.base_url,
        word=problem.word,
        detail=problem.detail,
        errors=problem.errors,
    )
