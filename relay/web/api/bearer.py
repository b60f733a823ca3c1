"""Who asks: the API token of a request, and whether it is good for it (RFC 6750 §2.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from relay.store.pool import Storage, Unavailable
from relay.tenants import api_tokens
from relay.tenants.api_tokens import TokenHolder
from relay.web import problems
from relay.web.api import scopes
from relay.web.api.shares import RequestShare, RequestShares
from relay.web.context import Context
from relay.web.problems import TYPES

TurnAway = Callable[[Scope, str, str, Mapping[str, str]], Response]
"""A problem's word, what is told of it, fields of the answer → the answer."""
_OPEN = ("/openapi.json", "/docs", "/problems/")
_HOLDER = "relay.token"
"""Key of a scope: what its token was found to be."""


class Bearer:
    """Lets requests with a live API token in, as often as its tenant may ask, and tells the handlers whose it is."""

    def __init__(
        self, app: ASGIApp, context: Context, shares: RequestShares, turn_away: TurnAway | None = None
    ) -> None:
        self._app = app
        self._context = context
        self._shares = shares
        self._turn_away = turn_away or self._problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = await self._refused(scope)
        await (self._app if refused is None else refused)(scope, receive, send)

    async def _refused(self, scope: Scope) -> Response | None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path.startswith(_OPEN):
            return self._too_fast(scope, self._shares.of_address(scope))
        holder = await _holder(self._context, scope)
        if holder is None:
            late = self._too_fast(scope, self._shares.of_address(scope))
            challenge = {"WWW-Authenticate": 'Bearer realm="relay"'}
            return late or self._turn_away(scope, "unauthorized", "the token is missing, wrong or revoked", challenge)
        if (late := self._too_fast(scope, self._shares.of_tenant(scope, holder.tenant_id))) is not None:
            return late
        wanted = scopes.needed(scope["method"], path)
        if wanted.isdisjoint(holder.scopes):
            return self._turn_away(scope, "scope", f"the token needs the scope {' or '.join(sorted(wanted))}", {})
        if any(name == b"content-encoding" and value.lower() != b"identity" for name, value in scope["headers"]):
            return self._turn_away(scope, "media-type", "send the body as it is, without Content-Encoding", {})
        if [name for name, _ in scope["headers"]].count(b"idempotency-key") > 1:
            return self._turn_away(scope, "invalid", "there are two Idempotency-Key fields; send one", {})
        scope.setdefault("state", {}).update(tenant_id=holder.tenant_id, token_id=holder.id, sandbox=holder.sandbox)
        return None

    def _too_fast(self, scope: Scope, share: RequestShare) -> Response | None:
        if not share.retry_s:
            return None
        text = f"{share.limit} requests in {share.window_s} s are allowed; come again in {share.retry_s} s"
        return self._turn_away(scope, "rate", text, {"Retry-After": str(share.retry_s)})

    def _problem(self, scope: Scope, word: str, detail: str, headers: Mapping[str, str]) -> Response:
        return problems.response(members(self._context, word, detail), headers)


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
        if context.looks is None:
            scope[_HOLDER] = await run_in_threadpool(_looked_up, context, context.storage, scope)
        else:
            scope[_HOLDER] = _looked_up(context, context.looks, scope)
    found: TokenHolder | None = scope[_HOLDER]
    return found


def _looked_up(context: Context, storage: Storage, scope: Scope) -> TokenHolder | None:
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    kind, _, token = (given[0] if len(given) == 1 else b"").decode("latin-1").partition(" ")
    if kind.lower() != "bearer":
        return None
    with storage.read() as conn:
        return api_tokens.lookup(conn, context.secrets, token.strip())


def members(context: Context, word: str, detail: str, errors: list[dict[str, str]] | None = None) -> dict[str, object]:
    """A problem's members by its word."""
    return problems.document(TYPES[word][0], base_url=context.views.base_url, word=word, detail=detail, errors=errors)
