"""The OpenAPI document: what FastAPI knows of the handlers, and what only we know.

Each answer that can be given is in it, under its media type and with its
header fields; a test lets a fuzzer compare the two.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPBearer
from pydantic.json_schema import models_json_schema

from relay.web.api.models import ProblemOut
from relay.web.api.models_messages import MailboxIn, MessageIn, RecipientIn
from relay.web.export import MEDIA_TYPES
from relay.web.problems import MEDIA_TYPE, TYPES

Answers = dict[int | str, dict[str, Any]]

_TEXTS: Final = {
    400: "The body is no text in UTF-8.",
    401: TYPES["unauthorized"][1],
    403: TYPES["scope"][1],
    404: TYPES["not-found"][1],
    408: "The body took too long to come in.",
    409: "The state of things forbids it; the type of the problem says what.",
    413: "The body is larger than 1 MiB; of messages, than 50 MiB.",
    415: TYPES["media-type"][1],
    422: "The request is not well-formed, or can't be recorded as given.",
    429: TYPES["limit"][1],
    431: "The head is larger than 16 KiB or has more than 100 fields.",
    503: TYPES["busy"][1],
}
_LATER: Final = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
_HEADERS: Final[dict[int, dict[str, Any]]] = {
    401: {"WWW-Authenticate": {"description": "RFC 6750.", "schema": {"type": "string"}}},
    429: _LATER,
    503: _LATER,
}
NAMED: Final = (MailboxIn, RecipientIn, MessageIn)
"""Models that others speak of by name alone."""
_SHARE: Final = {
    "RateLimit-Policy": ("The limit: `q` requests in `w` seconds.", "string", '"tenant";q=2000;w=2'),
    "RateLimit": ("What is left: `r` requests; `t` seconds until all are back.", "string", '"tenant";r=1999;t=1'),
    "RateLimit-Limit": ("The same, as older clients read it: requests.", "integer", 2000),
    "RateLimit-Remaining": ("Requests that are left.", "integer", 1999),
    "RateLimit-Reset": ("Seconds until all are back.", "integer", 1),
}
"""Of each answer (``shares``)."""
ALWAYS: Final = (401, 403, 422, 429, 431, 503)
WITH_BODY: Final = (400, 408, 413, 415)
REPLAY: Final[dict[str, Any]] = {
    "headers": {
        "Idempotency-Replayed": {
            "description": "`true` where it is the answer kept for the Idempotency-Key.",
            "schema": {"type": "string", "enum": ["true"]},
        }
    }
}
MADE: Final[dict[str, Any]] = {
    "headers": {**REPLAY["headers"], "Location": {"description": "Where it is.", "schema": {"type": "string"}}}
}
EXPORTED: Final[dict[str, Any]] = {
    "description": "One consent a line.",
    "content": {kind: {"schema": {"type": "string"}} for kind in MEDIA_TYPES.values()},
}


def errors(*statuses: int) -> Answers:
    """What ``responses`` of a route says of its errors."""
    return {
        status: {"model": ProblemOut, "description": _TEXTS[status]}
        | ({"headers": _HEADERS[status]} if status in _HEADERS else {})
        for status in statuses
    }


def document(api: FastAPI, base_url: str) -> dict[str, Any]:
    """The whole document, made once."""
    if not api.openapi_schema:
        schema = get_openapi(title=api.title, version=api.version, routes=api.routes)
        schema["servers"] = [{"url": f"{base_url}/v1"}]
        schema["security"] = [{"token": []}]
        scheme = HTTPBearer(description="An API token of the tenant.").model
        schemas = schema["components"]["schemas"]
        _, shapes = models_json_schema(
            [(one, "validation") for one in NAMED], ref_template="#/components/schemas/{model}"
        )
        schemas.update({name: shape for name, shape in shapes["$defs"].items() if name not in schemas})
        schema["components"]["securitySchemes"] = {
            "token": scheme.model_dump(mode="json", by_alias=True, exclude_none=True)
        }
        for path in schema["paths"].values():
            for operation in path.values():
                _as_problems(operation)
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for value in schemas["FormChange"]["properties"].values():
            value.pop("default", None)  # what is left out stays
        api.openapi_schema = schema
    return api.openapi_schema


def _as_problems(operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        answer["headers"] = {**answer.get("headers", {}), **_share_headers()}
        if status >= "400":
            answer["content"] = {MEDIA_TYPE: answer["content"]["application/json"]}


def _share_headers() -> dict[str, Any]:
    return {
        name: {"description": text, "schema": {"type": kind, "examples": [shown]}}
        for name, (text, kind, shown) in _SHARE.items()
    }
