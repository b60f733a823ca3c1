"""``/account/support``: writing with the operator's staff (R32, R36)."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.conduct import statements
from relay.store.contract import Tx
from relay.support import threads
from relay.support.values import SupportThread, ThreadKind, ThreadState
from relay.values.errors import RegistryError
from relay.web.inside.gate import PageRequest, act, show

LENGTH: Final = 50
LATEST: Final = 10


def listing(asked: PageRequest) -> Response:
    """Threads by subject and state, statements of reasons, and a form for a new one."""
    state, sought = asked.query("state", 10), asked.query("q", 100)
    if state not in {*ThreadState, ""}:
        raise HTTPException(404)
    with asked.context.storage.read() as conn:
        rows = threads.listing(conn, asked.tenant_id, state, sought, asked.before(), LENGTH + 1)
        about = threads.about_of(conn, asked.tenant_id, asked.query("about", 40))
        values = {
            "rows": rows[:LENGTH],
            "following": rows[LENGTH - 1].id if len(rows) > LENGTH else None,
            "states": list(ThreadState),
            "state": state,
            "sought": sought,
            "about": about,
            "statements": statements.listing(conn, asked.tenant_id, limit=LATEST),
            "writes": asked.visitor.may(Deed.CHANGE),
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
        row = _find(conn, asked)
        values = {"row": row, "posts": threads.posts(conn, row.id), "writes": asked.visitor.may(Deed.CHANGE)}
    return asked.page("account/thread.html", values)


def write(asked: PageRequest) -> Response:
    office = asked.context.office
    with asked.context.storage.write() as conn:
        row = _find(conn, asked)
        text = asked.field("text", 2 * threads.MOST_TEXT)
        threads.write(
            conn, office.operator, office.base_url, row, text, staff=False, actor=asked.visitor.shown, now=asked.now
        )
        asked.note(conn, "did", f"thread {row.id}: written")
    return asked.to(f"/account/support/{row.id}")


def close(asked: PageRequest) -> Response:
    with asked.context.storage.write() as conn:
        row = threads.close(conn, _find(conn, asked), actor=asked.visitor.shown, now=asked.now)
        asked.note(conn, "did", f"thread {row.id}: closed")
    return asked.to("/account/support")


ROUTES = [
    show("/account/support", listing, Deed.SEE),
    act("/account/support", begin, Deed.CHANGE),
    show("/account/support/{id}", one, Deed.SEE),
    act("/account/support/{id}/write", write, Deed.CHANGE),
    act("/account/support/{id}/close", close, Deed.CHANGE),
]


def _find(conn: Tx, asked: PageRequest) -> SupportThread:
    try:
        return threads.by_id(conn, asked.number(), asked.tenant_id)
    except RegistryError:
        raise HTTPException(404) from None
