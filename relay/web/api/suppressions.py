"""``/v1/suppressions``: who gets nothing more, why; added, lifted, in and out by the thousand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from relay.audit import actions
from relay.lists.list_write import escape
from relay.lists.stopping import suppress
from relay.people import suppressions
from relay.people.suppressions import SuppressionRow
from relay.store.contract import Tx
from relay.store.pool import Storage
from relay.values.errors import RegistryError
from relay.values.facts import Reason
from relay.web import export, problems
from relay.web.api import cursors
from relay.web.api.consent_list import moment
from relay.web.api.models import ProblemOut
from relay.web.api.models_account import (
    Lifted,
    SuppressedOut,
    SuppressionImport,
    SuppressionIn,
    SuppressionItem,
    SuppressionList,
    SuppressionResults,
    SuppressionRowOut,
)
from relay.web.api.once import Key, once, tenant
from relay.web.api.openapi import ALWAYS, EXPORTED, REPLAY, WITH_BODY, errors
from relay.web.api.parts import Cursor, EmailQuery, Limit, address_of
from relay.web.api.strict import STRICT_JSON
from relay.web.context import Context
from relay.web.problems import TYPES, Problem

router = APIRouter(prefix="/suppressions", tags=["suppressions"], responses=errors(*ALWAYS))

STEP = 500


@router.get("")
def get_suppressions(
    request: Request,
    email: Annotated[str | None, Query(min_length=3, max_length=320)] = None,
    reason: Reason | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> SuppressionList:
    """Who gets nothing more, by address."""
    address = None if email is None else address_of(email).canonical
    with Context.of(request).storage.read() as conn:
        return _page(conn, tenant(request), address, reason, cursor, limit)


@router.post(
    "",
    status_code=201,
    response_model=SuppressedOut,
    dependencies=STRICT_JSON,
    responses={201: REPLAY, **errors(409, *WITH_BODY)},
)
def add_suppression(request: Request, given: SuppressionIn, key: Key = None) -> Response:
    """Suppress an address for all of the tenant's mail; `unsubscribed` ends its consents too."""
    context, tenant_id = Context.of(request), tenant(request)
    return once(request, key, given, lambda conn: _add(context, conn, tenant_id, given), 201)


@router.post(
    "/import",
    response_model=SuppressionResults,
    dependencies=STRICT_JSON,
    responses={200: REPLAY, **errors(409, *WITH_BODY)},
)
def import_suppressions(request: Request, given: SuppressionImport, key: Key = None) -> Response:
    """Suppress up to 1000 addresses, each with a result of its own."""
    context, tenant_id = Context.of(request), tenant(request)

    def act(conn: Tx) -> SuppressionResults:
        results = [_item(context, conn, tenant_id, one) for one in given.suppressions]
        added = sum(result.suppression is not None and result.suppression.changed for result in results)
        refused = sum(result.problem is not None for result in results)
        return SuppressionResults(added=added, refused=refused, results=results)

    return once(request, key, given, act, 200)


@router.get("/export", response_class=Response, responses={200: EXPORTED, **errors(429)})
def export_suppressions(request: Request, format: Literal["jsonl", "csv"] = "jsonl") -> Response:
    """All suppressions as a stream: JSON lines, or CSV with the columns of `relay suppression export`."""
    context, tenant_id = Context.of(request), tenant(request)
    place = ("export", tenant_id)
    if not context.running.take(place, export.MOST):
        raise Problem("limit", f"{export.MOST} exports are running; one has to end first")
    lines = _lines(context.storage, tenant_id, format)
    return export.Export(lines, format, lambda: context.running.give_back(place), name="suppressions")


@router.delete("", responses=errors(404, 409))
def lift_suppression(
    request: Request, email: EmailQuery, why: Annotated[str, Query(min_length=1, max_length=1_000)]
) -> Lifted:
    """Lift what stops an address; never the person's own unsubscribing, which only its double opt-in lifts."""
    context, address = Context.of(request), address_of(email).canonical
    with context.storage.write() as conn:
        try:
            lifted = suppressions.remove(conn, tenant(request), address, why=why, actor="api", now=context.clock())
        except RegistryError as error:
            raise Problem("not-suppressed", str(error)) from error
    return Lifted(email=address, lifted=[reason.value for reason in lifted])


# --- the work ----------------------------------------------------------------------


def _add(context: Context, conn: Tx, tenant_id: int, given: SuppressionIn) -> SuppressedOut:
    address, now = address_of(given.email).canonical, context.clock()
    detail = " ".join(given.detail.split())
    if not detail.isprintable():
        raise Problem("invalid", "detail: one line of printable text")
    new = suppress(conn, tenant_id, address, given.reason, detail=detail, means="api", now=now)
    if new:
        told = {"address": address, "reason": given.reason.value, "detail": detail}
        actions.record(conn, "api", "suppression-added", tenant_id, told, now)
    return SuppressedOut(email=address, reason=given.reason.value, changed=new)


def _item(context: Context, conn: Tx, tenant_id: int, given: SuppressionIn) -> SuppressionItem:
    try:
        return SuppressionItem(status=201, suppression=_add(context, conn, tenant_id, given))
    except Problem as problem:
        status = TYPES[problem.word][0]
        members = problems.document(status, base_url=context.views.base_url, word=problem.word, detail=problem.detail)
        return SuppressionItem(status=status, problem=ProblemOut.model_validate(members))


def _page(
    conn: Tx, tenant_id: int, address: str | None, reason: Reason | None, cursor: str | None, limit: int
) -> SuppressionList:
    after = None if cursor is None else cursors.read(cursor, str, int, str)
    rows = suppressions.page(conn, tenant_id, address=address, reason=reason, after=after, limit=limit + 1)
    following = None
    if len(rows) > limit:
        following = cursors.write(*rows[limit - 1][0])
    return SuppressionList(suppressions=[_row(row) for _, row in rows[:limit]], next=following)


def _row(row: SuppressionRow) -> SuppressionRowOut:
    return SuppressionRowOut(
        email=row.address,
        reason=row.reason.value,
        topic=row.topic,
        since_at=moment(row.since_at),
        detail=row.detail,
    )


def _lines(storage: Storage, tenant_id: int, kind: str) -> Iterator[bytes]:
    """In pages, so that a slow reader holds nothing."""
    columns = ("email", "reason", "topic", "since_at", "detail")
    if kind == "csv":
        yield export.csv_rows([columns])
    cursor: str | None = None
    while True:
        with storage.read() as conn:
            page = _page(conn, tenant_id, None, None, cursor, STEP)
        if kind == "jsonl":
            yield b"".join(one.model_dump_json().encode() + b"\n" for one in page.suppressions)
        else:
            rows = [one.model_dump(mode="json") | {"topic": one.topic or "*"} for one in page.suppressions]
            yield export.csv_rows([[escape(row[name]) for name in columns] for row in rows])
        if page.next is None:
            return
        cursor = page.next
