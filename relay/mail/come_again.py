"""Parts that come again, looked at once.

An application that sends one newsletter to each subscriber by itself sends the
same parts each time: what differs between the copies (links, the reason, who it
is for) are slots of ours, or stands in the header. So what such a part stands
for, and where the footer goes in it, is remembered for the last few. A part
that never comes again costs two hashes more, of some 3 µs each for 7 KB.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from relay.mail import html, transfer

PARTS: Final = 32
OCTETS: Final = 64 * 1024
"""Of the longest part that is remembered: encoded, decoded and as it came, 6 MiB in a process at most."""


def decode(body: bytes, encoding: str) -> bytes | None:
    """``transfer.decode``; of a part that came again the same object."""
    if encoding in transfer.DECODED or len(body) > OCTETS:
        return transfer.decode(body, encoding)
    return _decoded(body, encoding)


def plan(octets: bytes) -> html.Insertion:
    """``html.plan`` of a decoded part."""
    return _plan(octets) if len(octets) <= OCTETS else html.plan(octets.decode("latin-1"))


_decoded = lru_cache(maxsize=PARTS)(transfer.decode)


@lru_cache(maxsize=PARTS)
def _plan(octets: bytes) -> html.Insertion:
    return html.plan(octets.decode("latin-1"))
