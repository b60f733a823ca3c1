"""What a reader sees of a message, as plain text for comparing: no markup, no comments, nothing exact.

Where the footer goes is told by ``relay.mail.html``; this reading is quick and
lenient, since a comparison may miss a word.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from relay.mail.address import AddressError
from relay.mail.bodies import is_html, readable
from relay.mail.charset import codec
from relay.mail.decode import addresses_of
from relay.mail.scan import Part, Scanned
from relay.mail.transfer import decode

MOST_OCTETS: Final = 64 * 1024
"""Of a part; what stands behind isn't looked at."""
MOST_NAMES: Final = 100

_SILENT: Final = re.compile(r"<(style|script|head|title)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_BREAK: Final = re.compile(
    r"</?(?:p|div|tr|table|h[1-6]|li|ul|ol|section|article|header|footer|hr|blockquote|center)\b[^>]*>", re.IGNORECASE
)
_LINE: Final = re.compile(r"<br\b[^>]*>", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^>]*>")
_SOURCE: Final = re.compile(r"\b(?:src|href|background)\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)
_BLANKS: Final = re.compile(r"\n\s*\n")


class Shown(NamedTuple):
    text: str
    """Paragraphs with an empty line between them."""
    marks: tuple[str, ...]
    """Pictures, targets of links without what follows ``?``, and attachments, in order."""


def shown(scanned: Scanned) -> Shown:
    """The text of the HTML parts where there are any, else of the plain ones. Never raises; time is linear."""
    parts = readable(scanned).parts
    chosen = [part for part in parts if is_html(part)] or parts
    texts, marks = [], []
    for part in chosen:
        text = _text(scanned, part)
        if is_html(part):
            marks += [found.partition("?")[0].partition("#")[0] for found in _SOURCE.findall(text)]
            text = _plain(text)
        texts.append(text)
    marks += _attachments(scanned)
    return Shown("\n\n".join(texts), tuple(marks))


def _text(scanned: Scanned, part: Part) -> str:
    end = min(part.body_end, part.body_start + 3 * MOST_OCTETS)
    octets = decode(scanned.message[part.body_start : end], part.encoding)
    return (octets or b"")[:MOST_OCTETS].decode(codec(part.charset) or "utf-8", "replace").replace("\r\n", "\n")


def _plain(markup: str) -> str:
    markup = _SILENT.sub(" ", markup)
    markup = _BREAK.sub("\n\n", _LINE.sub("\n", markup.replace("\n", " ")))
    return _BLANKS.sub("\n\n", html.unescape(_TAG.sub(" ", markup)))


def _attachments(scanned: Scanned) -> Iterator[str]:
    """Each leaf that isn't text, by type and size; its name is easily changed for each recipient."""
    for part in scanned.parts:
        if not part.children and not part.content_type.startswith("text/"):
            yield f"{part.content_type} {part.body_end - part.body_start}"


def recipients(scanned: Scanned) -> list[str]:
    """Display names and addresses in To and Cc: what is personal in a message of one's own."""
    found: list[str] = []
    for value in (*scanned.values(b"to"), *scanned.values(b"cc")):
        try:
            for name, address in addresses_of(value):
                found += [name, address.rpartition("@")[0].replace(".", " ")]
        except AddressError:
            continue
    return found[:MOST_NAMES]
