"""Requests that change something: one transaction, and by Idempotency-Key at most once.

What is done and its answer are committed together. So a repeat gets the same
answer, whether the first one's was lost on its way or the relay ended in
between; and an error, which changed nothing, is worked off anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Header, Request
from pydantic import AfterValidator, BaseModel
from starlette.responses import Response

from relay.store.contract import Tx
from relay.tenants import idempotency
from relay.tenants.idempotency import KeptAnswer
from relay.web.context import Context
from relay.web.problems import Problem

_KEY: Final = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\]){1,200})"|([!#-\[\]-~]{1,200})', re.ASCII)
REPLAYED: Final = "Idempotency-Replayed"


def _read(text: str) -> str:
    """The key out of a structured field's string (RFC 8941 §3.3.3), or out of a bare word."""
    found = _KEY.fullmatch(text.strip())
    if found is None:
        raise ValueError("use 1 to 200 visible ASCII characters, best a UUID in double quotes")
    return re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2]


Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=404,
        description="Repeats with the same key and body get the first answer and change nothing more, for 24 hours.",
        examples=['"8e03978e-40d5-43e8-bc93-6894a57f9324"'],
    ),
    AfterValidator(lambda text: None if text is None else _read(text)),
]


def once(
    request: Request,
    key: str | None,
    given: BaseModel,
    act: Callable[[Tx], BaseModel],
    status: int,
    location: str = "",
) -> Response:
    """The answer to a request: ``act`` makes it in a transaction, unless the key has one already."""
    context = Context.of(request)
    if key is None:
        with context.storage.write() as conn:
            return _response(_answer(act(conn), status, location))
    tenant_id = tenant(request)
    place = ("key", tenant_id, key)
    if not context.running.take(place):
        raise Problem("in-progress", "the first request with this key is still being worked off")
    try:
        return _keyed(context, tenant_id, key, _digest(request, given), act, status, location)
    finally:
        context.running.give_back(place)


def tenant(request: Request) -> int:
    """Whose token it is; set by ``api.Bearer``."""
    tenant_id = request.scope["state"]["tenant_id"]
    assert isinstance(tenant_id, int)
    return tenant_id


def _keyed(
    context: Context,
    tenant_id: int,
    key: str,
    digest: bytes,
    act: Callable[[Tx], BaseModel],
    status: int,
    location: str,
) -> Response:
    now = context.clock()
    with context.storage.write() as conn:
        try:
            kept = idempotency.find(conn, tenant_id, key, digest)
            if kept is not None:
                return _response(kept, {REPLAYED: "true"})
            answer = _answer(act(conn), status, location)
            idempotency.keep(conn, tenant_id, key, digest, answer, now)
        except idempotency.OtherRequest:
            raise Problem("idempotency-key", "the key was used for another request; take a new one") from None
        except idempotency.TooMany:
            text = "as many answers are kept as there is room for; send many in one request, or leave the key out"
            raise Problem("limit", text) from None
    return _response(answer)


def _digest(request: Request, given: BaseModel) -> bytes:
    """What stands for a request: method, path, query and what the body says."""
    line = f"{request.method} {request.url.path}?{request.url.query}\n"
    return line.encode("utf-8", "replace") + given.model_dump_json(exclude_unset=True).encode()


def _answer(made: BaseModel, status: int, location: str) -> KeptAnswer:
    return KeptAnswer(status, location, made.model_dump_json().encode())


def _response(kept: KeptAnswer, more: dict[str, str] | None = None) -> Response:
    headers = {**({"Location": kept.location} if kept.location else {}), **(more or {})}
    return Response(kept.body, kept.status, headers, media_type="application/json")
