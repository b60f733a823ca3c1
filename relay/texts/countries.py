"""Countries by their names in each language, for forms: ISO 3166-1 codes as Unicode's CLDR has them."""

from __future__ import annotations

import functools
import unicodedata
from typing import Final

from babel import Locale

_NONE: Final = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})
"""Two letters too, but unions, parts of countries, and what is nowhere."""


@functools.cache
def codes() -> frozenset[str]:
    """All of them."""
    known = map(str, Locale("en").territories)
    return frozenset([code for code in known if len(code) == 2 and code.isalpha() and code not in _NONE])


@functools.cache
def countries(language: str) -> tuple[tuple[str, str], ...]:
    """(code, name), by name; accents make no difference to the order."""
    names = {str(code): str(name) for code, name in Locale(language).territories.items()}
    found = [(code, names.get(code, code)) for code in codes()]
    return tuple(sorted(found, key=lambda one: unicodedata.normalize("NFKD", one[1].casefold())))


def country(language: str, code: str) -> str:
    """The name of one; of none, what was given."""
    return dict(countries(language)).get(code, code)
