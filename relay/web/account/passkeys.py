"""``/account/me/passkeys``: one's own passkeys, of tenants' users and staff: made, named, removed.

Two steps: the password first, then the page whose script asks the device. The
challenge belongs to the session, and only who gave the password got it.
"""

from __future__ import annotations

import json

from starlette.responses import Response

from relay.accounts import activity, challenges, passkey_answers, passkeys
from relay.accounts.passkey_answers import AnswerRefused, RelyingParty
from relay.accounts.roles import Deed
from relay.values.errors import RegistryError
from relay.web.account.me import own_row, password_fault, shown_page
from relay.web.inside import script
from relay.web.inside.gate import OWN_PATH, PageRequest, act, number_of


def begin(asked: PageRequest) -> Response:
    """The password was asked for: else a minute at an open browser would give a key for good."""
    party, name = _party(asked), _name(asked)
    if fault := password_fault(asked):
        return shown_page(asked, fault, 403)
    return _page(asked, party, name)


def add(asked: PageRequest) -> Response:
    """What the device made."""
    context, party, name = asked.context, _party(asked), _name(asked)
    token, answer = asked.field("token", 100), asked.field("answer", passkey_answers.MOST_OCTETS + 1)
    if not challenges.young(token, asked.now):
        return shown_page(asked, "passkey.late", 403)
    challenge = _answered(asked, token, answer)
    try:
        made = passkey_answers.made(answer, party, challenge)
    except AnswerRefused:
        return shown_page(asked, "passkey.unfit", 403)
    with context.storage.write() as conn:
        row = own_row(conn, asked)
        if not challenges.take(conn, challenge, asked.now):
            return shown_page(asked, "passkey.late", 403, conn)
        passkeys.add(conn, row, made, name, now=asked.now)
        activity.note(conn, row.id, "passkey-added", asked.client, asked.now, name)
        passkeys.told(conn, context.office.operator, row, name, "added", asked.language, asked.now)
    return asked.to(f"{OWN_PATH}#passkeys")


def remove(asked: PageRequest) -> Response:
    number = number_of(asked.field("passkey", 20))
    with asked.context.storage.write() as conn:
        row = own_row(conn, asked)
        key = passkeys.remove(conn, row, number or 0, actor=row.shown, now=asked.now)
        activity.note(conn, row.id, "passkey-removed", asked.client, asked.now, key.name)
    return asked.to(f"{OWN_PATH}#passkeys")


ROUTES = [
    act(f"{OWN_PATH}/passkeys/new", begin, Deed.SELF),
    act(f"{OWN_PATH}/passkeys", add, Deed.SELF, 2 * passkey_answers.MOST_OCTETS),
    act(f"{OWN_PATH}/passkeys/remove", remove, Deed.SELF),
]


def _page(asked: PageRequest, party: RelyingParty, name: str) -> Response:
    context, token = asked.context, challenges.fresh(asked.now)
    with context.storage.write() as conn:
        row = own_row(conn, asked)
        handle, known = passkeys.handle(conn, row.id), passkeys.listed(passkeys.of_login(conn, row.id))
    options = passkey_answers.add_options(
        party,
        challenges.challenge(context.secrets, token, _bound(asked)),
        title=context.office.operator.name,
        handle=handle,
        shown=row.shown,
        known=known,
    )
    values = {
        "options": json.dumps(options),
        "token": token,
        "key_name": name,
        "party": party,
        "script": script.PASSKEY,
    }
    return asked.page("account/passkey.html", values)


def _answered(asked: PageRequest, token: str, answer: str) -> bytes:
    """The challenge that the answer is for: a rotation of keys may fall between."""
    said = passkey_answers.answered(answer)
    those = challenges.those(asked.context.secrets, token, _bound(asked))
    return next((one for one in those if one == said), those[0])


def _bound(asked: PageRequest) -> str:
    return f"add/{asked.visitor.session_id}/{asked.visitor.login_id}"


def _party(asked: PageRequest) -> RelyingParty:
    party = passkey_answers.relying_party(asked.context.views.base_url)
    if party is None:
        raise RegistryError(f"passkeys need a host's name and HTTPS; the pages are at {asked.context.views.base_url}")
    return party


def _name(asked: PageRequest) -> str:
    name = asked.field("name", passkeys.MOST_NAME)
    if not name:
        raise RegistryError("give the passkey a name, so that you know it again")
    return name
