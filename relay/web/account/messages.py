"""``/account/messages``: found by recipient, subject, id, campaign, tag, state and day; one's story."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any, Final
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.exemplars import as_read, sample
from relay.queue import held, sent, trace
from relay.queue.sent import Reached, SentWanted
from relay.queue.trace import MessageTrace
from relay.store.contract import Tx
from relay.values.errors import RegistryError
from relay.values.ids import decode_id
from relay.web.inside.frame import framed
from relay.web.inside.gate import PageRequest, number_of, show

LENGTH: Final = 50
MOST_COPIES: Final = 200
STATES: Final = (
    "ready", "leased", "held", "delivered", "bounced", "expired", "cancelled", "declined", "withdrawn",
)  # fmt: skip
_WANTED: Final = ("recipient", "subject", "id", "campaign", "tag", "state", "day")
_PLACE: Final = re.compile(r"(\d{1,17})-(\d{1,17})")


def listing(asked: PageRequest) -> Response:
    """The newest first. A page may hold fewer than there is room for, and still name a next one."""
    wanted = {name: asked.query(name) for name in _WANTED}
    if wanted["state"] not in STATES:
        wanted["state"] = ""
    until = _end_of(wanted["day"]) if wanted["day"] else None
    with asked.context.storage.read() as conn:
        if wanted["id"]:
            rows = [sent.one(conn, asked.tenant_id, found) for found in _named(conn, asked.tenant_id, wanted["id"])]
            reached = None
        else:
            chosen = SentWanted(
                wanted["recipient"], wanted["tag"], wanted["campaign"], wanted["state"],
                until=until, subject=wanted["subject"],
            )  # fmt: skip
            rows, reached = sent.page(conn, asked.tenant_id, chosen, _after(asked), LENGTH)
    following = ""
    if reached is not None:
        place = f"{round(reached[0] * 1e6)}-{reached[1]}"
        following = urlencode({**{name: value for name, value in wanted.items() if value}, "after": place})
    looked_to = reached[0] if reached is not None and len(rows) < LENGTH else None
    values = {"rows": rows, "wanted": wanted, "states": STATES, "following": following, "looked_to": looked_to}
    return asked.page("account/messages.html", values)


def one(asked: PageRequest) -> Response:
    try:
        submission_id = decode_id(asked.request.path_params["id"])
        with asked.context.storage.read() as conn:
            row = sent.one(conn, asked.tenant_id, submission_id)
            story = trace.trace(conn, submission_id, held.terms_of(asked.context.settings))
            kept = sample.kept(conn, submission_id)
    except (KeyError, ValueError):
        raise HTTPException(404) from None
    more = max(0, len(story.copies) - MOST_COPIES)
    values = {"row": row, "story": story, "most": MOST_COPIES, "more": more}
    return asked.page("account/message.html", values | _look(asked, story, kept=kept))


def copy(asked: PageRequest) -> Response:
    """The document for the frame: one recipient's copy, as it is read there."""
    number = number_of(asked.query("number", 9) or "0")
    if number is None:
        raise HTTPException(404)
    try:
        submission_id = decode_id(asked.request.path_params["id"])
        with asked.context.storage.read() as conn:
            sent.one(conn, asked.tenant_id, submission_id)
            content = sample.copy_of(conn, submission_id, number, asked.context.views.base_url)
    except (KeyError, ValueError):
        raise HTTPException(404) from None
    if content is None:
        raise HTTPException(404)
    dark, as_text = asked.query("look", 5) == "dark", asked.query("part", 5) == "text"
    return framed(as_read.page(content, dark=dark, as_text=as_text))


ROUTES = [
    show("/account/messages", listing, Deed.SEE),
    show("/account/messages/{id}", one, Deed.SEE),
    show("/account/messages/{id}/copy", copy, Deed.SEE),
]


def _look(asked: PageRequest, story: MessageTrace, *, kept: bool) -> dict[str, Any]:
    """Whose copy is shown, and how; None once nothing is kept."""
    wanted = number_of(asked.query("copy", 9)) or 0
    found = next((one for one in story.copies if one.number == wanted), None)
    return {
        "kept": kept,
        "looked_at": found if kept else None,
        "dark": asked.query("look", 5) == "dark",
        "as_text": asked.query("part", 5) == "text",
    }


def _named(conn: Tx, tenant_id: int, text: str) -> list[int]:
    """The tenant's own of that queue id or Message-ID."""
    found = []
    for submission_id in trace.find(conn, text)[:LENGTH]:
        try:
            sent.one(conn, tenant_id, submission_id)
        except KeyError:
            continue
        found.append(submission_id)
    return found


def _end_of(day: str) -> float:
    """Seconds UTC of the end of ``2026-12-24``. Raises RegistryError."""
    try:
        return datetime.combine(date.fromisoformat(day), datetime.max.time(), UTC).timestamp()
    except (ValueError, OverflowError):
        raise RegistryError(f"{day!r} is no day; write it as 2026-12-24") from None


def _after(asked: PageRequest) -> Reached | None:
    found = _PLACE.fullmatch(asked.query("after", 40))
    return None if found is None else (int(found[1]) / 1e6, int(found[2]))
