"""``/account/announcements``: what the operator announced (R35), and putting a band away from one's pages."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.announcements import book
from relay.announcements.values import Announcement
from relay.store.contract import Tx
from relay.values.errors import RegistryError
from relay.web.inside.gate import PageRequest, act, own_page, show

LENGTH: Final = 50
HOME: Final = "/account/"


def listing(asked: PageRequest) -> Response:
    with asked.context.storage.read() as conn:
        rows = book.of_tenant(conn, asked.tenant_id, asked.now, before=asked.before(), limit=LENGTH + 1)
    following = rows[LENGTH - 1].id if len(rows) > LENGTH else None
    return asked.page("account/announcements.html", {"rows": rows[:LENGTH], "following": following, "now": asked.now})


def one(asked: PageRequest) -> Response:
    with asked.context.storage.read() as conn:
        values = {"row": _find(conn, asked), "now": asked.now}
    return asked.page("account/announcement.html", values)


def away(asked: PageRequest) -> Response:
    """No band any more for this log-in; back to the page where it was."""
    with asked.context.storage.write() as conn:
        book.put_away(conn, _find(conn, asked), asked.visitor.login_id)
    return asked.to(own_page(asked.field("back", 300), (HOME,)) or HOME)


def _find(conn: Tx, asked: PageRequest) -> Announcement:
    """Of one that is for others nobody learns that it is there."""
    try:
        return book.of_tenant_by_id(conn, asked.tenant_id, asked.number())
    except RegistryError:
        raise HTTPException(404) from None


ROUTES = [
    show("/account/announcements", listing, Deed.SEE),
    show("/account/announcements/{id}", one, Deed.SEE),
    act("/account/announcements/{id}/away", away, Deed.SEE),
]
