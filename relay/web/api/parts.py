"""What all routes of the API share."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated

from fastapi import Depends, Query, Request

from relay.mail.address import Address, AddressError, parse_address
from relay.people.wording_check import gaps, sentence
from relay.web.context import Context
from relay.web.problems import Problem

Cursor = Annotated[str | None, Query(max_length=2_000, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=1_000)]
EmailQuery = Annotated[str, Query(min_length=3, max_length=320)]
TopicQuery = Annotated[str | None, Query(max_length=100)]


def address_of(text: str) -> Address:
    """Raises Problem."""
    try:
        return parse_address(text.strip())
    except AddressError as error:
        raise Problem("address", f"email: {error}") from error


def check_wording(context: Context, wording: str) -> None:
    """Raises Problem where the operator refuses wordings with gaps (R2)."""
    if context.consent.wording_gaps == "refuse":
        missing = gaps(wording, abroad=context.consent.transfer_abroad)
        if missing:
            raise Problem("wording", sentence(missing))


async def _json(request: Request) -> None:
    check_json(request, await request.body())


def check_json(request: Request, body: bytes) -> None:
    """Raises Problem for a body that is not declared as JSON, or is in another encoding than JSON's."""
    if not body:
        return
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem("media-type", "send JSON, with Content-Type: application/json")
    if not json.detect_encoding(body).startswith("utf-8"):
        raise Problem("invalid", "the body is JSON in another encoding than UTF-8 (RFC 8259 §8.1)")


JSON_ONLY = [Depends(_json)]
"""Dependencies of routes that take a body (RFC 9110 §15.5.16)."""


async def _known(request: Request) -> None:
    known = request.scope["route"].dependant.query_params
    several = (one.alias for one in known if "list" in str(one.field_info.annotation))
    check_query(request, (one.alias for one in known), several)


def check_query(request: Request, names: Iterable[str], several: Iterable[str] = ()) -> None:
    """A parameter that is misspelt or given twice would be ignored, and the answer be of something else.

    Raises Problem.
    """
    if not request.scope["query_string"]:
        return
    known = sorted(names)
    unknown = next((name for name in request.query_params if name not in known), None)
    if unknown is not None:
        there = f"; there are {', '.join(known)}" if known else ", which takes none"
        raise Problem("invalid", f"{unknown[:60]!r} is no parameter of this request{there}")
    given = [name for name, _ in request.query_params.multi_items()]
    twice = next((name for name in sorted(set(given).difference(several)) if given.count(name) > 1), None)
    if twice is not None:
        raise Problem("invalid", f"{twice} is given {given.count(twice)} times; give it once")


KNOWN_QUERY = [Depends(_known)]
"""Dependencies of routes that refuse parameters they don't know."""
