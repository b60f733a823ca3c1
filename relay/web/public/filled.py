"""What was filled in on a form's page, as values of their own types; nothing is checked for sense yet."""

from __future__ import annotations

from dataclasses import dataclass, replace

from relay.mail.address import Address, AddressError, parse_address
from relay.signup.snippet import TRAP
from relay.web.public.forms import Fields, values

MAX_EMAIL = 320
MAX_HIDDEN = 2_000


@dataclass(frozen=True, slots=True)
class Filled:
    email: str = ""
    topics: frozenset[int] = frozenset()
    age: str = ""
    """``yes``, ``no`` or empty."""
    stamp: str = ""
    page: str = ""
    trap: str = ""
    tracking: bool = False
    """The box for tracking was ticked."""

    def stamped(self, stamp: str) -> Filled:
        return replace(self, stamp=stamp)


def filled(fields: Fields) -> Filled:
    """The first of each field counts; what is too long counts as not there."""

    def first(name: str, longest: int) -> str:
        found = next(iter(values(fields, name)), "")
        return found if len(found) <= longest else ""

    age = first("age", 10)
    return Filled(
        email=first("email", MAX_EMAIL),
        topics=frozenset(int(v) for v in values(fields, "topic")[:100] if v.isascii() and v.isdigit() and len(v) < 16),
        age=age if age in ("yes", "no") else "",
        stamp=first("stamp", 200),
        page=first("page", MAX_HIDDEN),
        trap=next(iter(values(fields, TRAP)), ""),
        tracking=first("tracking", 10) == "yes",
    )


def reachable(text: str) -> Address | None:
    """An address that mail can reach: not on a literal or a name without a dot."""
    try:
        address = parse_address(text.strip())
    except AddressError:
        return None
    return address if "." in address.domain and not address.domain.startswith("[") else None
