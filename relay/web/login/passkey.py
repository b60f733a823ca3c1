"""``POST /login/passkey``: signing in by a device's answer, and what the sign-in page gives for it."""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from relay.accounts import activity, brakes, challenges, logins, passkey_answers, passkeys
from relay.accounts.logins import LoginRow
from relay.accounts.passkey_answers import AnswerRefused, PasskeyAnswer
from relay.accounts.passkeys import PasskeyRow
from relay.accounts.sessions import SessionVia
from relay.store.contract import Tx
from relay.web.context import Context
from relay.web.inside import gate, origin
from relay.web.login import door, offer
from relay.web.public import forms
from relay.web.views import spoken

_NOBODY: Final = "passkey of nobody"
"""The account that the brakes count tries for where no passkey is known."""


async def sign_in(request: Request) -> Response:
    if origin.foreign(request):
        return gate.private(gate.refused(request, "foreign", 403))
    kind, body = request.headers.get("content-type", ""), await request.body()
    fields = forms.read_form(kind, body, 2 * passkey_answers.MOST_OCTETS)
    return gate.private(await run_in_threadpool(_enter, request, fields))


ROUTES = [Route("/login/passkey", sign_in, methods=["POST"])]


def _enter(request: Request, fields: forms.Fields) -> Response:
    """Every answer uses its challenge up, right or wrong."""
    context, client = Context.of(request), gate.client_of(request)
    party, token, now = (
        passkey_answers.relying_party(context.views.base_url),
        offer.read_token(request),
        context.clock(),
    )
    text = next(iter(forms.values(fields, "answer")), "")
    if party is None or not challenges.young(token, now):
        return door.form(request, "passkey.late", status=403)
    said = passkey_answers.answered(text)
    challenge = next((one for one in challenges.those(context.secrets, token, offer.BOUND) if one == said), b"")
    try:
        answer = passkey_answers.read_answer(text)
    except AnswerRefused:
        return door.form(request, "passkey.refused", status=403)
    with context.storage.write() as conn:
        key = passkeys.find(conn, answer.credential)
        row = None if key is None else logins.by_id(conn, key.login_id)
        tried = brakes.take(conn, context.secrets, row.address if row else _NOBODY, client.ip, now)
        fresh = bool(challenge) and tried is not None and challenges.take(conn, challenge, now)
    if tried is None:
        return door.braked(request)
    if not fresh:
        return door.form(request, "passkey.late", status=403)
    if key is None or row is None or row.disabled_at is not None:
        return door.form(request, "passkey.refused", status=403)
    if row.tenant_id is None and not door.staff_may(context):
        return door.form(request, "oidc.only", status=403)
    try:
        count = passkey_answers.sign_count(answer, party, challenge, key.public_key)
    except AnswerRefused:
        with context.storage.write() as conn:
            activity.note(conn, row.id, "passkey-refused", client, now, key.name)
        return door.form(request, "passkey.refused", status=403)
    return _begin(request, row, key, answer, count, tried, next(iter(forms.values(fields, "next")), "")[:2_000])


def _begin(
    request: Request, row: LoginRow, key: PasskeyRow, answer: PasskeyAnswer, count: int, tried: int, wanted: str
) -> Response:
    context, client = Context.of(request), gate.client_of(request)
    now = context.clock()
    with context.storage.write() as conn:
        fresh = logins.by_id(conn, row.id)
        if fresh is None or fresh.disabled_at is not None or passkeys.find(conn, key.credential) is None:
            return door.form(request, "passkey.refused", status=403)  # it was ended meanwhile
        if passkeys.handle(conn, row.id) != answer.handle:
            activity.note(conn, row.id, "passkey-refused", client, now, key.name)
            return door.form(request, "passkey.refused", status=403)
        if not passkeys.used(conn, key, count, now):
            _copied(conn, request, row, key, now)
            return door.form(request, "passkey.copied", status=403)
        brakes.good(conn, context.secrets, row.address, client.ip, tried, now)
        activity.note(conn, row.id, "signed-in-passkey", client, now, key.name)
        token = door.fresh_session(conn, request, row, half=False, now=now, via=SessionVia.PASSKEY, passkey_id=key.id)
    response = door.entered(request, row, token, wanted)
    offer.done(request, response)
    return response


def _copied(conn: Tx, request: Request, row: LoginRow, key: PasskeyRow, now: float) -> None:
    """Its owner hears of it by mail too: whoever holds a copy reads the page."""
    context = Context.of(request)
    activity.note(conn, row.id, "passkey-copied", gate.client_of(request), now, key.name)
    passkeys.told(conn, context.office.operator, row, key.name, "copied", spoken(request.scope), now)
