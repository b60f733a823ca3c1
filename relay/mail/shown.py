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

_SOURCE: Final = re.compile(r"\b(?:src|href|background)\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)


class Shown(NamedTuple):
    text: str
    """Paragraphs with an empty line between them; what is hidden isn't in it."""
    marks: tuple[str, ...]
    """Where there is little text: sources of pictures and targets of links up to a ``?``, and attachments."""


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
        for found in _SOURCE.findall(one.source):
            yield found.partition("?")[0].partition("#")[0]
    for attachment in content.attachments:
        # Its name is easily changed for each recipient.
        yield f"{attachment.content_type} {attachment.size_octets}"


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
