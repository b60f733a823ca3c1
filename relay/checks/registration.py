"""Whether who registers accepts terms, and whether these can be shown (R32)."""

from __future__ import annotations

from collections.abc import Iterator

from config.settings import Settings
from relay.checks.result import CheckResult, bad, ok, warn
from relay.tenants import terms
from relay.values.errors import RegistryError

WHAT = "registration"


def check_registration(settings: Settings) -> Iterator[CheckResult]:
    """One line; none where nobody can register."""
    given = settings.accounts
    if given.registration == "closed":
        return
    who = "everybody" if given.registration == "open" else "who is invited"
    try:
        found = terms.in_force(given.terms)
    except RegistryError as error:
        yield bad(WHAT, f"{error}; nobody can register meanwhile", "correct the file, or [accounts] terms")
        return
    if found is None:
        detail = f"{who} can register, and accepts no terms: none are set"
        yield warn(WHAT, detail, "name the file with your terms in [accounts] terms")
    else:
        yield ok(WHAT, f"{who} can register, by the terms {found.version[:12]}")
