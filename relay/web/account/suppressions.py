"""``/account/suppressions``: who gets nothing more, why; added by hand, and lifted where that may be."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.audit import actions
from relay.lists.stopping import suppress
from relay.mail.address import AddressError, parse_address
from relay.people import suppressions
from relay.values.errors import RegistryError
from relay.values.facts import Reason
from relay.web.inside.gate import PageRequest, act, number_of, show

LENGTH: Final = 50


def listing(asked: PageRequest) -> Response:
    """By address; ``email`` shows one alone."""
    wanted, place = asked.query("email"), (asked.query("address"), asked.query("topic"), asked.query("reason"))
    topic_id = number_of(place[1])
    after = (place[0], topic_id, place[2]) if place[0] and topic_id is not None else None
    address = _canonical(wanted) if wanted else None
    with asked.context.storage.read() as conn:
        rows = suppressions.page(conn, asked.tenant_id, address=address, reason=None, after=after, limit=LENGTH + 1)
    following = ""
    if len(rows) > LENGTH:
        following = urlencode(dict(zip(("address", "topic", "reason"), rows[LENGTH - 1][0], strict=True)))
    values = {
        "rows": [row for _, row in rows[:LENGTH]],
        "wanted": wanted,
        "following": following,
        "reasons": [reason.value for reason in Reason],
        "changes": asked.visitor.may(Deed.CHANGE),
    }
    return asked.page("account/suppressions.html", values)


def add(asked: PageRequest) -> Response:
    """For all of the tenant's mail; ``unsubscribed`` ends the consents too."""
    address, detail = _canonical(asked.field("email", 320)), " ".join(asked.field("detail", 200).split())
    try:
        reason = Reason(asked.field("reason", 30))
    except ValueError:
        raise RegistryError("choose a reason") from None
    if not detail.isprintable():
        raise RegistryError("the note is one line of printable text")
    with asked.context.storage.write() as conn:
        new = suppress(conn, asked.tenant_id, address, reason, detail=detail, means="hand", now=asked.now)
        if new:
            told = {"address": address, "reason": reason.value, "detail": detail}
            actions.record(conn, asked.visitor.shown, "suppression-added", asked.tenant_id, told, asked.now)
        asked.note(conn, "did", "suppression added")
    return asked.to(f"/account/suppressions?{urlencode({'email': address})}")


def lift(asked: PageRequest) -> Response:
    """Never the person's own unsubscribing, which only its double opt-in lifts."""
    address, why = _canonical(asked.field("email", 320)), asked.field("why", 500)
    if not why:
        raise RegistryError("say why it is lifted; it is kept in the log")
    with asked.context.storage.write() as conn:
        suppressions.remove(conn, asked.tenant_id, address, why=why, actor=asked.visitor.shown, now=asked.now)
        asked.note(conn, "did", "suppression lifted")
    return asked.to(f"/account/suppressions?{urlencode({'email': address})}")


ROUTES = [
    show("/account/suppressions", listing, Deed.SEE),
    act("/account/suppressions", add, Deed.CHANGE),
    act("/account/suppressions/lift", lift, Deed.CHANGE),
]


def _canonical(text: str) -> str:
    try:
        return parse_address(text).canonical
    except AddressError as error:
        raise RegistryError(f"the e-mail address: {error}") from error
