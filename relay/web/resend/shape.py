"""From an e-mail as Resend's clients send it to a message of ours (https://resend.com/docs/api-reference/emails/send-email).

Every field they have is mapped or refused by name; the table stands in docs/HTTP.md.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from pydantic import ValidationError

from relay.web.api.models import without_null
from relay.web.api.models_messages import MessageIn
from relay.web.api.strict import fields_of
from relay.web.resend.faults import EmailFault, said


class SharedMessageIn(MessageIn):
    """A message whose recipients see each other."""

    own_copies: ClassVar[bool] = False


MOST_TO: Final = 50
_PLAIN: Final = ("from", "to", "cc", "bcc", "reply_to", "subject", "text", "html")
_FIELDS: Final = frozenset((*_PLAIN, "headers", "attachments", "tags", "scheduled_at", "topic_id", "template"))
_WISHES: Final[Mapping[str, str]] = {
    "relay-stream": "stream", "relay-topic": "topic", "relay-campaign": "campaign", "relay-tag": "tag",
    "relay-track": "track",
}  # fmt: skip
_REPLACED: Final = frozenset(("list-unsubscribe", "list-unsubscribe-post"))
"""The relay writes its own, which work; an application's are left out, as by SMTP."""
_ATTACHMENT: Final = frozenset(("content", "filename", "path", "content_type", "content_id", "inline_content_id"))
_TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", re.ASCII)
_IN: Final = re.compile(r"in\s+(?:(\d{1,6})|an?)\s*(s|sec|second|m|min|minute|h|hour|d|day)s?", re.I)
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def message_of(given: object, now: float) -> SharedMessageIn:
    """Raises EmailFault."""
    if not isinstance(given, dict):
        raise EmailFault("validation_error", "The e-mail must be an object.")
    there = without_null(given)
    if unknown := sorted(set(there) - _FIELDS):
        raise EmailFault("validation_error", f"`{unknown[0][:60]}` is no field that is known here.")
    for name in ("from", "to"):
        if not there.get(name):
            raise EmailFault("missing_required_field", f"Missing `{name}` field.")
    if "subject" not in there and "template" not in there:
        raise EmailFault("missing_required_field", "Missing `subject` field.")
    ours: dict[str, Any] = {name: there[name] for name in _PLAIN if name in there}
    if isinstance(ours["to"], list) and len(ours["to"]) > MOST_TO:
        raise EmailFault("validation_error", f"The `to` field has at most {MOST_TO} addresses; send a batch.")
    _texts(ours)
    _headers(there.get("headers", {}), ours)
    ours["attachments"] = _attachments(there.get("attachments", []))
    ours["meta"] = _tags(there.get("tags", []))
    if "topic_id" in there:
        if "topic" in ours:
            raise EmailFault("validation_error", "`headers`: Relay-Topic and `topic_id` name it twice.")
        ours["topic"] = there["topic_id"]
    if "scheduled_at" in there:
        ours["send_at"] = moment_of(there["scheduled_at"], now).isoformat()
    _template(there.get("template"), ours)
    return _checked(ours, now)


def _checked(ours: dict[str, Any], now: float) -> SharedMessageIn:
    try:
        return SharedMessageIn.model_validate(ours, context={"now": now})
    except ValidationError as error:
        told = fields_of(error)
    names = {name.partition(".")[0] for name, _ in told}
    word = {"from": "invalid_from_address", "attachments": "invalid_attachment"}.get(min(names), "validation_error")
    word = word if len(names) == 1 else "validation_error"
    raise EmailFault(word, "; ".join(said(name, text) for name, text in told[:5]))


def _texts(ours: dict[str, Any]) -> None:
    for name in ("from", "subject", "text", "html"):
        if not isinstance(ours.get(name, ""), str):
            raise EmailFault("validation_error", f"The `{name}` field must be a string.")
    for name in ("to", "cc", "bcc", "reply_to"):
        value = ours.get(name, "")
        each = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str) for one in each):
            raise EmailFault("validation_error", f"The `{name}` field must be a string or a list of strings.")
        if value == "":
            ours.pop(name, None)


def _headers(given: object, ours: dict[str, Any]) -> None:
    """Fields of the message, and in ``Relay-*`` what their API has no name for."""
    given = without_null(given)
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise EmailFault("validation_error", "The `headers` field must be an object of strings.")
    own: dict[str, str] = {}
    for name, value in given.items():
        lower = name.lower()
        if lower in _WISHES:
            if _WISHES[lower] in ours:
                raise EmailFault("validation_error", f"`headers`: {name[:60]} is given twice.")
            ours[_WISHES[lower]] = value
        elif lower not in _REPLACED:
            own[name] = value
    ours["headers"] = own


def _attachments(given: object) -> list[dict[str, Any]]:
    if not isinstance(given, list):
        raise EmailFault("invalid_attachment", "The `attachments` field must be a list.")
    return [_attachment(one, f"attachments.{number}") for number, one in enumerate(given)]


def _attachment(given: object, place: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise EmailFault("invalid_attachment", f"`{place}` must be an object.")
    there = without_null(given)
    if unknown := sorted(set(there) - _ATTACHMENT):
        raise EmailFault("invalid_attachment", f"`{place}.{unknown[0][:60]}` is no field that is known here.")
    if "path" in there:
        raise EmailFault("invalid_attachment", f"`{place}.path`: the relay fetches nothing; send its `content`.")
    if "content" not in there:
        raise EmailFault("invalid_attachment", f"`{place}` has no `content`.")
    identity = there.get("content_id", there.get("inline_content_id", ""))
    plain = {"filename": there.get("filename", ""), "content_type": there.get("content_type", "")}
    return {**plain, "content": _content(there["content"], place), "content_id": identity}


def _content(given: object, place: str) -> str:
    """Base64, or the octets as numbers: their Python library sends either, older ones of Node a Buffer's JSON."""
    if isinstance(given, dict) and given.get("type") == "Buffer":
        given = given.get("data")
    if isinstance(given, str):
        return given
    try:
        if not isinstance(given, list) or any(type(one) is not int for one in given):
            raise ValueError
        return base64.b64encode(bytes(given)).decode()
    except ValueError:
        raise EmailFault("invalid_attachment", f"`{place}.content` must be Base64, or a list of octets.") from None


def _tags(given: object) -> dict[str, str]:
    if not isinstance(given, list):
        raise EmailFault("validation_error", "The `tags` field must be a list of objects with name and value.")
    found: dict[str, str] = {}
    for number, one in enumerate(map(without_null, given)):
        if not isinstance(one, dict) or not set(one) <= {"name", "value"}:
            raise EmailFault("validation_error", f"`tags.{number}` must be an object with name and value.")
        name, value = one.get("name"), one.get("value", "")
        if not isinstance(name, str) or not isinstance(value, str) or not _TAG.fullmatch(name):
            text = "names are 1 to 40 letters, digits, underscores or dashes, values are strings"
            raise EmailFault("validation_error", f"`tags.{number}`: {text}.")
        if name.lower() in found:
            raise EmailFault("validation_error", f"`tags.{number}`: {name} is there twice.")
        if value:
            found[name.lower()] = value
    return found


def _template(given: object, ours: dict[str, Any]) -> None:
    if given is None:
        return
    if not isinstance(given, dict) or not set(given) <= {"id", "variables"} or not isinstance(given.get("id"), str):
        raise EmailFault("validation_error", "The `template` field must be an object with id and variables.")
    if "text" in ours or "html" in ours:
        raise EmailFault("validation_error", "`template` goes without `html` and `text`.")
    ours["template"] = given["id"]
    if given.get("variables") is not None:
        ours["data"] = given["variables"]


def moment_of(given: object, now: float) -> datetime:
    """ISO 8601 (without a zone: UTC), or ``in 10 minutes``. Raises EmailFault."""
    text = given.strip() if isinstance(given, str) else ""
    ahead = _IN.fullmatch(text)
    try:
        if ahead is not None:
            seconds = int(ahead[1] or 1) * _UNITS[ahead[2][0].lower()]
            return datetime.fromtimestamp(now, UTC) + timedelta(seconds=seconds)
        found = datetime.fromisoformat(text)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
        found.timestamp()
    except (ValueError, OverflowError):
        text = "use ISO 8601, such as 2026-08-05T11:52:01Z, or such as `in 10 minutes`"
        raise EmailFault("validation_error", f"`scheduled_at`: {text}.") from None
    return found
