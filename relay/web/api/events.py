"""``/v1/events``: what happened, oldest first, behind a cursor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from relay.events import stream
from relay.events.stream import BEGIN, StreamEvent, StreamPlace
from relay.events.types import MEANINGS
from relay.mail.address import AddressError, parse_address
from relay.store.contract import Tx
from relay.web.api import cursors
from relay.web.api.models_events import EventList
from relay.web.api.once import tenant
from relay.web.api.openapi import ALWAYS, errors
from relay.web.api.parts import Cursor, Limit
from relay.web.context import Context
from relay.web.problems import Problem

router = APIRouter(prefix="/events", tags=["events"], responses=errors(*ALWAYS))

_SCANNED: Final = 5_000
"""Rows looked at for one page where most events are left out."""
_ANY: Final = "Only those of this"


@router.get("", response_model=EventList)
def get_events(
    request: Request,
    type: Annotated[
        list[str] | None, Query(max_length=40, description="Only these types; repeat it, or write commas.")
    ] = None,
    message: Annotated[str | None, Query(max_length=40, description=f"{_ANY} message.")] = None,
    recipient: Annotated[str | None, Query(min_length=3, max_length=320, description=f"{_ANY} address.")] = None,
    campaign: Annotated[str | None, Query(max_length=200, description=f"{_ANY} campaign.")] = None,
    tag: Annotated[str | None, Query(max_length=200, description=f"{_ANY} tag.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """What happened to messages and people, oldest first.

    Each page has a `next` cursor, the last one too: keep it, and ask again later for what happened since. The same
    cursor gives the same events, as long as they are kept. Where few events match, a page may be short or empty
    before the end: `ended` says whether it is.
    """
    types = _types(type or [])
    after = BEGIN if cursor is None else _place(cursor)
    wanted = _wanted(message, recipient, campaign, tag)
    scanned = stream.SCANNED if wanted is None else _SCANNED
    with Context.of(request).storage.read() as conn:
        return _page(conn, tenant(request), after, types, wanted, limit, scanned)


def _page(
    conn: Tx,
    tenant_id: int,
    after: StreamPlace,
    types: frozenset[str],
    wanted: Callable[[StreamEvent], bool] | None,
    limit: int,
    scanned: int,
) -> Response:
    page = stream.read(conn, tenant_id, after, types=types, wanted=wanted, limit=limit, scanned=scanned)
    following = cursors.write(page.place[0], page.place[1] + 1)
    body = stream.page_json(page, following)
    return Response(body, media_type="application/json")


def _place(cursor: str) -> StreamPlace:
    row, number = cursors.read(cursor, int, int)
    assert isinstance(row, int) and isinstance(number, int)
    return row, number - 1


def _types(given: list[str]) -> frozenset[str]:
    names = {name.strip() for text in given for name in text.split(",") if name.strip()}
    if unknown := sorted(names - MEANINGS.keys()):
        raise Problem("invalid", f"type: there is no {unknown[0][:60]!r}; there are {', '.join(MEANINGS)}")
    return frozenset(names)


def _wanted(
    message: str | None, recipient: str | None, campaign: str | None, tag: str | None
) -> Callable[[StreamEvent], bool] | None:
    asked: dict[str, str] = {
        name: value for name, value in (("message", message), ("campaign", campaign), ("tag", tag)) if value is not None
    }
    canonical = None if recipient is None else _canonical(recipient)
    if not asked and canonical is None:
        return None

    def wanted(event: StreamEvent) -> bool:
        if any(getattr(event, name) != value for name, value in asked.items()):
            return False
        return canonical is None or (event.recipient is not None and _canonical(event.recipient) == canonical)

    return wanted


def _canonical(text: str) -> str:
    try:
        return parse_address(text.strip()).canonical
    except AddressError:
        return text.strip().lower()
