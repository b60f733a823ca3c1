"""Bodies of JSON, read strictly: no name twice in an object, no numbers that aren't JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from fastapi import Depends, Request
from pydantic import ValidationError

from relay.web.api.models import said
from relay.web.api.parts import JSON_ONLY
from relay.web.problems import Problem


def _once_each(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Problem("invalid", f"{ascii(twice[:60])[1:-1]} stands in an object twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise Problem("invalid", f"{text} is no number in JSON")


def read_strictly(body: bytes) -> Any:
    """Raises ValueError for what is no JSON, and Problem for what could be read in two ways."""
    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=_once_each, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


async def _strict(request: Request) -> None:
    try:
        read_strictly(await request.body())
    except ValueError:
        return  # told by who reads it


STRICT_JSON = [*JSON_ONLY, Depends(_strict)]
"""Dependencies of routes whose body must not be read in two ways (RFC 8259 §4)."""


def fields_of(error: ValidationError, *before: str) -> list[tuple[str, str]]:
    """The fields that are wrong, with what is wrong with each; never their values."""
    return [
        (".".join(map(str, (*before, *found["loc"]))), said(found))
        for found in error.errors(include_url=False, include_input=False)
    ]
