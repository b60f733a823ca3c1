"""``/account/contests``: people who say that they never agreed, and the tenant's answer in its term."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.contests import answer, rows
from relay.contests.told import told
from relay.contests.values import Contest, ContestError, ContestState, Evidence
from relay.store.contract import Tx
from relay.values.errors import RegistryError
from relay.web.inside.gate import PageRequest, act, show

LENGTH: Final = 25


def listing(asked: PageRequest) -> Response:
    with asked.context.storage.read() as conn:
        found = rows.of_tenant(conn, asked.tenant_id, before=asked.before(), limit=LENGTH + 1)
        shown = told(conn, found[:LENGTH])
    following = found[LENGTH - 1].id if len(found) > LENGTH else None
    return asked.page("account/contests.html", {"rows": shown, "following": following})


def one(asked: PageRequest) -> Response:
    with asked.context.storage.read() as conn:
        found = _find(conn, asked)
        shown = told(conn, [found])[0]
    open_ = found.state in (ContestState.OPEN, ContestState.ANSWERED) and asked.visitor.may(Deed.CHANGE)
    return asked.page("account/contest.html", {"row": shown, "open": open_})


def reply(asked: PageRequest) -> Response:
    """Say how and where the person agreed, in text; they read it and have the last word."""
    with asked.context.storage.write() as conn:
        found = _find(conn, asked)
        evidence = Evidence(asked.field("text", 20_000))
        try:
            answer.answer(conn, asked.tenant_id, found.id, evidence, actor=asked.visitor.shown, now=asked.now)
        except ContestError as error:
            raise RegistryError(str(error)) from error
        asked.note(conn, "did", f"contest {found.id}: answered")
    return asked.to(f"/account/contests/{found.id}")


def concede(asked: PageRequest) -> Response:
    """There is no proof: the consent falls for good."""
    with asked.context.storage.write() as conn:
        found = _find(conn, asked)
        try:
            answer.concede(conn, asked.tenant_id, found.id, actor=asked.visitor.shown, now=asked.now)
        except ContestError as error:
            raise RegistryError(str(error)) from error
        asked.note(conn, "did", f"contest {found.id}: conceded")
    return asked.to(f"/account/contests/{found.id}")


ROUTES = [
    show("/account/contests", listing, Deed.SEE),
    show("/account/contests/{id}", one, Deed.SEE),
    act("/account/contests/{id}/answer", reply, Deed.CHANGE),
    act("/account/contests/{id}/concede", concede, Deed.CHANGE),
]


def _find(conn: Tx, asked: PageRequest) -> Contest:
    found = rows.by_id(conn, asked.tenant_id, asked.number())
    if found is None:
        raise HTTPException(404)
    return found
