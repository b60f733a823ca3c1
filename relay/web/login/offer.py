"""What the sign-in page gives to browsers with passkeys: a challenge of theirs alone, known by a cookie."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from relay.accounts import challenges, passkey_answers
from relay.accounts.passkey_answers import RelyingParty
from relay.web.context import Context
from relay.web.inside import cookie, script

BOUND: Final = "sign-in"
"""The purpose that challenges of this page are made for."""
_NAME: Final = "passkey"


@dataclass(frozen=True, slots=True)
class PasskeyOffer:
    """``token`` goes into the cookie, ``values`` into the page."""

    token: str
    values: Mapping[str, object]

    def put(self, request: Request, response: Response) -> None:
        cookie.put_named(request, response, _NAME, self.token)


def offer(request: Request, *, anew: bool) -> PasskeyOffer | None:
    """The browser's challenge while it is young, so that two tabs don't take it from each other; ``anew``: a new one.

    None where the pages' address has no passkeys.
    """
    context = Context.of(request)
    party = passkey_answers.relying_party(context.views.base_url)
    if party is None:
        return None
    now, token = context.clock(), read_token(request)
    if anew or not challenges.young(token, now, 0.5):
        token = challenges.fresh(now)
    return PasskeyOffer(token, _values(context, party, token))


def read_token(request: Request) -> str:
    return cookie.read_named(request, _NAME)


def done(request: Request, response: Response) -> None:
    """The challenge was taken; the next sign-in gets another."""
    cookie.drop_named(request, response, _NAME)


def _values(context: Context, party: RelyingParty, token: str) -> dict[str, object]:
    challenge = challenges.challenge(context.secrets, token, BOUND)
    options = json.dumps(passkey_answers.sign_in_options(party, challenge))
    return {"options": options, "party": party, "script": script.PASSKEY}
