"""What a message shows to its reader, for comparing it with others: its text, or else its pictures and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from relay.mail.address import AddressError
from relay.mail.content import Content
from relay.mail.decode import addresses_of
from relay.mail.scan import Scanned

LITTLE: Final = 200
"""Characters of text from which on pictures and links aren't looked at."""
MOST_NAMES: Final = 100

_SOURCE: Final = re.compile(r"\b(src|href|background)\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)

_PIECES: Final = re.compile("[-_.~+]")
_CODE: Final = re.compile(
    r"(?<!\d)(?!(?:19|20)\d\d(?:0\d|1[0-2])(?!\d))\d{6}|(?<![A-Za-z])(?=\w*\d)(?=\w*[A-Za-z])[A-Za-z0-9]{4,}(?![A-Za-z])|"
    r"[a-z][A-Z]\w*[a-z][A-Z]|="
)
"""Six digits but 202605, letters with digits, letters of changing size."""
_WORD: Final = re.compile("[A-Za-z]{3,}[0-9]{1,3}")
_VOWELS: Final = re.compile("[aeiouy]", re.IGNORECASE)


class Shown(NamedTuple):
    text: str
    """Paragraphs with an empty line between them; what is hidden isn't in it."""
    marks: tuple[str, ...]
    """Where there is little text: addresses of pictures less what is a token, hosts of links, and attachments."""


def shown(content: Content) -> Shown:
    """The text of the HTML parts where there are any, else of the plain ones. Never raises."""
    texts = content.texts
    chosen = [one for one in texts if one.content_type != "text/plain"] or list(texts)
    text = "\n\n".join(one.text for one in chosen)
    if len(text) <= LITTLE:  # what is taken for hidden may be light letters on a dark ground
        text = "\n\n".join([text, *(one.hidden for one in chosen)])
    return Shown(text, () if len(text) > LITTLE else tuple(_marks(content)))


def _marks(content: Content) -> Iterator[str]:
    for one in content.texts:
        for attribute, found in _SOURCE.findall(one.source):
            yield _mark(attribute.lower(), found)
    for attachment in content.attachments:
        # Its name is easily changed for each recipient.
        yield f"{attachment.content_type} {attachment.size_octets}"


def _mark(attribute: str, url: str) -> str:
    """What an address says to all readers alike: of a link its host, of a picture what isn't made for one recipient."""
    scheme, _, rest = url.partition("?")[0].partition("#")[0].partition("://")
    if not rest:
        return scheme
    host, *path = rest.split("/")
    if attribute == "href":
        return host
    name = path.pop() if path else ""
    stem, _, _ = name.rpartition(".")
    kept = "-".join(piece for piece in _PIECES.split(stem or name) if piece and not _is_token(piece))
    return "/".join([host, *(one for one in path if not _is_token(one)), kept or stem])


def _is_token(piece: str) -> bool:
    """A number, code or hash; not a word, a year or the number of an issue."""
    if _WORD.fullmatch(piece):
        return False
    if _CODE.search(piece):
        return True
    return len(piece) >= 6 and piece.isalpha() and len(_VOWELS.findall(piece)) * 8 <= len(piece)


def recipients(scanned: Scanned) -> list[str]:
    """Display names and local parts in To and Cc: what is personal in a message of one's own."""
    found: list[str] = []
    for value in (*scanned.values(b"to"), *scanned.values(b"cc")):
        try:
            for name, address in addresses_of(value):
                found += [name, address.rpartition("@")[0].replace(".", " ")]
        except AddressError:
            continue
    return found[:MOST_NAMES]
