"""Requests as values, and what is done after each try: what both clients share. No I/O."""

from __future__ import annotations

import json
import os
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from relay.client import faults
from relay.client.faults import ProblemAnswer, RelayUnreachable, TooFast
from relay.client.said import EventHeard, MessageTaken, PageHeard

TRIES: Final = 5
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 60.0
"""A ``Retry-After`` beyond this is the application's to wait for."""
_AGAIN: Final = frozenset({429, 500, 502, 503, 504})
AddressGiven = str | Mapping[str, Any]
"""``ann@example.com``, ``Ann <ann@example.com>`` or ``{"email", "name", "data"}``."""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    method: str
    path: str
    """Behind ``/v1``."""
    query: Mapping[str, Any] = field(default_factory=dict)
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    safe: bool = True
    """Whether a second try does no harm."""

    @property
    def key(self) -> str:
        return self.headers.get("Idempotency-Key", "").strip('"')


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    content: bytes

    @property
    def json(self) -> Any:
        """None for what is no JSON."""
        try:
            return json.loads(self.content)
        except ValueError:
            return None

    @property
    def replayed(self) -> bool:
        return self.headers.get("idempotency-replayed") == "true"

    @property
    def retry_after_s(self) -> float | None:
        text = self.headers.get("retry-after", "")
        return float(text) if text.isdecimal() and len(text) < 9 else None


@dataclass(frozen=True, slots=True)
class Access:
    """Where the relay is, and who asks."""

    url: str
    token: str = field(repr=False)
    tries: int = TRIES

    @classmethod
    def of(cls, url: str, token: str, tries: int) -> Access:
        """From RELAY_URL and RELAY_TOKEN of the environment where they are left out."""
        url, token = url or os.environ.get("RELAY_URL", ""), token or os.environ.get("RELAY_TOKEN", "")
        if not url.startswith(("http://", "https://")):
            raise ValueError("say where the relay is, such as https://relay.example.com (or in RELAY_URL)")
        if not token:
            raise ValueError("a token is missing (or RELAY_TOKEN); `relay token add TENANT` makes one")
        if tries < 1:
            raise ValueError("tries: at least 1")
        return cls(url.rstrip("/").removesuffix("/v1"), token, tries)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "User-Agent": "relay-client"}


def wait_s(request: ApiRequest, answer: ApiAnswer | None, number: int, most: int, chance: float = -1.0) -> float | None:
    """Seconds until try ``number`` + 1; None: there is none. ``answer`` None: there was no answer."""
    if number >= most or not request.safe:
        return None
    backoff = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** (number - 1))
    chance = random.random() if chance < 0 else chance
    if answer is None:
        return backoff * (0.5 + chance / 2)
    again = answer.status in _AGAIN or (answer.status == 409 and _word(answer) == "in-progress")
    if not again:
        return None
    asked = answer.retry_after_s
    if asked is None:
        return backoff * (0.5 + chance / 2)
    return None if asked > LONGEST_WAIT_S else asked + chance * FIRST_WAIT_S


def judged(answer: ApiAnswer) -> ApiAnswer:
    """Raises ProblemAnswer."""
    if answer.status >= 400:
        raise faults.of_answer(answer.status, answer.json, answer.retry_after_s)
    return answer


def unreachable(request: ApiRequest, error: Exception) -> RelayUnreachable:
    return RelayUnreachable(str(error) or type(error).__name__, request.key)


def _word(answer: ApiAnswer) -> str:
    members = answer.json
    return str(members.get("type", "")).rpartition("/")[2] if isinstance(members, dict) else ""


# --- requests --------------------------------------------------------------------------


def call(
    method: str, path: str, body: object, query: Mapping[str, Any], key: str, safe: bool | None = None
) -> ApiRequest:
    """Any request of the API. POST and PATCH carry a key, which makes them repeatable where the API takes one."""
    headers = {"Accept": "application/json"}
    content = b""
    if body is not None:
        headers["Content-Type"] = "application/json"
        content = json.dumps(body, ensure_ascii=False, default=_plain).encode()
    if method in ("POST", "PATCH"):
        headers["Idempotency-Key"] = f'"{key or uuid.uuid4()}"'
    shown = {name: _plain(value) if isinstance(value, datetime) else value for name, value in query.items()}
    there = {name: value for name, value in shown.items() if value is not None}
    return ApiRequest(method, path, there, content, headers, True if safe is None else safe)


def message(given: Mapping[str, Any]) -> dict[str, Any]:
    """The body for one message: ``sender`` is its From; None and what is left out is not sent."""
    body = {name: value for name, value in given.items() if value is not None}
    if "sender" in body:
        body["from"] = body.pop("sender")
    return body


def raw(content: bytes, to: Sequence[str], stream: str, key: str) -> ApiRequest:
    plain = call("POST", "/messages/raw", None, {"to": list(to) or None, "stream": stream or None}, key)
    headers = {**plain.headers, "Content-Type": "message/rfc822"}
    return ApiRequest("POST", plain.path, plain.query, content, headers)


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is nothing that JSON can hold")


# --- answers ---------------------------------------------------------------------------


def taken(answer: ApiAnswer) -> MessageTaken:
    return MessageTaken.read(answer.json, answer.replayed)


def batch(answer: ApiAnswer) -> list[MessageTaken | ProblemAnswer]:
    return [
        MessageTaken.read(one, answer.replayed)
        if one["status"] == 202
        else faults.of_answer(int(one["status"]), one, None)
        for one in answer.json["results"]
    ]


def to_repeat(results: Sequence[MessageTaken | ProblemAnswer]) -> bool:
    """Whether some of a batch were only too early: with the same key the others aren't sent again."""
    return any(isinstance(one, TooFast) for one in results)


def page(answer: ApiAnswer, name: str, read: Callable[[Any], Any]) -> PageHeard:
    told = answer.json
    ended = bool(told.get("ended", told.get("next") is None))
    return PageHeard(tuple(map(read, told[name])), told.get("next"), ended)


def events_query(types: Sequence[str], cursor: str | None, filters: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": list(types) or None, "cursor": cursor or None, **filters}


READ_EVENT: Final = EventHeard.read
