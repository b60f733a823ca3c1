"""One language: its texts, its way to write a date, and how it is chosen."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from io import BytesIO
from typing import Final

from babel.dates import format_date
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from markupsafe import Markup

from relay.texts.english import ENGLISH

DEFAULT: Final = "en"
LANGUAGES: Final[Mapping[str, str]] = {
    "en": "English",
    "de": "Deutsch",
    "es": "Español",
    "et": "Eesti",
    "fr": "Français",
    "ru": "Русский",
    "uk": "Українська",
}
"""Code → the language's own name."""
_LOCALES: Final = {"en": "en_GB"}
"""Where dates need more than the language: day before month."""
_DATES: Final = {"et": "dd.MM.y", "ru": "d MMMM y 'года'", "uk": "d MMMM y 'року'"}
"""Where the usual form can't stand in a sentence: it ends with a full stop, or would have to be inflected."""
_SHORT: Final = {"et": "dd.MM.y", "ru": "d MMM y", "uk": "d MMM y"}
MOST_WISHES: Final = 20
_WISH: Final = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,40})?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?\Z")


@dataclass(frozen=True, slots=True)
class Language:
    """Texts by key; ``language`` makes one. Every method raises KeyError for a key that isn't there."""

    code: str
    _texts: Mapping[str, str]

    def text(self, key: str, /, **names: object) -> Markup:
        """Markup with the names filled in and escaped."""
        return Markup(self._texts[key]).format(**names)

    def plain(self, key: str, /, **names: object) -> str:
        """The same for texts without markup, nothing escaped."""
        return self._texts[key].format(**names)

    def has(self, key: str) -> bool:
        return key in self._texts

    def date(self, at: float) -> str:
        """``23 November 2026``, in the language (UTC). ``at`` is seconds UTC."""
        day, locale = datetime.fromtimestamp(at, UTC), _LOCALES.get(self.code, self.code)
        return format_date(day, _DATES.get(self.code, "long"), locale=locale)

    def moment(self, at: float) -> str:
        """``23 Nov 2026, 14:05 UTC``, in the language."""
        when, locale = datetime.fromtimestamp(at, UTC), _LOCALES.get(self.code, self.code)
        return f"{format_date(when, _SHORT.get(self.code, 'medium'), locale=locale)}, {when:%H:%M} UTC"

    def number(self, value: float) -> str:
        """With the language's own marks: ``12,345`` or ``0.25``."""
        return str(format_decimal(value, "#,##0.###", locale=_LOCALES.get(self.code, self.code)))


@functools.cache
def language(code: str) -> Language:
    """The language of that code; what a catalogue lacks is English. Raises KeyError for an unknown code."""
    if code not in LANGUAGES:
        raise KeyError(code)
    return Language(code, ENGLISH if code == DEFAULT else {**ENGLISH, **catalogue(code)})


def catalogue(code: str) -> dict[str, str]:
    """Key → translation, of what is translated, up to date and sure."""
    raw = resources.files("relay.texts").joinpath("locale", f"{code}.po").read_bytes()
    found = {}
    for message in read_po(BytesIO(raw), locale=code):
        key, text = message.context, message.string
        if key and text and isinstance(text, str) and not message.fuzzy and ENGLISH.get(key) == message.id:
            found[key] = text
    return found


def choose(*codes: str, accept: str = "") -> Language:
    """The first of ``codes`` that there is, else the one of Accept-Language that is wanted most, else English."""
    for code in codes:
        if code.lower() in LANGUAGES:
            return language(code.lower())
    return language(next(iter(_wanted(accept)), DEFAULT))


def _wanted(accept: str) -> list[str]:
    """Codes that there are, the most wanted first (RFC 9110 §12.5.4); regions make no difference."""
    wishes = []
    for item in accept.split(",")[:MOST_WISHES]:
        found = _WISH.match(item)
        weight = float(found[2] or 1) if found else 0.0
        if found and weight and found[1].lower() in LANGUAGES:
            wishes.append((-weight, found[1].lower()))
    return [code for _, code in sorted(wishes, key=lambda wish: wish[0])]
