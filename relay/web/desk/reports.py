"""``/desk/reports``: spam reports to look at, answers of tenants to decide on, and customers with several accounts."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.conduct import letters, rates, second_accounts, statements
from relay.conduct.statements import Statement
from relay.feedback import public_report
from relay.store.contract import Tx
from relay.support import appeals, threads
from relay.values.errors import RegistryError
from relay.web.inside.gate import PageRequest, act, show

MOST_LOOPS: Final = 50


def listing(asked: PageRequest) -> Response:
    with asked.context.storage.read() as conn:
        values = {
            "reports": public_report.listing(conn, limit=100),
            "answers": statements.listing(conn, unanswered=True),
            "alike": second_accounts.groups(conn),
            "loops": rates.reporters(conn, MOST_LOOPS),
        }
    return asked.page("desk/reports.html", values)


def one(asked: PageRequest) -> Response:
    """With all that was pasted; that somebody read it is in their log."""
    with asked.context.storage.write() as conn:
        try:
            row = public_report.by_id(conn, asked.number())
        except RegistryError:
            raise HTTPException(404) from None
        asked.note(conn, "looked", f"report {row.id}")
    return asked.page("desk/report.html", {"row": row})


def close(asked: PageRequest) -> Response:
    number = asked.number()
    with asked.context.storage.write() as conn:
        public_report.close(conn, number, asked.field("note", 2_000), actor=asked.visitor.shown, now=asked.now)
        asked.note(conn, "did", f"report {number}: closed")
    return asked.to("/desk/reports")


def statement(asked: PageRequest) -> Response:
    """A statement of reasons with the tenant's answer."""
    with asked.context.storage.read() as conn:
        row = _find(conn, asked)
        thread = threads.about(conn, row.tenant_id, f"statement:{row.id}")
    key = f"conduct.{row.action}.subject"
    values = {
        "row": row,
        "said": asked.language.plain(key, tenant=row.tenant) if asked.language.has(key) else row.action,
        "facts": [letters.fact(asked.language, fact) for fact in row.facts],
        "rule": letters.rule(asked.language, row.rule),
        "thread": thread,
    }
    return asked.page("desk/statement.html", values)


def decide(asked: PageRequest) -> Response:
    """Tell the tenant what came of its answer; what was done is undone on its page."""
    with asked.context.storage.write() as conn:
        row = _find(conn, asked)
        office = asked.context.office
        appeals.decide(
            conn, office.operator, office.base_url, row, asked.field("text", 2_000), actor=asked.visitor.shown,
            now=asked.now,
        )  # fmt: skip
        asked.note(conn, "did", f"statement {row.id}: decided")
    return asked.to("/desk/reports")


ROUTES = [
    show("/desk/reports", listing, Deed.DESK),
    show("/desk/reports/{id}", one, Deed.JUDGE),
    act("/desk/reports/{id}/close", close, Deed.JUDGE),
    show("/desk/statements/{id}", statement, Deed.DESK),
    act("/desk/statements/{id}/decide", decide, Deed.JUDGE),
]


def _find(conn: Tx, asked: PageRequest) -> Statement:
    try:
        return statements.by_id(conn, asked.number())
    except RegistryError:
        raise HTTPException(404) from None
