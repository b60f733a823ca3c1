"""``/v1/webhooks``: which URLs are called of what happens; test, replay, keys, and what was answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from relay.events import stream
from relay.store.contract import Tx
from relay.values.errors import RegistryError
from relay.web.api import cursors
from relay.web.api.consent_list import moment
from relay.web.api.models_webhooks import (
    ReplayIn,
    ReplayOut,
    TestOut,
    TryList,
    TryOut,
    WebhookChange,
    WebhookIn,
    WebhookList,
    WebhookMade,
    WebhookOut,
)
from relay.web.api.once import Key, once, tenant
from relay.web.api.openapi import ALWAYS, REPLAY, WITH_BODY, errors
from relay.web.api.parts import Cursor, Limit
from relay.web.api.strict import STRICT_JSON
from relay.web.context import Context
from relay.web.problems import Problem
from relay.webhooks import book, keys, tries
from relay.webhooks.book import WebhookRow
from relay.webhooks.tries import ReplayWish
from relay.webhooks.try_out import try_out
from relay.webhooks.turn import SigningKeys

T = TypeVar("T")

router = APIRouter(prefix="/webhooks", tags=["webhooks"], responses=errors(*ALWAYS))


@router.get("")
def get_webhooks(request: Request) -> WebhookList:
    """All webhooks of the tenant."""
    context = Context.of(request)
    with context.storage.read() as conn:
        rows = book.of_tenant(conn, tenant(request))
        return WebhookList(webhooks=[_out(conn, row, context.clock()) for row in rows])


@router.post("", status_code=201, dependencies=STRICT_JSON, responses=errors(409, *WITH_BODY))
def add_webhook(request: Request, given: WebhookIn) -> WebhookMade:
    """Call a URL of what happens from now on.

    The answer has the secret, this once: it is kept sealed, so there is no repeat by Idempotency-Key. A URL that is
    called already is refused (409): look for it in the list, and `rotate` it if its secret is lost.
    """
    context, tenant_id, now = Context.of(request), tenant(request), Context.of(request).clock()
    with context.storage.write() as conn:
        if any(row.url == given.url and row.ended_at is None for row in book.of_tenant(conn, tenant_id)):
            raise Problem("exists", "that URL is called already")
        row, made = _told(
            lambda: book.add(
                conn,
                context.secrets,
                tenant_id,
                given.url,
                given.events,
                allow_private=context.callout.allow_private,
                actor="api",
                now=now,
            )
        )
        return WebhookMade(**_out(conn, row, now).model_dump(), secret=keys.secret_text(made))


@router.get("/{id}", responses=errors(404))
def get_webhook(request: Request, id: str) -> WebhookOut:
    """One webhook."""
    context = Context.of(request)
    with context.storage.read() as conn:
        return _out(conn, _find(conn, tenant(request), id), context.clock())


@router.patch(
    "/{id}",
    response_model=WebhookOut,
    dependencies=STRICT_JSON,
    responses={200: REPLAY, **errors(404, 409, *WITH_BODY)},
)
def change_webhook(request: Request, id: str, given: WebhookChange, key: Key = None) -> Response:
    """Change its URL or its types of events."""
    context, tenant_id = Context.of(request), tenant(request)

    def act(conn: Tx) -> WebhookOut:
        now, row = context.clock(), _find(conn, tenant_id, id)
        changed = _told(
            lambda: book.change(
                conn,
                row,
                url=given.url,
                types=given.events,
                allow_private=context.callout.allow_private,
                actor="api",
                now=now,
            )
        )
        return _out(conn, changed, now)

    return once(request, key, given, act, 200)


@router.delete("/{id}", status_code=204, responses=errors(404))
def remove_webhook(request: Request, id: str) -> Response:
    """Call it no more, and forget its log."""
    context = Context.of(request)
    with context.storage.write() as conn:
        book.remove(conn, _find(conn, tenant(request), id), actor="api", now=context.clock())
    return Response(status_code=204)


@router.post("/{id}/test", responses=errors(404))
async def test_webhook(request: Request, id: str) -> TestOut:
    """Send an event of the type `webhook.test` now, and see the answer; one that has ended goes on if it is 2xx."""
    context, tenant_id = Context.of(request), tenant(request)
    place = ("webhook-test", tenant_id)
    if not context.running.take(place, 2):
        raise Problem("limit", "two tests are running; one has to end first")
    try:
        row, ready = await run_in_threadpool(_ready, context, tenant_id, id)
        answer = await try_out(context.callout.client(), row, ready, context.callout.allow_private, context.clock())
        resumed = answer.ok and row.ended_at is not None
        if resumed:
            await run_in_threadpool(_resume, context, row)
    finally:
        context.running.give_back(place)
    return TestOut(
        ok=answer.ok,
        status=answer.status,
        took_ms=int(answer.took_s * 1000),
        says=answer.text[: tries.SAYS],
        resumed=resumed,
    )


@router.post(
    "/{id}/replay",
    response_model=ReplayOut,
    status_code=202,
    dependencies=STRICT_JSON,
    responses={202: REPLAY, **errors(404, 409, *WITH_BODY)},
)
def replay_events(request: Request, id: str, given: ReplayIn, key: Key = None) -> Response:
    """Send events once more, under their own ids: by id, those of a time, or those that were never answered well."""
    context, tenant_id = Context.of(request), tenant(request)
    since, until = (None if one is None else one.timestamp() for one in (given.since, given.until))

    def act(conn: Tx) -> ReplayOut:
        row = _find(conn, tenant_id, id)
        wish = ReplayWish(tuple(given.events), since, until, given.failed)
        return ReplayOut(queued=_told(lambda: tries.replay(conn, row, wish, context.clock())))

    return once(request, key, given, act, 202)


@router.post("/{id}/rotate", responses=errors(404))
def rotate_key(request: Request, id: str) -> WebhookMade:
    """Make a new key, shown this once. The one before signs beside it for 24 hours."""
    context, tenant_id, now = Context.of(request), tenant(request), Context.of(request).clock()
    with context.storage.write() as conn:
        row = _find(conn, tenant_id, id)
        made = book.rotate(conn, context.secrets, row, actor="api", now=now)
        return WebhookMade(**_out(conn, row, now).model_dump(), secret=keys.secret_text(made))


@router.get("/{id}/tries", responses=errors(404))
def get_tries(request: Request, id: str, cursor: Cursor = None, limit: Limit = 100) -> TryList:
    """What was tried and what its server answered, the newest first."""
    before = None if cursor is None else int(cursors.read(cursor, int)[0])
    with Context.of(request).storage.read() as conn:
        row = _find(conn, tenant(request), id)
        found = tries.log(conn, row.id, before=before, limit=limit + 1)
    shown = [
        TryOut(
            at=moment(one.at),
            event=stream.event_id(one.place),
            type=one.type,
            number=one.number,
            status=one.status,
            took_ms=one.took_ms,
            says=one.says,
        )
        for _, one in found[:limit]
    ]
    return TryList(tries=shown, next=cursors.write(found[limit - 1][0]) if len(found) > limit else None)


# --- the work ----------------------------------------------------------------------


def _find(conn: Tx, tenant_id: int, text: str) -> WebhookRow:
    try:
        return book.find(conn, tenant_id, book.id_of(text))
    except RegistryError:
        raise Problem("not-found", "the tenant has no such webhook") from None


def _ready(context: Context, tenant_id: int, text: str) -> tuple[WebhookRow, SigningKeys]:
    with context.storage.read() as conn:
        row = _find(conn, tenant_id, text)
        return row, book.signing(conn, context.secrets, row.id, context.clock())


def _resume(context: Context, row: WebhookRow) -> None:
    with context.storage.write() as conn:
        book.resume(conn, row, actor="api", now=context.clock())


def _out(conn: Tx, row: WebhookRow, now: float) -> WebhookOut:
    return WebhookOut(
        id=row.word,
        url=row.url,
        events=book.checked(row.types),
        state=row.state,
        why=row.ended_why,
        created_at=moment(row.created_at),
        failing_since_at=None if row.failing_since is None else moment(row.failing_since),
        ended_at=None if row.ended_at is None else moment(row.ended_at),
        waiting=tries.waiting(conn, row.id)[0],
        public_keys=list(book.public_keys(conn, row.id, now)),
    )


def _told(work: Callable[[], T]) -> T:
    """What the registry refuses, as a problem."""
    try:
        return work()
    except RegistryError as error:
        raise Problem("webhook", str(error)) from error
