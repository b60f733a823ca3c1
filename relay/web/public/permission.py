"""``/permission``: does the consent that a mail names stand in the log, and did it before the mail was sent (R8b)?

Anybody may ask: what is answered names nobody. A GET of ``/permission/{token}`` gives the document by which everybody
can check it alone (``docs/PERMISSION.md``); the page takes a field or a whole mail.
"""

from __future__ import annotations

import re
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from relay.audit import permission
from relay.audit.errors import AuditError
from relay.web.context import Context
from relay.web.problems import document, response
from relay.web.public import forms
from relay.web.views import spoken

_TOKEN: Final = re.compile(r"(?im)^permission:[ \t]*((?:[A-Za-z0-9_=-]|\r?\n[ \t]+)+)")
_BARE: Final = re.compile(rf"[A-Za-z0-9_-]{{{permission.LENGTH}}}")
MOST_READ: Final = 64 * 1024
"""Characters of what is pasted; the header of a mail stands in front."""


async def ask(request: Request) -> Response:
    """``GET|POST /permission``."""
    if request.method != "POST":
        return _page(request)
    fields = forms.read_form(request.headers.get("content-type", ""), await request.body())
    text = next(iter(forms.values(fields, "mail")), "")
    return await run_in_threadpool(_looked_up, request, text)


async def proof(request: Request) -> Response:
    """``GET /permission/{token}``: the document, as JSON."""
    return await run_in_threadpool(_proof, request)


ROUTES: Final = [
    Route("/permission", ask, methods=["GET", "POST"]),
    Route("/permission/{token}", proof, methods=["GET"]),
]


def find(text: str) -> str | None:
    """The token in a pasted mail, field or token; None if there is none."""
    text = text[:MOST_READ].replace("\r\n", "\n")
    field = _TOKEN.search(text)
    found = re.sub(r"\s", "", field[1]) if field else text.strip()
    return found if _BARE.fullmatch(found) else None


def _page(request: Request, status: int = 200, **values: Any) -> Response:
    given: dict[str, Any] = {"given": "", "found": None, "fault": "", "why": "", **values}
    return Context.of(request).views.page(spoken(request.scope), "permission.html", given, status)


def _looked_up(request: Request, text: str) -> Response:
    token = find(text)
    if token is None:
        return _page(request, 422, given=text[:2000], fault="permission.fault")
    with Context.of(request).storage.read() as conn:
        try:
            found = permission.prove(conn, token)
        except AuditError as error:
            return _page(request, 200, given=token, fault="permission.wrong", why=str(error))
    leaf, then = found["leaf"], found["then"]
    assert isinstance(leaf, dict) and isinstance(then, dict)
    facts = {
        "recorded": leaf["at_us"] / 1_000_000,
        "then": then["at_us"] / 1_000_000,
        "number": found["number"],
        "key": then["key"],
    }
    return _page(request, 200, given=token, found=facts)


def _proof(request: Request) -> Response:
    with Context.of(request).storage.read() as conn:
        try:
            return JSONResponse(permission.prove(conn, request.path_params["token"]))
        except AuditError as error:
            return response(document(404, detail=str(error)))
