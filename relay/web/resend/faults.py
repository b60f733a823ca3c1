"""Errors as Resend's clients read them: ``statusCode``, ``name``, ``message`` (https://resend.com/docs/api-reference/errors).

Beside them stands, where there is one, the relay's own word (``code``) and each recipient refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.responses import Response

from relay.intake.api.handed import Told, ToldRefusal
from relay.observe.escape import escaped_json
from relay.web import problems
from relay.web.problems import Problem

STATUSES: Final[Mapping[str, int]] = {
    "validation_error": 422,
    "missing_required_field": 422,
    "invalid_from_address": 422,
    "invalid_attachment": 422,
    "invalid_parameter": 422,
    "missing_api_key": 401,
    "restricted_api_key": 401,
    "invalid_api_key": 403,
    "invalid_idempotency_key": 400,
    "invalid_idempotent_request": 409,
    "concurrent_idempotent_requests": 409,
    "not_found": 404,
    "method_not_allowed": 405,
    "rate_limit_exceeded": 429,
    "monthly_quota_exceeded": 429,
    "application_error": 500,
}
_WORDS: Final[Mapping[str, tuple[str, int]]] = {
    "unauthorized": ("invalid_api_key", 403),
    "scope": ("restricted_api_key", 401),
    "rate": ("rate_limit_exceeded", 429),
    "limit": ("rate_limit_exceeded", 429),
    "quota-messages": ("monthly_quota_exceeded", 429),
    "quota-subscribers": ("monthly_quota_exceeded", 429),
    "sender": ("validation_error", 403),
    "frozen": ("validation_error", 403),
    "in-progress": ("concurrent_idempotent_requests", 409),
    "idempotency-key": ("invalid_idempotent_request", 409),
    "not-found": ("not_found", 404),
    "media-type": ("validation_error", 415),
    "too-late": ("validation_error", 409),
    "busy": ("application_error", 503),
}
"""Words of ours → theirs; the rest is a ``validation_error``."""
_FIELDS: Final = {"send_at": "scheduled_at", "topic": "topic_id", "data": "template.variables"}
"""Names of ours → theirs."""
_PLAIN: Final[Mapping[int, tuple[str, str]]] = {
    404: ("not_found", "There is nothing of that path here."),
    405: ("method_not_allowed", "The method is not one of this path."),
    408: ("validation_error", "The body took too long to come in."),
    413: ("validation_error", "The body is too large."),
    503: ("application_error", "The relay is busy; nothing was changed."),
}


class EmailFault(Exception):
    """``name`` is a key of STATUSES, ``message`` may be shown."""

    def __init__(self, name: str, message: str, status: int = 0) -> None:
        super().__init__(name)
        self.name = name
        self.message = message
        self.status = status or STATUSES[name]
        self.code = ""
        """The relay's own word."""
        self.refused: Sequence[ToldRefusal] = ()


def said(field: str, text: str) -> str:
    """What is wrong with a field of ours, by their name."""
    first, dot, rest = field.partition(".")
    return f"`{_FIELDS.get(first, first)}{dot}{rest}`: {text}" if field else text


def of_problem(problem: Problem) -> EmailFault:
    if problem.errors:
        return EmailFault("validation_error", "; ".join(said(one["field"], one["error"]) for one in problem.errors[:5]))
    return _of_word(problem.word, problem.detail)


def of_told(told: Told) -> EmailFault:
    """Of a message that nobody gets."""
    word = told.code if told.permanent or told.code in ("rate", "recipients") else "busy"
    fault = _of_word(word, told.detail)
    fault.refused = told.refused
    return fault


def _of_word(word: str, detail: str) -> EmailFault:
    name, status = _WORDS.get(word, ("validation_error", 0))
    fault = EmailFault(name, f"{word}: {detail}" if word not in ("invalid", "not-found") else detail, status)
    fault.code = word
    return fault


def response(fault: EmailFault, headers: Mapping[str, str] | None = None) -> Response:
    members: dict[str, Any] = {"statusCode": fault.status, "name": fault.name, "message": fault.message}
    if fault.code:
        members["code"] = fault.code
    if fault.refused:
        members["refused"] = [{"email": one.email, "code": one.code, "detail": one.detail} for one in fault.refused]
    more = dict(headers or {})
    if fault.status in problems.LATER:
        more.setdefault("Retry-After", "1" if fault.code == "rate" else str(problems.LATER[fault.status]))
    body = escaped_json(json.dumps(members, ensure_ascii=False)).encode()
    return Response(body, fault.status, more, media_type="application/json")


def of_status(status: int) -> Response:
    """Of what was refused before anyone read it."""
    name, message = _PLAIN.get(status, ("application_error" if status >= 500 else "validation_error", "Refused."))
    return response(EmailFault(name, message, status))
