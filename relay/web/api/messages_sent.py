"""``/v1/messages`` once they are sent: listing them, one with its story, changing and cancelling what hasn't left."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request

from relay.queue import sent, trace
from relay.queue.sent import OwnSent, SentWanted
from relay.queue.trace import TraceStep
from relay.store.contract import Tx
from relay.values.ids import decode_id
from relay.web.api import cursors
from relay.web.api.consent_list import moment
from relay.web.api.models import Moment
from relay.web.api.models_messages import (
    FURTHEST_S,
    CopyOut,
    HoldOut,
    MessageBrief,
    MessageCancelled,
    MessageChange,
    MessageList,
    MessageOut,
    StepOut,
)
from relay.web.api.once import tenant
from relay.web.api.openapi import ALWAYS, WITH_BODY, errors
from relay.web.api.parts import Cursor, Limit
from relay.web.api.strict import STRICT_JSON
from relay.web.context import Context
from relay.web.problems import Problem, Wrong

router = APIRouter(prefix="/messages", tags=["messages"], responses=errors(*ALWAYS))
States = Literal[
    "ready", "leased", "held", "delivered", "bounced", "expired", "cancelled", "declined", "withdrawn"
]  # fmt: skip
ACTOR: Final = "api"
Named = Annotated[str, Query(max_length=200)]


@router.get("")
def get_messages(
    request: Request,
    recipient: Annotated[str, Query(max_length=320, description="An address, `@domain`, or a part of one.")] = "",
    tag: Named = "",
    campaign: Named = "",
    state: States | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    subject: Annotated[str, Query(max_length=200, description="A part of it, in either case.")] = "",
    cursor: Cursor = None,
    limit: Limit = 100,
) -> MessageList:
    """The tenant's messages, newest first. A page may hold fewer than `limit`, and still name a next one."""
    after = None
    if cursor is not None:
        after = _reached(cursor)
    wanted = SentWanted(recipient, tag, campaign, state or "", _seconds(since), _seconds(until), subject)
    with Context.of(request).storage.read() as conn:
        found, reached = sent.page(conn, tenant(request), wanted, after, limit)
    following = None if reached is None else cursors.write(*reached[0].as_integer_ratio(), reached[1])
    return MessageList(messages=[_brief(one) for one in found], next=following)


def _reached(cursor: str) -> sent.Reached:
    """The moment to its last bit, or a message would come twice, or not at all."""
    above, below, event_id = (int(part) for part in cursors.read(cursor, int, int, int))
    if not below:
        raise Problem("cursor", "start again without cursor")
    return above / below, event_id


@router.get("/{id}", responses=errors(404))
def get_message(request: Request, id: str) -> MessageOut:
    """One message with the story of each copy."""
    with Context.of(request).storage.read() as conn:
        return _whole(conn, tenant(request), _id(id))


@router.patch("/{id}", dependencies=STRICT_JSON, responses=errors(404, 409, *WITH_BODY))
def change_message(request: Request, id: str, given: MessageChange) -> MessageOut:
    """Change when the copies that haven't been tried are sent, or their last moment; expiry counts from `send_at`."""
    context, tenant_id, submission_id = Context.of(request), tenant(request), _id(id)
    now = context.clock()
    send_at, last_at = _seconds(given.send_at), _seconds(given.expires_at)
    if send_at is not None and send_at > now + FURTHEST_S:
        raise Wrong([("body.send_at", f"lies more than {FURTHEST_S / 86_400:.0f} days ahead")])
    with context.storage.write() as conn:
        before = _found(conn, tenant_id, submission_id)
        due_at = send_at if send_at is not None else before.due_at
        if last_at is not None and last_at <= max(now, due_at or now):
            raise Wrong([("body.expires_at", "lies before the message could leave")])
        if send_at is not None and last_at is None and before.last_at is not None and before.last_at <= send_at:
            raise Wrong(
                [("body.send_at", f"lies behind expires_at ({moment(before.last_at):%Y-%m-%dT%H:%M:%SZ}); change both")]
            )
        if not sent.reschedule(conn, submission_id, send_at, last_at, now):
            raise Problem("too-late", "all of its copies have left, or have been tried")
        return _whole(conn, tenant_id, submission_id)


@router.delete("/{id}", responses=errors(404, 409))
def cancel_message(request: Request, id: str) -> MessageCancelled:
    """Cancel the copies that haven't left; they are given back to the quota."""
    context, tenant_id, submission_id = Context.of(request), tenant(request), _id(id)
    with context.storage.write() as conn:
        before = _found(conn, tenant_id, submission_id)
        cancelled = sent.cancel(conn, submission_id, ACTOR, context.clock())
        if not cancelled and not before.states.get("cancelled"):
            raise Problem("too-late", "all of its copies have left, or are on their way")
    whole = sum(before.states.values())
    return MessageCancelled(id=id, cancelled=cancelled, left=whole - cancelled - before.states.get("cancelled", 0))


def _id(text: str) -> int:
    try:
        return decode_id(text)
    except ValueError:
        raise Problem("not-found", "the tenant has no such message") from None


def _found(conn: Tx, tenant_id: int, submission_id: int) -> OwnSent:
    try:
        return sent.one(conn, tenant_id, submission_id)
    except KeyError:
        raise Problem("not-found", "the tenant has no such message") from None


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


def _brief(one: OwnSent) -> MessageBrief:
    return MessageBrief(**_members(one))


def _members(one: OwnSent) -> dict[str, Any]:
    return {
        "id": one.id,
        "message_id": one.message_id,
        "accepted_at": moment(one.accepted_at),
        "stream": one.stream,
        "topic": one.topic,
        "campaign": one.campaign,
        "tag": one.tag,
        "subject": one.subject,
        "size_octets": one.size_octets,
        "recipients": sum(one.states.values()),
        "states": dict(one.states),
    }


def _whole(conn: Tx, tenant_id: int, submission_id: int) -> MessageOut:
    one = _found(conn, tenant_id, submission_id)
    story = trace.trace(conn, submission_id)
    copies = [
        CopyOut(
            email=copy.address,
            state=copy.state,
            attempts=copy.attempts,
            holds=[
                HoldOut(by=hold.by, why=hold.why, until=None if hold.until is None else moment(hold.until))
                for hold in copy.holds
            ],
            story=_steps(copy.steps),
        )
        for copy in story.copies
    ]
    return MessageOut(
        **_members(one),
        send_at=None if one.due_at is None else moment(one.due_at),
        expires_at=moment(one.expires_at),
        meta=dict(one.meta),
        copies=copies,
        story=_steps(story.steps),
    )


def _steps(steps: tuple[TraceStep, ...]) -> list[StepOut]:
    return [StepOut(at=moment(step.at), what=step.what, why=step.why) for step in steps]
