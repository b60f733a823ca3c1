"""``/emails``: sending one, many, looking, changing, cancelling, in the shape that Resend's client libraries speak."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from relay.intake.api.handed import HandedMessage, Told
from relay.store.pool import Unavailable
from relay.tenants.idempotency import KEEP_S
from relay.web.api import messages, messages_sent, sending
from relay.web.api.bearer import Bearer
from relay.web.api.compose import keep_until
from relay.web.api.models_messages import MessageChange
from relay.web.api.once import REPLAYED, tenant
from relay.web.api.shares import RequestShares
from relay.web.api.strict import read_strictly
from relay.web.context import Context
from relay.web.problems import Problem
from relay.web.resend import faults, shown
from relay.web.resend.faults import EmailFault
from relay.web.resend.shape import SharedMessageIn, message_of, moment_of

EMAILS: Final = "/emails"
MOST_IN_BATCH: Final = 100
MOST_LISTED: Final = 100
_KEY: Final = re.compile(r"[ -~]{1,256}", re.ASCII)
Handler = Callable[[Request], Awaitable[Response]]


def create_emails(context: Context, shares: RequestShares) -> ASGIApp:
    """For all paths from ``/emails`` on; the tokens are those of ``/v1``."""
    app = Starlette(
        routes=[
            Route(EMAILS, _told(_send), methods=["POST"]),
            Route(EMAILS, _told(_list), methods=["GET"]),
            Route(f"{EMAILS}/batch", _told(_batch), methods=["POST"]),
            Route(f"{EMAILS}/{{id}}", _told(_one), methods=["GET"]),
            Route(f"{EMAILS}/{{id}}", _told(_change), methods=["PATCH"]),
            Route(f"{EMAILS}/{{id}}/cancel", _told(_cancel), methods=["POST"]),
        ],
        exception_handlers={HTTPException: _http},
    )
    app.state.context = context
    app.router.redirect_slashes = False
    return Bearer(app, context, shares, _refused)


def _refused(request: Mapping[str, Any], word: str, detail: str, headers: Mapping[str, str]) -> Response:
    if word == "unauthorized" and not any(name == b"authorization" for name, _ in request["headers"]):
        return faults.response(EmailFault("missing_api_key", "Missing API key in the authorization header."), headers)
    return faults.response(faults.of_problem(Problem(word, detail)), headers)


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = faults.of_status(error.status_code)
    answer.headers.update(error.headers or {})
    return answer


def _told(handler: Handler) -> Handler:
    """Problems of ours become faults of theirs."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except EmailFault as fault:
            return faults.response(fault)
        except Problem as problem:
            return faults.response(faults.of_problem(problem))
        except Unavailable:
            return faults.of_status(503)

    return handle


# --- sending ---------------------------------------------------------------------------


async def _send(request: Request) -> Response:
    context, body, key = Context.of(request), await request.body(), _key(request)
    message = await run_in_threadpool(_read, context, await _json(request))
    handed = await run_in_threadpool(messages.composed, request, message)
    async with messages.alone(context, tenant(request), key):
        digest = sending.digest(request, body)
        told = await sending.hand(context, messages.keyed(handed, key or "", digest, keep_until(message, KEEP_S)))
    if not told.body:
        fault = faults.of_told(told)
        return faults.response(fault, sending.later(context, fault.status, told))
    return JSONResponse({"id": sending.id_of(told)}, 200, {REPLAYED: "true"} if told.replayed else None)


async def _batch(request: Request) -> Response:
    """Each on its own; ``strict`` (theirs by default) sends nothing if one isn't well-formed."""
    context, key = Context.of(request), _key(request)
    given = await _json(request)
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_IN_BATCH:
        raise EmailFault("validation_error", f"The body must be a list of 1 to {MOST_IN_BATCH} e-mails.")
    mode = request.headers.get("x-batch-validation", "strict").lower()
    if mode not in ("strict", "permissive"):
        raise EmailFault("validation_error", "x-batch-validation must be strict or permissive.")
    read = [await run_in_threadpool(_attempted, request, one) for one in given]
    for number, one in enumerate(read):
        if mode == "strict" and isinstance(one, EmailFault):
            raise EmailFault(one.name, f"E-mail {number}: {one.message}", one.status)
    digest = sending.digest(request, await request.body())
    async with messages.alone(context, tenant(request), key):
        found = await _handed_over(context, read, key, digest)
    return _batch_answer(found)


def _batch_answer(found: list[Told | EmailFault]) -> Response:
    ids: list[dict[str, str]] = []
    wrong: list[tuple[int, EmailFault]] = []
    replayed = True
    for number, one in enumerate(found):
        if isinstance(one, Told) and one.body:
            ids.append({"id": sending.id_of(one)})
            replayed = replayed and one.replayed
        else:
            wrong.append((number, faults.of_told(one) if isinstance(one, Told) else one))
    if not ids:
        raise wrong[0][1]
    answer: dict[str, Any] = {"data": ids}
    if wrong:
        answer["errors"] = [{"index": number, "message": fault.message} for number, fault in wrong]
    return JSONResponse(answer, 200, {REPLAYED: "true"} if replayed else None)


async def _handed_over(
    context: Context, read: list[HandedMessage | EmailFault], key: str | None, digest: bytes
) -> list[Told | EmailFault]:
    places = asyncio.Semaphore(messages.AT_A_TIME)

    async def one(number: int, handed: HandedMessage | EmailFault) -> Told | EmailFault:
        if isinstance(handed, EmailFault):
            return handed
        own = f"{key}\n{number}" if key else ""
        async with places:
            try:
                return await sending.hand(context, replace(handed, key=own, request=digest) if own else handed)
            except Problem as problem:
                if problem.word == "idempotency-key":
                    raise
                return faults.of_problem(problem)

    return await asyncio.gather(*(one(number, handed) for number, handed in enumerate(read)))


def _attempted(request: Request, given: object) -> HandedMessage | EmailFault:
    context = Context.of(request)
    try:
        message = _read(context, given)
        return replace(messages.composed(request, message), keep_until=keep_until(message, KEEP_S))
    except EmailFault as fault:
        return fault
    except Problem as problem:
        return faults.of_problem(problem)


def _read(context: Context, given: object) -> SharedMessageIn:
    return message_of(given, context.clock())


def _key(request: Request) -> str | None:
    """Theirs are any text of 1 to 256 characters."""
    given = request.headers.get("idempotency-key")
    if given is None:
        return None
    if not _KEY.fullmatch(given.strip()):
        raise EmailFault("invalid_idempotency_key", "The key must be between 1-256 printable ASCII characters.")
    return given.strip()


async def _json(request: Request) -> Any:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise EmailFault("validation_error", "Send JSON, with Content-Type: application/json.", 415)
    try:
        return read_strictly(await request.body())
    except ValueError:
        raise EmailFault("validation_error", "The body is no JSON.", 400) from None


# --- what was sent ---------------------------------------------------------------------


async def _one(request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(shown.one, request, request.path_params["id"]))


async def _list(request: Request) -> Response:
    unknown = sorted(set(request.query_params) - {"limit", "after"})
    if unknown:
        raise EmailFault("invalid_parameter", f"`{unknown[0][:60]}` is no parameter that is known here.")
    limit = request.query_params.get("limit", "20")
    if not re.fullmatch("[0-9]{1,3}", limit, re.ASCII) or not 1 <= int(limit) <= MOST_LISTED:
        raise EmailFault("invalid_parameter", f"`limit` is a number from 1 to {MOST_LISTED}.")
    after = request.query_params.get("after", "")
    return JSONResponse(await run_in_threadpool(shown.page, request, after, int(limit)))


async def _change(request: Request) -> Response:
    given = await _json(request)
    if not isinstance(given, dict) or not set(given) <= {"id", "scheduled_at"} or "scheduled_at" not in given:
        raise EmailFault("missing_required_field", "The body must be an object with `scheduled_at`.")
    at = moment_of(given["scheduled_at"], Context.of(request).clock())
    change = MessageChange.model_construct(send_at=at, expires_at=None)
    return await _done(request, lambda id: messages_sent.change_message(request, id, change))


async def _cancel(request: Request) -> Response:
    return await _done(request, lambda id: messages_sent.cancel_message(request, id))


async def _done(request: Request, act: Callable[[str], object]) -> Response:
    id_ = request.path_params["id"]
    await run_in_threadpool(act, id_)
    return JSONResponse({"object": "email", "id": id_})
