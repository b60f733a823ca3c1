"""Who asks: the API token of a request, and whether it is good for it (RFC 6750 §2.1)."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from relay.store.pool import Unavailable
from relay.tenants import api_tokens
from relay.tenants.api_tokens import TokenHolder
from relay.web import problems
from relay.web.api import scopes
from relay.web.context import Context
from relay.web.problems import TYPES

_OPEN = ("/openapi.json", "/docs", "/problems/")
_HOLDER = "relay.token"
"""Key of a scope: what its token was found to be."""


class Bearer:
    """Lets requests with a live API token in, and tells the handlers whose it is."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app = app
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if not path.startswith(_OPEN):
            holder = await _holder(self._context, scope)
            if holder is None:
                told = members(self._context, "unauthorized", "the token is missing, wrong or revoked")
                await problems.response(told, {"WWW-Authenticate": 'Bearer realm="relay"'})(scope, receive, send)
                return
            wanted = scopes.needed(scope["method"], path)
            if wanted.isdisjoint(holder.scopes):
                told = members(self._context, "scope", f"the token needs the scope {' or '.join(sorted(wanted))}")
                await problems.response(told)(scope, receive, send)
                return
            scope.setdefault("state", {}).update(tenant_id=holder.tenant_id, sandbox=holder.sandbox)
        await self._app(scope, receive, send)


async def may_send(context: Context, scope: Scope) -> bool:
    """Whether the request's token is for sending; asked before a large body is read."""
    try:
        holder = await _holder(context, scope)
    except Unavailable:
        return False
    return holder is not None and "send" in holder.scopes


async def _holder(context: Context, scope: Scope) -> TokenHolder | None:
    """Looked up once a request."""
    if _HOLDER not in scope:
        scope[_HOLDER] = await run_in_threadpool(_looked_up, context, scope)
    found: TokenHolder | None = scope[_HOLDER]
    return found


def _looked_up(context: Context, scope: Scope) -> TokenHolder | None:
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    kind, _, token = (given[0] if len(given) == 1 else b"").decode("latin-1").partition(" ")
    if kind.lower() != "bearer":
        return None
    with context.storage.read() as conn:
        return api_tokens.lookup(conn, context.secrets, token.strip())


def members(context: Context, word: str, detail: str, errors: list[dict[str, str]] | None = None) -> dict[str, object]:
    """A problem's members by its word."""
    return problems.document(TYPES[word][0], base_url=context.views.base_url, word=word, detail=detail, errors=errors)
