"""What was sent, as Resend's clients look at it; ``html`` and ``text`` are null: no bodies are kept to show (R27)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request

from relay.queue import sent, trace
from relay.queue.sent import OwnSent, SentWanted
from relay.queue.trace import CopyStory
from relay.store.contract import Tx
from relay.values.ids import decode_id
from relay.web.api.once import tenant
from relay.web.context import Context
from relay.web.resend.faults import EmailFault

_EVENTS: Final = {
    "bounced": "bounced",
    "expired": "failed",
    "declined": "failed",
    "withdrawn": "failed",
    "cancelled": "canceled",
    "delivered": "delivered",
}
"""States of copies that are done → their names, the gravest first."""


def one(request: Request, id_: str) -> dict[str, Any]:
    """Raises EmailFault."""
    with Context.of(request).storage.read() as conn:
        return _email(conn, tenant(request), id_, Context.of(request).clock())


def page(request: Request, after: str, limit: int) -> dict[str, Any]:
    """The newest first, behind the message ``after``. Raises EmailFault."""
    context, tenant_id = Context.of(request), tenant(request)
    with context.storage.read() as conn:
        reached = None
        if after:
            submission_id, _ = _own(conn, tenant_id, after)
            reached = sent.place(conn, tenant_id, submission_id)
        found, more = sent.page(conn, tenant_id, SentWanted(), reached, limit)
        now = context.clock()
        data = [_email(conn, tenant_id, each.id, now) for each in found]
    for each in data:
        del each["object"], each["html"], each["text"], each["tags"]
    return {"object": "list", "has_more": more is not None, "data": data}


def _own(conn: Tx, tenant_id: int, id_: str) -> tuple[int, OwnSent]:
    try:
        submission_id = decode_id(id_)
        return submission_id, sent.one(conn, tenant_id, submission_id)
    except (ValueError, KeyError):
        raise EmailFault("not_found", "Email not found") from None


def _email(conn: Tx, tenant_id: int, id_: str, now: float) -> dict[str, Any]:
    submission_id, found = _own(conn, tenant_id, id_)
    story = trace.trace(conn, submission_id)
    waits = found.due_at if found.due_at is not None and found.due_at > now else None
    fresh = all(not copy.attempts for copy in story.copies)
    return {
        "object": "email",
        "id": id_,
        "message_id": found.message_id,
        "to": [copy.address for copy in story.copies],
        "from": story.reverse_path,
        "created_at": _time(found.accepted_at),
        "subject": found.subject,
        "html": None,
        "text": None,
        "cc": [],
        "bcc": [],
        "reply_to": [],
        "last_event": _last(story.copies, waiting=waits is not None and fresh),
        "scheduled_at": _time(waits) if waits is not None and fresh else None,
        "tags": [{"name": name, "value": value} for name, value in found.meta.items()],
    }


def _last(copies: tuple[CopyStory, ...], *, waiting: bool) -> str:
    """Of all copies: what isn't over comes first, then what went wrong."""
    under_way = [copy for copy in copies if copy.state not in _EVENTS]
    if under_way:
        if waiting:
            return "scheduled"
        return "delivery_delayed" if any(copy.attempts for copy in under_way) else "queued"
    states = {copy.state for copy in copies}
    return next((name for state, name in _EVENTS.items() if state in states), "queued")


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
