"""``/account/statements``: why something was done to the account, and objecting to it (R24)."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.conduct import letters, statements
from relay.conduct.statements import MOST_TEXT, Statement
from relay.store.contract import Tx
from relay.support import appeals, threads
from relay.values.errors import RegistryError
from relay.web.inside.gate import PageRequest, act, show


def one(asked: PageRequest) -> Response:
    """Facts, rule, who decided, what was answered and decided on that."""
    with asked.context.storage.read() as conn:
        row = _find(conn, asked)
        thread = threads.about(conn, asked.tenant_id, f"statement:{row.id}")
        title = appeals.subject_of(conn, row)
    values = {
        "row": row,
        "title": title,
        "about": letters.about(asked.language, row) if row.about else "",
        "facts": [letters.fact(asked.language, fact) for fact in row.facts],
        "rule": letters.rule(asked.language, row.rule),
        "thread": thread,
        "writes": asked.visitor.may(Deed.TAKE),
    }
    return asked.page("account/statement.html", values)


def answer(asked: PageRequest) -> Response:
    """Object or explain; it is a thread from then on."""
    office = asked.context.office
    with asked.context.storage.write() as conn:
        row = _find(conn, asked)
        text = asked.field("text", 2 * MOST_TEXT)
        appeals.answer(
            conn, office.operator, office.base_url, row, text, actor=asked.visitor.shown, now=asked.now
        )  # fmt: skip
        asked.note(conn, "did", f"statement {row.id}: answered")
        thread = threads.about(conn, asked.tenant_id, f"statement:{row.id}")
    return asked.to(f"/account/support/{thread.id}" if thread is not None else f"/account/statements/{row.id}")


ROUTES = [
    show("/account/statements/{id}", one, Deed.SEE),
    act("/account/statements/{id}/answer", answer, Deed.TAKE),
]


def _find(conn: Tx, asked: PageRequest) -> Statement:
    try:
        return statements.by_id(conn, asked.number(), asked.tenant_id)
    except RegistryError:
        raise HTTPException(404) from None
