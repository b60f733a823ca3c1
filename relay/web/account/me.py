"""``/account/me``: one's own log-in, of tenants' users and staff: password, second factor, sessions, activity."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts import activity, brakes, confirming, logins, passkeys, passwords, resets, second, sessions, totp
from relay.accounts.logins import LoginRow
from relay.accounts.passkey_answers import relying_party
from relay.accounts.roles import Deed
from relay.store.contract import Tx
from relay.web.inside import cookie, gate
from relay.web.inside.gate import OWN_PATH, PageRequest, act, number_of, show

LENGTH: Final = 25


def own(asked: PageRequest) -> Response:
    return shown_page(asked)


def activities(asked: PageRequest) -> Response:
    """All of it, page by page."""
    with asked.context.storage.read() as conn:
        rows = activity.of_login(conn, asked.visitor.login_id, asked.before(), LENGTH + 1)
    following = rows[LENGTH - 1].id if len(rows) > LENGTH else None
    return asked.page("account/activity.html", {"rows": rows[:LENGTH], "following": following})


def second_begin(asked: PageRequest) -> Response:
    """Shows the key, to whoever has the password too: else a minute at an open browser could lock its owner out."""
    fault = password_fault(asked)
    if fault:
        return shown_page(asked, fault, 403)
    with asked.context.storage.write() as conn:
        key = second.begin(conn, asked.context.secrets, own_row(conn, asked))
    return _set_up(asked, key)


def second_confirm(asked: PageRequest) -> Response:
    context = asked.context
    with context.storage.write() as conn:
        row = own_row(conn, asked)
        codes = second.confirm(conn, context.secrets, row, asked.field("code", 20), now=asked.now)
        if codes is not None:
            # A session that somebody else began with the password alone is over.
            sessions.end_others(conn, row.id, asked.visitor.session_id)
            activity.note(conn, row.id, "second-factor-on", asked.client, asked.now)
        key = second.begin(conn, context.secrets, row) if codes is None else b""
    if codes is None:
        return _set_up(asked, key, "second.wrong", 403)
    return asked.page("account/codes.html", {"codes": codes})


def codes_renew(asked: PageRequest) -> Response:
    """Whoever has the session must show a code too."""
    with asked.context.storage.write() as conn:
        row = own_row(conn, asked)
        if not _proved(conn, asked, row):
            return shown_page(asked, "second.wrong", 403, conn=conn)
        codes = second.renew_codes(conn, asked.context.secrets, row.id)
        activity.note(conn, row.id, "codes-renewed", asked.client, asked.now)
    return asked.page("account/codes.html", {"codes": codes})


def second_off(asked: PageRequest) -> Response:
    with asked.context.storage.write() as conn:
        row = own_row(conn, asked)
        if not _proved(conn, asked, row):
            return shown_page(asked, "second.wrong", 403, conn=conn)
        second.remove(conn, row, actor=row.shown, now=asked.now)
        activity.note(conn, row.id, "second-factor-off", asked.client, asked.now)
    return asked.to(OWN_PATH)


def password(asked: PageRequest) -> Response:
    """A new one, shown this once; the present one is asked for, and all other sessions end."""
    context = asked.context
    fault = password_fault(asked)
    if fault:
        return shown_page(asked, fault, 403)
    made = passwords.fresh()
    with context.storage.write() as conn:
        row = own_row(conn, asked)
        logins.reset(conn, row, made, actor=row.shown, now=asked.now)
        via, key = asked.visitor.via, asked.visitor.passkey_id
        token = sessions.begin(conn, row.id, asked.client, half=False, now=asked.now, via=via, passkey_id=key)
        activity.note(conn, row.id, "password-renewed", asked.client, asked.now)
        resets.told(conn, context.office.operator, row, asked.language, asked.now)
    response = asked.page("account/password.html", {"password": made.shown})
    cookie.put(asked.request, response, token)
    return response


def end(asked: PageRequest) -> Response:
    """One of one's own sessions, or all others."""
    which = asked.field("session", 20)
    session_id = number_of(which)
    with asked.context.storage.write() as conn:
        if which == "others":
            sessions.end_others(conn, asked.visitor.login_id, asked.visitor.session_id)
        elif session_id is None or not sessions.end(conn, asked.visitor.login_id, session_id):
            raise HTTPException(404)
        activity.note(conn, asked.visitor.login_id, "session-ended", asked.client, asked.now)
    return asked.to(OWN_PATH)


def confirm_ask(asked: PageRequest) -> Response:
    """A letter with a link to one's own address."""
    context = asked.context
    with context.storage.write() as conn:
        row = own_row(conn, asked)
        confirming.ask(conn, context.office.operator, context.views.base_url, row, asked.language, asked.now)
        activity.note(conn, row.id, "confirm-asked", asked.client, asked.now)
    return asked.to(OWN_PATH)


def confirm_follow(asked: PageRequest) -> Response:
    """The link in the letter; it takes the session too, so that nobody else's look at the letter counts."""
    with asked.context.storage.write() as conn:
        row = own_row(conn, asked)
        if row.confirmed_at is None:
            if not confirming.follow(conn, row, asked.request.path_params["token"], asked.now):
                return asked.context.views.message(asked.language, "own_address.over", 410)
            activity.note(conn, row.id, "confirmed", asked.client, asked.now)
    return asked.to(OWN_PATH)


ROUTES = [
    act(f"{OWN_PATH}/confirm", confirm_ask, Deed.SELF),
    show(f"{OWN_PATH}/confirm/{{token}}", confirm_follow, Deed.SELF),
    show(OWN_PATH, own, Deed.SELF),
    show(f"{OWN_PATH}/activity", activities, Deed.SELF),
    act(f"{OWN_PATH}/second", second_begin, Deed.SELF),
    act(f"{OWN_PATH}/second/confirm", second_confirm, Deed.SELF),
    act(f"{OWN_PATH}/second/off", second_off, Deed.SELF),
    act(f"{OWN_PATH}/codes", codes_renew, Deed.SELF),
    act(f"{OWN_PATH}/password", password, Deed.SELF),
    act(f"{OWN_PATH}/sessions/end", end, Deed.SELF),
]


def own_row(conn: Tx, asked: PageRequest) -> LoginRow:
    """The visitor's log-in."""
    row = logins.by_id(conn, asked.visitor.login_id)
    if row is None:
        raise HTTPException(404)
    return row


def password_fault(asked: PageRequest) -> str:
    """Key of the text that says what is wrong with the password in the form; empty: nothing."""
    context = asked.context
    with context.storage.write() as conn:
        row = own_row(conn, asked)
        tried = brakes.take(conn, context.secrets, row.address, asked.client.ip, asked.now)
        stored = logins.stored_password(conn, row.id)
    if tried is None:
        return "sign_in.braked"
    if not passwords.matches(asked.field("password", passwords.MOST_CHARACTERS), stored):
        return "me.wrong_password"
    with context.storage.write() as conn:
        brakes.good(conn, context.secrets, row.address, asked.client.ip, tried, asked.now)
    return ""


def _proved(conn: Tx, asked: PageRequest, row: LoginRow) -> bool:
    tried = brakes.take(conn, asked.context.secrets, row.address, asked.client.ip, asked.now)
    if tried is None or not second.check(conn, asked.context.secrets, row, asked.field("code", 60), now=asked.now):
        return False
    brakes.good(conn, asked.context.secrets, row.address, asked.client.ip, tried, asked.now)
    return True


def shown_page(asked: PageRequest, fault: str = "", status: int = 200, conn: Tx | None = None) -> Response:
    """The page again, with what was wrong; ``conn``: within the caller's transaction."""
    if conn is not None:
        return _shown(conn, asked, fault, status)
    with asked.context.storage.read() as reader:
        return _shown(reader, asked, fault, status)


def _shown(conn: Tx, asked: PageRequest, fault: str, status: int) -> Response:
    row = own_row(conn, asked)
    values = {
        "row": row,
        "fault": fault,
        "sessions": sessions.of_login(conn, row.id, gate.lasting(asked.context), asked.now),
        "codes_left": second.codes_left(conn, row.id),
        "rows": activity.of_login(conn, row.id, None, 10),
        "passkeys": passkeys.of_login(conn, row.id),
        "most_name": passkeys.MOST_NAME,
        "party": relying_party(asked.context.views.base_url),
        "address": asked.context.views.base_url,
        "must": not asked.visitor.second_factor
        and asked.context.settings.accounts.second_factor in (("all", "staff") if row.tenant_id is None else ("all",)),
    }
    return asked.page("account/me.html", values, status)


def _set_up(asked: PageRequest, key: bytes, fault: str = "", status: int = 200) -> Response:
    issuer = asked.context.settings.server.hostname
    values = {"written": totp.written(key), "address": totp.address(key, asked.visitor.shown, issuer), "fault": fault}
    return asked.page("account/second.html", values, status)
