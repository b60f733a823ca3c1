"""Errors for programs: RFC 9457 problem details, and what each type means.

A type is an address below ``/v1/problems/`` that can be opened; plain HTTP
errors have none (``about:blank``, §4.2.1).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from relay.observe.escape import escaped_json

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 5
LATER: Final[dict[int, int]] = {503: RETRY_AFTER_S, 429: 600}
"""Seconds after which it makes sense to come again."""

TYPES: Final[dict[str, tuple[int, str]]] = {
    "unsubscribed": (409, "The person unsubscribed; only a double opt-in by the person lifts it."),
    "suppressed": (409, "The address is suppressed: hard bounce, complaint or by hand."),
    "invalid": (422, "A field is missing, unknown or not well-formed."),
    "address": (422, "The e-mail address is not well-formed."),
    "topic": (422, "There is no such topic, or its title can't stand in a letter; a consent is for one that was made."),
    "source": (422, "The source is empty, vague or forbidden; say where the consent was given."),
    "wording": (422, "The wording shown to the person is missing, or leaves out what must be said."),
    "time": (422, "The time of the consent is not possible."),
    "ip": (422, "The IP address is not well-formed."),
    "page": (422, "The page is too long or not printable."),
    "refused": (422, "The consent can't be recorded as given."),
    "age": (422, "The form asks whether the person is 16 or older; nothing is stored of who is not."),
    "form": (422, "The form can't be made as given."),
    "webhook": (422, "The webhook can't be as given; the detail says what is wrong."),
    "domain": (422, "The domain can't be claimed as given; the detail says why."),
    "unproved": (409, "DNS doesn't show the domain's records yet; the detail says which is missing."),
    "not-suppressed": (409, "There is nothing of it that could be lifted."),
    "decided": (409, "The campaign is decided, or stopped already."),
    "cursor": (422, "The cursor is not one that a list gave out."),
    "not-found": (404, "The tenant has nothing of that name or id."),
    "evidence": (422, "The answer proves nothing, or its file can't be kept."),
    "closed": (409, "The contest takes no answer any more."),
    "exists": (409, "There is one of that name already."),
    "full": (409, "The tenant has as many as it can have."),
    "role": (422, "The address of a role; only its own double opt-in proves a consent."),
    "grade": (422, "The topic demands a consent that is better proved."),
    "tracking-off": (409, "The person switched tracking off; only the person itself can switch it on again."),
    "never-ask": (409, "The person asked never to be asked again."),
    "frozen": (409, "The tenant is frozen; talk to the operator."),
    "in-progress": (409, "The first request with this Idempotency-Key is still being worked off."),
    "idempotency-key": (422, "The Idempotency-Key was used for another request."),
    "media-type": (415, "The body must be JSON: `Content-Type: application/json`, and not compressed."),
    "limit": (429, "Too many at the moment; repeat after the time in Retry-After."),
    "unauthorized": (401, "A valid API token is needed: `Authorization: Bearer TOKEN`."),
    "no-consent": (422, "The person has given the tenant no consent for this."),
    "sender": (422, "The From address, or where answers go, is not the tenant's or not verified."),
    "content": (422, "The content is forbidden."),
    "campaign-declined": (422, "The operator declined this campaign."),
    "quota-messages": (422, "The plan's messages are used up."),
    "quota-subscribers": (422, "The plan's subscribers are used up."),
    "malformed": (422, "The message is not well-formed."),
    "too-large": (422, "The message is larger than the relay takes."),
    "recipients": (422, "More recipients than one message may have; send it in parts."),
    "loop": (422, "The message has been through too many servers: a mail loop."),
    "stream": (422, "The tenant has no such stream."),
    "rate": (429, "More requests or copies a second than are allowed; repeat after the time in Retry-After."),
    "template": (422, "The template can't be read, or there is none of that name."),
    "too-late": (409, "What is to be changed has left, or is on its way."),
    "scope": (403, "The token may not do this; `relay token add TENANT --scope …` makes one that may."),
    "busy": (503, "The store or the server is busy; repeat after the time in Retry-After."),
}


class Problem(Exception):
    """Raised by a handler; ``word`` is a key of TYPES, ``detail`` may be shown to the client."""

    def __init__(self, word: str, detail: str) -> None:
        super().__init__(word)
        self.word = word if word in TYPES else "refused"
        self.detail = detail
        self.errors: list[dict[str, str]] | None = None
        """Fields that are wrong, with what is wrong with each."""
        self.refused: list[dict[str, str]] = []
        """Recipients of a message that nobody gets, each with a code and why."""

    @property
    def status(self) -> int:
        return TYPES[self.word][0]


class Wrong(Problem):
    """Fields whose content is wrong, each named."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__("invalid", "; ".join(f"{field}: {text}" for field, text in errors[:5]))
        self.errors = [{"field": field, "error": text} for field, text in errors[:50]]


def document(
    status: int, *, base_url: str = "", word: str = "", detail: str = "", errors: list[dict[str, str]] | None = None
) -> dict[str, object]:
    """The members of a problem (RFC 9457 §3.1)."""
    members: dict[str, object] = {"type": "about:blank", "title": _phrase(status), "status": status}
    if word:
        members |= {"type": f"{base_url}/v1/problems/{word}", "title": TYPES[word][1]}
    if detail:
        members["detail"] = detail
    if errors:
        members["errors"] = errors
    return members


def encode(members: Mapping[str, object]) -> bytes:
    return escaped_json(json.dumps(members, ensure_ascii=False)).encode("utf-8")


def response(members: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Response:
    status = members["status"]
    assert isinstance(status, int)
    extra = dict(headers or {})
    if status in LATER:
        extra.setdefault("Retry-After", str(LATER[status]))
    return Response(encode(members), status, extra, media_type=MEDIA_TYPE)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
