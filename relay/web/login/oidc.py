"""``/login/oidc`` and ``/login/oidc/return``: staff by way of the operator's OpenID provider.

State, nonce and PKCE's verifier are keyed hashes of one token in a cookie: each
sign-in has its own, for ten minutes, and is taken once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from relay.accounts import activity, brakes, challenges, passwords, subjects
from relay.accounts.roles import LoginRole
from relay.accounts.sessions import SessionVia
from relay.accounts.subjects import SubjectRefused
from relay.keys.sealed_tokens import spelled
from relay.oidc.claims import OidcClaims, OidcRefused, read_claims
from relay.oidc.fetch import OidcUnreachable
from relay.oidc.provider import IdentityProvider
from relay.web.context import Context
from relay.web.inside import cookie, gate
from relay.web.login import door

_NAME: Final = "oidc"
_MOST: Final = 4_096
_log = logging.getLogger("relay.web")


async def leave(request: Request) -> Response:
    """``GET``, and by a link: the answer of a form may lead to no other site."""
    return gate.private(await run_in_threadpool(_leave, request))


async def come_back(request: Request) -> Response:
    return gate.private(await run_in_threadpool(_come_back, request))


ROUTES = [
    Route("/login/oidc", leave, methods=["GET"]),
    Route("/login/oidc/return", come_back, methods=["GET"]),
]


def _leave(request: Request) -> Response:
    context, provider = _provider(request)
    token = challenges.fresh(context.clock())
    verifier = _part(context, token, "verifier")
    challenge = spelled(hashlib.sha256(verifier.encode()).digest())
    state, nonce = _part(context, token, "state"), _part(context, token, "nonce")
    try:
        there = provider.leave_to(back=_back(context), state=state, nonce=nonce, challenge=challenge)
    except OidcUnreachable as error:
        return _down(request, error)
    response = RedirectResponse(there, 303)
    cookie.put_named(request, response, _NAME, token)
    return response


def _come_back(request: Request) -> Response:
    context, provider = _provider(request)
    token, now, client = cookie.read_named(request, _NAME), context.clock(), gate.client_of(request)
    told = {name: request.query_params.get(name, "")[:_MOST] for name in ("state", "code", "error", "iss")}
    state = _part(context, token, "state")
    if not challenges.young(token, now) or not hmac.compare_digest(told["state"].encode(), state.encode()):
        return door.form(request, "passkey.late", status=403)
    # By network alone: who it is isn't known before the provider was asked.
    account = f"{_NAME}/{client.ip}"
    with context.storage.write() as conn:
        tried = brakes.take(conn, context.secrets, account, client.ip, now)
        fresh = tried is not None and challenges.take(conn, base64.urlsafe_b64decode(f"{state}="), now)
    if tried is None:
        return door.braked(request)
    if not fresh:
        return door.form(request, "passkey.late", status=403)
    try:
        if told["error"] or not told["code"]:
            raise OidcRefused("declined", f"the provider says {told['error'][:100] or 'nothing'}")
        claims = _claims(context, provider, token, told["code"], told["iss"], now)
        return _enter(request, claims, account, tried)
    except OidcUnreachable as error:
        return _down(request, error)
    except OidcRefused as error:
        _log.warning("sign-in by the provider is refused: %s", error)
        return door.form(request, f"oidc.{error.word}", status=403)


def _claims(context: Context, provider: IdentityProvider, token: str, code: str, iss: str, now: float) -> OidcClaims:
    parts = provider.parts()
    if iss != parts.issuer and (iss or parts.names_itself):
        raise OidcRefused("invalid", "the answer is another provider's (iss, RFC 9207)")
    given = provider.exchange(code, back=_back(context), verifier=_part(context, token, "verifier"))
    return read_claims(provider, given, _part(context, token, "nonce"), now)


def _enter(request: Request, claims: OidcClaims, account: str, tried: int) -> Response:
    context, client, now = Context.of(request), gate.client_of(request), Context.of(request).clock()
    unused = passwords.fresh()
    try:
        with context.storage.write() as conn:
            row = subjects.enter(
                conn, claims.issuer, claims.subject, claims.email, LoginRole(claims.role), unused, now=now
            )
            brakes.good(conn, context.secrets, account, client.ip, tried, now)
            activity.note(conn, row.id, "signed-in-oidc", client, now)
            token = door.fresh_session(conn, request, row, half=False, now=now, via=SessionVia.OIDC)
    except SubjectRefused as error:
        raise OidcRefused(str(error), f"{claims.subject} {claims.email}") from error
    response = door.entered(request, row, token, "")
    cookie.drop_named(request, response, _NAME)
    return response


def _provider(request: Request) -> tuple[Context, IdentityProvider]:
    context = Context.of(request)
    if context.provider is None:
        raise HTTPException(404)
    return context, context.provider


def _down(request: Request, error: OidcUnreachable) -> Response:
    _log.warning("the provider that staff sign in by can't be used: %s", error)
    return door.form(request, "oidc.down", status=502)


def _part(context: Context, token: str, of: str) -> str:
    return spelled(challenges.challenge(context.secrets, token, f"oidc/{of}"))


def _back(context: Context) -> str:
    return f"{context.views.base_url}/login/oidc/return"
