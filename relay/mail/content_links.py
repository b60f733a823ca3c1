"""Links as a reader's program follows them: from HTML, and from plain text where programs make links of addresses.

What a browser makes of an address is done here too (WHATWG URL §4.4: blanks at
its ends and line ends within are dropped, backslashes are slashes, slashes
behind ``http:`` may be missing or too many), so that no spelling hides a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import urljoin

MOST_URL: Final = 4096
"""Characters of an address that are looked at; the host is among the first."""
MOST_WORDS: Final = 500
"""Characters of a link's words."""

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20}):")
_CONTROLS: Final = "".join(map(chr, range(33)))
_DROPPED: Final = {ord(letter): None for letter in "\t\n\r"}
_AUTHORITY_END: Final = re.compile(r"[/\\?#]")
_IN_TEXT: Final = re.compile(
    rf"(?<![A-Za-z0-9@.])(?:https?://|mailto:|www\.)[^\s<>\"\u00ab\u00bb\u201c\u201d`]{{1,{MOST_URL}}}", re.IGNORECASE
)
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}
_AFTER: Final = frozenset(".,;:!?'*_~\u2026")
"""What ends a sentence rather than an address."""


class Link(NamedTuple):
    """``url`` begins with ``http://``, ``https://`` or ``mailto:``; ``words`` is what a reader sees of it."""

    url: str
    words: str
    hidden: bool = False
    """It is in the message, but not where a reader sees it."""
    form: bool = False
    """A form is sent there."""


def address_of(value: str, base: str = "") -> str:
    """Where ``value`` leads, of an attribute whose references are resolved; ``""`` for all but web and mail."""
    value = value.strip(_CONTROLS)[: 2 * MOST_URL].translate(_DROPPED)[:MOST_URL]
    scheme = _SCHEME.match(value)
    if scheme is None:
        return _relative(value, base)
    name, rest = scheme[1].lower(), value[scheme.end() :]
    if name == "mailto":
        return f"mailto:{rest}" if rest.strip() else ""
    return _web(name, rest) if name in ("http", "https") else ""


def _web(scheme: str, rest: str) -> str:
    rest = rest.lstrip("/\\")
    end = _AUTHORITY_END.search(rest)
    host, tail = (rest, "") if end is None else (rest[: end.start()], rest[end.start() :])
    if not host:
        return ""
    path, mark, query = tail.partition("?")
    return f"{scheme}://{host}{path.replace(chr(92), '/')}{mark}{query}"


def _relative(value: str, base: str) -> str:
    if value[:1] in ("/", "\\") and value[1:2] in ("/", "\\"):
        return _web(base.partition(":")[0] or "https", value)
    if not base or not value:
        return ""
    try:
        return urljoin(base, value.replace("\\", "/"))[:MOST_URL]
    except ValueError:  # a base that is no address
        return ""


def in_text(text: str) -> Iterator[Link]:
    """Addresses in a text, without what follows them in a sentence."""
    if not may_hold(text):
        return
    for match in _IN_TEXT.finditer(text):
        words = _trimmed(match.group())
        url = address_of(f"http://{words}" if words[:4].lower() == "www." else words)
        if url:
            yield Link(url, words[:MOST_WORDS])


def may_hold(text: str) -> bool:
    """Whether there may be an address; quick."""
    if "://" in text:
        return True
    lower = text.lower()
    return "www." in lower or "mailto:" in lower


def _trimmed(found: str) -> str:
    """Without stops at its end, and brackets there that were not opened in it."""
    left = {close: found.count(opened) - found.count(close) for close, opened in _PAIRS.items()}
    end = len(found)
    while end:
        last = found[end - 1]
        if last in _PAIRS and left[last] < 0:
            left[last] += 1
        elif last not in _AFTER:
            break
        end -= 1
    return found[:end]
