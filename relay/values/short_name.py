"""Short names: what of a tenant's words stands in letters to people who haven't agreed to anything yet.

A confirmation letter goes to whoever's address was filled in. So nothing in it
may advertise: a topic there is a short name on one line, without links,
domains, addresses and telephone numbers. ``fault`` refuses others where they
are made; ``in_letter`` takes such parts out of what was stored before.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from relay.observe.escape import escaped

MAX_SHORT: Final = 60
MAX_WORD: Final = 30
"""Longer words are keys, hashes or payment addresses."""
LEFT_OUT: Final = "…"
MOST_READ: Final = 500
"""Of a stored text; none that is shown is longer."""

# Other signs that are read as a dot between labels (UTS #46), which NFKC leaves.
_DOTS: Final = str.maketrans({"\u3002": ".", "\u2024": ".", "\u2219": ".", "\u22c5": ".", "\u00b7": "."})
_COMMON: Final = (
    "com|net|org|info|biz|xyz|top|shop|site|online|club|store|live|app|dev|link|click|icu|vip|pro|space|website|test"
)

_LINK: Final = re.compile(
    r"[a-z][a-z0-9+.-]*\s*:\s*//|(?:^|(?<=\W))(?:https?|hxxps?|mailto|tel|sms|skype|tg)\s*:|(?<!\w)(?:https?|www)(?!\w)|//|\\\\",
    re.I,
)
_AT: Final = re.compile(r"@|[\[({<]\s*(?:at|dot|punkt|point|punto|собака|точка|крапка|\.)\s*[\])}>]", re.I)
# A label, a dot, and letters: `shop.example`, `t.me`; not `v2.0`, `e.g.`, `24.12.2026`.
_DOMAIN: Final = re.compile(rf"\w\.(?:[^\W\d_]{{2,}}|xn--\w)|\w\s*\.\s*(?:{_COMMON})(?!\w)", re.I)
_SPELLED: Final = re.compile(rf"\b(?:dot|punkt|point|punto|точка|крапка)\s+(?:{_COMMON}|[a-z]{{2}})\b", re.I)
_NUMBERS: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|(?:[0-9a-f]{1,4}:){3,}|::[0-9a-f]", re.I)
_DIGITS: Final = re.compile(r"\+?\(?\d[\d\s().,/\u2010-\u2015'_-]{4,}\d")
_DATES: Final = re.compile(r"(?<!\d)(?:\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|\d{4}-\d{2}-\d{2}|(?:19|20)\d\d)(?!\d)")
_VANITY: Final = re.compile(r"(?<!\d)(?:\+?1[\s.-]?)?\(?0?8\d\d\)?[\s.-]?[A-Z][A-Z-]{3,}")
MOST_DIGITS: Final = 6
"""More digits in a row, whatever stands between them, are a telephone number unless they are dates."""


@lru_cache(maxsize=4096)
def fault(text: str) -> str:
    """Why a text is no short name, for people; ``""`` if it is one."""
    if not text.strip() or escaped(text) != text or text.splitlines() != [text]:
        return "it must be one line of visible text"
    if len(text) > MAX_SHORT:
        return f"it is longer than {MAX_SHORT} characters"
    plain = _plain(text)
    if any(len(word) > MAX_WORD for word in plain.split()):
        return f"a word in it is longer than {MAX_WORD} characters"
    found = next(_offences(plain), None)
    return "" if found is None else found[1]


@lru_cache(maxsize=4096)
def in_letter(text: str, most: int = MAX_SHORT, *, phones: bool = False) -> str:
    """What of a stored text may stand in a letter: one line, at most so long, without what ``fault`` refuses.

    ``phones`` lets numbers be, for postal addresses.
    """
    line = " ".join("".join(c if escaped(c) == c else " " for c in text[:MOST_READ]).split())
    words = _plain(line).split()
    if any(len(word) > MAX_WORD for word in words) or any(True for _ in _offences(" ".join(words), phones=phones)):
        line = _without(words, phones)
    return line if len(line) <= most else line[: most - 1].rstrip() + LEFT_OUT


def _without(words: list[str], phones: bool) -> str:
    """The words that are in no offence; a sign for those left out."""
    text, spans = " ".join(words), []
    for _ in range(len(words)):
        spans = [span for span, _ in _offences(text, phones=phones)]
        if not spans:
            break
        start, end = spans[0]
        start, end = text.rfind(" ", 0, start) + 1, (text.find(" ", end) + 1 or len(text) + 1) - 1
        text = f"{text[:start]}{LEFT_OUT}{text[end:]}"
    if spans and any(True for _ in _offences(text, phones=phones)):
        return LEFT_OUT
    kept: list[str] = []
    for word in text.split():
        shown = LEFT_OUT if len(word) > MAX_WORD else word
        if kept[-1:] != [LEFT_OUT] or shown != LEFT_OUT:
            kept.append(shown)
    return " ".join(kept)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_DOTS)


def _offences(text: str, *, phones: bool = False) -> Iterator[tuple[tuple[int, int], str]]:
    """(Where, why) of each part that makes a name an advertisement."""
    for pattern, why in (
        (_LINK, "it holds a link"),
        (_AT, "it holds an address"),
        (_NUMBERS, "it holds an IP address"),
        (_DOMAIN, "it holds a domain, or a dot between words"),
        (_SPELLED, "it spells out a domain"),
    ):
        if found := pattern.search(text):
            yield found.span(), why
    if phones:
        return
    for found in _DIGITS.finditer(text):
        if sum(map(str.isdigit, _DATES.sub("", found[0]))) > MOST_DIGITS:
            yield found.span(), "it holds a telephone number"
    if found := _VANITY.search(text):
        yield found.span(), "it holds a telephone number"
