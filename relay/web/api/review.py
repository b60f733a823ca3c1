"""What tenants store by the API, shown to the policies first (``relay.web.review``); a refusal as a problem."""

from __future__ import annotations

from fastapi import Request

from relay.intake.stored import StoredText
from relay.web import review
from relay.web.api.once import tenant
from relay.web.context import Context
from relay.web.problems import Problem
from relay.web.review import Reviewed, ReviewRefused

__all__ = ["Reviewed", "look"]


def look(request: Request, given: StoredText) -> Reviewed:
    """For a thread. Raises Problem for what isn't taken."""
    try:
        return review.look(Context.of(request), tenant(request), given)
    except ReviewRefused as refused:
        raise Problem("content" if refused.permanent else "busy", str(refused)) from None
