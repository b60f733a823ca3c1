"""``/desk/support``: what tenants wrote, what is overdue first, and answering them (R36)."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.support import threads
from relay.tenants import tenants
from relay.web.inside.correspondence import CorrespondenceSide
from relay.web.inside.gate import PageRequest, act, show

MOST_WAITING: Final = 100
_SIDE: Final = CorrespondenceSide("/desk/support", staff=True)


def listing(asked: PageRequest) -> Response:
    """Those that wait for an answer by their due date, and all by tenant, state and subject."""
    name = asked.query("tenant", 63)
    with asked.context.storage.read() as conn:
        owner = tenants.find(conn, name).id if name else None
        values = {
            **_SIDE.listed(conn, asked, owner),
            "waiting": threads.waiting(conn, MOST_WAITING),
            "tenant": name,
            "now": asked.now,
        }
    return asked.page("desk/support.html", values)


def begin(asked: PageRequest) -> Response:
    """A new thread with a tenant."""
    office = asked.context.office
    with asked.context.storage.write() as conn:
        owner = tenants.find(conn, asked.field("tenant", 63))
        made = threads.open_(
            conn, office.operator, office.base_url, owner.id, asked.field("subject"),
            asked.field("text", 2 * threads.MOST_TEXT), about=asked.field("about", 40), staff=True,
            actor=asked.visitor.shown, now=asked.now,
        )  # fmt: skip
        asked.note(conn, "did", f"thread {made.id}: opened with {owner.name}")
    return asked.to(f"/desk/support/{made.id}")


def one(asked: PageRequest) -> Response:
    """That somebody read it is in their log."""
    with asked.context.storage.write() as conn:
        row = _SIDE.find(conn, asked)
        asked.note(conn, "looked", f"thread {row.id}")
        values = {"row": row, "posts": threads.posts(conn, row.id), "now": asked.now, "writes": True}
    return asked.page("desk/thread.html", values)


ROUTES = [
    show("/desk/support", listing, Deed.DESK),
    act("/desk/support", begin, Deed.DESK),
    show("/desk/support/{id}", one, Deed.DESK),
    act("/desk/support/{id}/write", _SIDE.write, Deed.DESK),
    act("/desk/support/{id}/close", _SIDE.close, Deed.DESK),
]
