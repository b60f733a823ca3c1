"""``/desk/support``: what tenants wrote, what is overdue first, and answering them (R36)."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.store.contract import Tx
from relay.support import threads
from relay.support.values import SupportThread, ThreadState
from relay.tenants import tenants
from relay.values.errors import RegistryError
from relay.web.inside.gate import PageRequest, act, show

LENGTH: Final = 50
MOST_WAITING: Final = 100


def listing(asked: PageRequest) -> Response:
    """Those that wait for an answer by their due date, and all by tenant, state and subject."""
    state, sought, name = asked.query("state", 10), asked.query("q", 100), asked.query("tenant", 63)
    if state not in {*ThreadState, ""}:
        raise HTTPException(404)
    with asked.context.storage.read() as conn:
        owner = tenants.find(conn, name).id if name else None
        rows = threads.listing(conn, owner, state, sought, asked.before(), LENGTH + 1)
        values = {
            "waiting": threads.waiting(conn, MOST_WAITING),
            "rows": rows[:LENGTH],
            "following": rows[LENGTH - 1].id if len(rows) > LENGTH else None,
            "states": list(ThreadState),
            "state": state,
            "sought": sought,
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
        row = _find(conn, asked)
        asked.note(conn, "looked", f"thread {row.id}")
        values = {"row": row, "posts": threads.posts(conn, row.id), "now": asked.now, "writes": True}
    return asked.page("desk/thread.html", values)


def write(asked: PageRequest) -> Response:
    office = asked.context.office
    with asked.context.storage.write() as conn:
        row = _find(conn, asked)
        text = asked.field("text", 2 * threads.MOST_TEXT)
        threads.write(
            conn, office.operator, office.base_url, row, text, staff=True, actor=asked.visitor.shown, now=asked.now
        )
        asked.note(conn, "did", f"thread {row.id}: answered")
    return asked.to(f"/desk/support/{row.id}")


def close(asked: PageRequest) -> Response:
    with asked.context.storage.write() as conn:
        row = threads.close(conn, _find(conn, asked), actor=asked.visitor.shown, now=asked.now)
        asked.note(conn, "did", f"thread {row.id}: closed")
    return asked.to("/desk/support")


ROUTES = [
    show("/desk/support", listing, Deed.DESK),
    act("/desk/support", begin, Deed.DESK),
    show("/desk/support/{id}", one, Deed.DESK),
    act("/desk/support/{id}/write", write, Deed.DESK),
    act("/desk/support/{id}/close", close, Deed.DESK),
]


def _find(conn: Tx, asked: PageRequest) -> SupportThread:
    try:
        return threads.by_id(conn, asked.number())
    except RegistryError:
        raise HTTPException(404) from None
