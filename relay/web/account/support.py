"""``/account/support``: writing with the operator's staff (R32, R36)."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.conduct import statements
from relay.support import threads
from relay.support.values import ThreadKind
from relay.web.inside.correspondence import CorrespondenceSide
from relay.web.inside.gate import PageRequest, act, show

LATEST: Final = 10
_SIDE: Final = CorrespondenceSide("/account/support", staff=False)


def listing(asked: PageRequest) -> Response:
    """Threads by subject and state, statements of reasons, and a form for a new one."""
    with asked.context.storage.read() as conn:
        about = threads.about_of(conn, asked.tenant_id, asked.query("about", 40))
        values = {
            **_SIDE.listed(conn, asked, asked.tenant_id),
            "about": about,
            "statements": statements.listing(conn, asked.tenant_id, limit=LATEST),
            "writes": asked.visitor.may(Deed.TAKE),
        }
    return asked.page("account/support.html", values)


def begin(asked: PageRequest) -> Response:
    """A new thread."""
    kind = ThreadKind.CLAIM if asked.field("kind", 10) == ThreadKind.CLAIM else ThreadKind.QUESTION
    office = asked.context.office
    with asked.context.storage.write() as conn:
        made = threads.open_(
            conn, office.operator, office.base_url, asked.tenant_id, asked.field("subject"),
            asked.field("text", 2 * threads.MOST_TEXT), kind=kind, about=asked.field("about", 40),
            actor=asked.visitor.shown, now=asked.now,
        )  # fmt: skip
        asked.note(conn, "did", f"thread {made.id}: opened")
    return asked.to(f"/account/support/{made.id}")


def one(asked: PageRequest) -> Response:
    with asked.context.storage.read() as conn:
        row = _SIDE.find(conn, asked)
        values = {"row": row, "posts": threads.posts(conn, row.id), "writes": asked.visitor.may(Deed.TAKE)}
    return asked.page("account/thread.html", values)


ROUTES = [
    show("/account/support", listing, Deed.SEE),
    act("/account/support", begin, Deed.TAKE),
    show("/account/support/{id}", one, Deed.SEE),
    act("/account/support/{id}/write", _SIDE.write, Deed.TAKE),
    act("/account/support/{id}/close", _SIDE.close, Deed.TAKE),
]
