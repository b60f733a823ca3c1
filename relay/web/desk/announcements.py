"""``/desk/announcements``: planned work and notices, as ``relay announce`` does it (R35)."""

from __future__ import annotations

import re
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.announcements import book
from relay.announcements.book import AnnouncementWish
from relay.announcements.values import Announcement, AnnouncementKind
from relay.store.contract import Tx
from relay.values.errors import RegistryError
from relay.web.inside.gate import PageRequest, act, show
from relay.web.inside.moments import moment_of

LENGTH: Final = 50
_NAMED: Final = re.compile(r"[\s,;]+")
_BLANK: Final = {"kind": "work", "title": "", "text": "", "from": "", "until": "", "tenants": "", "urgent": ""}
_MOST: Final = {"text": 2 * book.MOST_TEXT, "tenants": 40_000}


def listing(asked: PageRequest) -> Response:
    return _page(asked, _BLANK, "")


def _page(asked: PageRequest, given: dict[str, str], fault: str) -> Response:
    """The list and the form; after a fault with what was written in it."""
    with asked.context.storage.read() as conn:
        rows = book.listing(conn, asked.now, before=asked.before(), limit=LENGTH + 1)
    values: dict[str, Any] = {
        "rows": rows[:LENGTH],
        "following": rows[LENGTH - 1].id if len(rows) > LENGTH else None,
        "now": asked.now,
        "operates": asked.visitor.may(Deed.OPERATE),
        "kinds": list(AnnouncementKind),
        "given": given,
        "fault": fault,
    }
    return asked.page("desk/announcements.html", values, 422 if fault else 200)


def add(asked: PageRequest) -> Response:
    """A new one; what can't be taken comes back in the form."""
    given = {name: asked.field(name, _MOST.get(name, 1_000)) for name in _BLANK}
    try:
        wish = _wish(given, asked.now)
        with asked.context.storage.write() as conn:
            made = book.add(conn, wish, actor=asked.visitor.shown, now=asked.now)
            asked.note(conn, "did", f"announcement {made.id}: made")
    except RegistryError as error:
        return _page(asked, given, str(error))
    return asked.to(f"/desk/announcements/{made.id}")


def _wish(given: dict[str, str], now: float) -> AnnouncementWish:
    kind = given["kind"]
    if kind not in {*AnnouncementKind}:
        raise RegistryError("say whether it is planned work or a notice")
    if not given["until"]:
        raise RegistryError("say until when")
    return AnnouncementWish(
        kind=AnnouncementKind(kind),
        title=given["title"],
        text=given["text"],
        from_at=moment_of(given["from"]) if given["from"] else now,
        until_at=moment_of(given["until"]),
        tenants=tuple(name for name in _NAMED.split(given["tenants"]) if name),
        urgent=given["urgent"],
    )


def one(asked: PageRequest) -> Response:
    with asked.context.storage.read() as conn:
        row = _find(conn, asked)
        named = book.names(conn, row)
    operates = asked.visitor.may(Deed.OPERATE)
    return asked.page("desk/announcement.html", {"row": row, "named": named, "now": asked.now, "operates": operates})


def withdraw(asked: PageRequest) -> Response:
    with asked.context.storage.write() as conn:
        row = _find(conn, asked)
        book.withdraw(conn, row, reason=asked.field("reason"), actor=asked.visitor.shown, now=asked.now)
        asked.note(conn, "did", f"announcement {row.id}: withdrawn")
    return asked.to(f"/desk/announcements/{row.id}")


def _find(conn: Tx, asked: PageRequest) -> Announcement:
    try:
        return book.by_id(conn, asked.number())
    except RegistryError:
        raise HTTPException(404) from None


ROUTES = [
    show("/desk/announcements", listing, Deed.DESK),
    act("/desk/announcements", add, Deed.OPERATE),
    show("/desk/announcements/{id}", one, Deed.DESK),
    act("/desk/announcements/{id}/withdraw", withdraw, Deed.OPERATE),
]
