"""Handing messages to the mail process, and what its answers are in HTTP."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

from relay.intake.api.handed import HandedMessage, Told
from relay.intake.api.line import DoorShut
from relay.web import problems
from relay.web.api.once import REPLAYED
from relay.web.context import Context
from relay.web.problems import TYPES, Problem, Wrong

_KEY_FAULTS: Final = {
    "key": ("idempotency-key", "the key was used for another request; take a new one"),
    "full": ("limit", "as many answers are kept as there is room for; repeat later, or leave the key out"),
}


async def hand(context: Context, handed: HandedMessage) -> Told:
    """Raises Problem where nobody can say what became of it, the key forbids it, or too many are to get it."""
    most = context.settings.limits.recipients
    if len(handed.recipients) > most:  # by SMTP the rest comes in another transaction (452); a request is one
        raise Wrong([("to", f"there are {len(handed.recipients)} recipients, {most} are allowed; send it in parts")])
    if context.line is None:
        raise Problem("busy", "nothing was changed")
    try:
        told = await context.line.hand(handed)
    except DoorShut as shut:
        raise Problem("busy", _SHUT if shut.unknown else "nothing was changed") from None
    if told.fault:
        raise Problem(*_KEY_FAULTS[told.fault])
    return told


_SHUT: Final = "the mail process ended before it answered: the message may have been taken; repeat with a key"


def problem_of(context: Context, told: Told) -> dict[str, Any]:
    """The problem's members for a message that nobody gets."""
    status = 422 if told.permanent or told.code == "recipients" else 429 if told.code == "rate" else 503
    word = told.code if told.code in TYPES else "refused"
    members: dict[str, Any] = problems.document(status, base_url=context.views.base_url, word=word, detail=told.detail)
    members["refused"] = [{"email": one.email, "code": one.code, "detail": one.detail} for one in told.refused]
    return members


def response(context: Context, told: Told) -> Response:
    """The answer to one message."""
    if not told.body:
        members = problem_of(context, told)
        return problems.response(members, later(context, members["status"], told))
    headers = {REPLAYED: "true"} if told.replayed else None
    return Response(told.body, 202, headers, media_type="application/json")


def id_of(told: Told) -> str:
    """Of a message that was taken."""
    found = json.loads(told.body)["id"]
    assert isinstance(found, str)
    return found


def later(context: Context, status: int, told: Told) -> dict[str, str]:
    """After how many seconds so many copies are let in by the tenant's rate, where it was that."""
    if status != 429 or told.code != "rate":
        return {}
    copies = len(told.refused)
    rate = context.settings.policy.get("rate", {}).get("per_second", 0)
    wait_s = min(600, max(1, math.ceil(copies / rate))) if isinstance(rate, int | float) and rate > 0 else 1
    return {"Retry-After": str(wait_s)}


def result(context: Context, told: Told) -> dict[str, Any]:
    """The same within a batch."""
    if told.body:
        return {"status": 202, **json.loads(told.body)}
    return problem_of(context, told)


def digest(request: Request, body: bytes) -> bytes:
    """What stands for a request beside its key: method, path, query, body."""
    line = f"{request.method} {request.url.path}?{request.url.query}\n".encode("utf-8", "replace")
    return hashlib.sha256(line + body).digest()
