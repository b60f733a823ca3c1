"""Where things are in a message: header fields, body, MIME parts, as offsets.

One pass over the bytes in linear time, without recursion and within hard
limits; nothing is decoded that isn't needed and nothing is written back, so
whatever the relay doesn't touch leaves as it came in. Broken MIME is read the
way mail programs read it; what can't be read becomes an opaque leaf.
Sources: RFC 5322 §2.2, §3.6; RFC 2045 §5; RFC 2046 §5.1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from relay.mail.decode import addresses_of, decode_field
from relay.mail.parts import Field, Malformed, Part, ScanLimits, describe, read_fields
from relay.mail.walk import Walk

__all__ = [
    "MAX_LINE_OCTETS",
    "Field",
    "Malformed",
    "Part",
    "ScanLimits",
    "Scanned",
    "addresses_of",
    "decode_field",
    "enclosing_boundaries",
    "find_bare",
    "find_long_line",
    "is_clean",
    "scan",
]

MAX_LINE_OCTETS = 998
"""Without CRLF (RFC 5322 §2.1.1)."""

_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0")
_BARE_NAMES = {b"\r": "CR", b"\n": "LF", b"\0": "NUL"}


@dataclass(slots=True)
class Scanned:
    """A message and where its parts are; ``message`` always ends with CRLF."""

    message: bytes
    fields: list[Field]
    header_end: int
    """After the last header field."""
    body_start: int
    parts: list[Part]
    """In document order; ``parts[0]`` is the message itself."""
    index: dict[bytes, list[Field]]
    """Header fields by lower-case name."""
    moved: int = 0
    """By how many octets the body stands further down than in the client's own message."""
    moved_lines: int = 0

    def where(self, offset: int) -> str:
        """``line 4 (offset 120)`` in the client's own message, for an offset into this one."""
        line = self.message.count(b"\n", 0, offset) + 1
        if self.moved and offset >= self.body_start:
            line, offset = line - self.moved_lines, offset - self.moved
        return f"line {line} (offset {offset})"

    def value(self, wanted: Field) -> bytes:
        """The raw value of a field, still folded, without the blanks at its ends."""
        return self.message[wanted.value : wanted.end].strip(b" \t\r\n")

    def values(self, name: bytes) -> list[bytes]:
        """Raw values of all fields of that lower-case name, in order."""
        return [self.value(one) for one in self.index.get(name, ())]

    def first(self, name: bytes) -> bytes | None:
        """Raw value of the first field of that lower-case name."""
        found = self.index.get(name)
        return self.value(found[0]) if found else None

    def text(self, name: bytes) -> str:
        """Decoded text of the first field of that lower-case name (RFC 2047); ``""`` without one."""
        value = self.first(name)
        return "" if value is None else decode_field(value)


def is_clean(octets: bytes) -> bool:
    """No bare CR, bare LF or NUL (RFC 5321 §2.3.8)."""
    # What is left of CR and LF without the pairs is bare; single octets are found many times faster than two are.
    rest = octets.replace(b"\r\n", b"")
    return b"\r" not in rest and b"\n" not in rest and b"\0" not in rest


def all_clean(pieces: Sequence[bytes]) -> bool:
    """``is_clean`` of each."""
    return is_clean(b" ".join(pieces))


def all_dotless(pieces: Sequence[bytes]) -> bool:
    """No line begins with a dot, however the pieces are put together; sometimes no although it is so."""
    joined = b" ".join([b"", *pieces])
    return b" ." not in joined and b"\r\n." not in joined


def find_bare(message: bytes) -> tuple[str, int] | None:
    """The first bare CR, bare LF or NUL as (``"CR"``, ``"LF"`` or ``"NUL"``, its offset); None if there is none."""
    if is_clean(message):
        return None
    match = _BARE.search(message)
    return None if match is None else (_BARE_NAMES[match.group()], match.start())


def find_long_line(message: bytes, start: int, end: int) -> int:
    """Offset of the first line between ``start`` and ``end`` of more than 998 octets; -1 without one."""
    position = start
    while end - position > MAX_LINE_OCTETS:
        # The line feed that ends a line of 998 octets is its 1000th octet.
        found = message.rfind(b"\n", position, min(position + MAX_LINE_OCTETS + 2, end))
        if found < 0:
            if end - position == MAX_LINE_OCTETS + 1 and message[end - 1 : end] == b"\r":
                return -1
            return position
        position = found + 1
    return -1


def scan(message: bytes, limits: ScanLimits) -> Scanned:
    """Find header fields and MIME parts of ``message``, whose lines end with CRLF.

    Raises Malformed (``554 5.6.0``, ``554 5.4.6`` for too many hops).
    """
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    fields, header_end, body_start = _message_header(message, limits)
    index: dict[bytes, list[Field]] = {}
    for one in fields:
        index.setdefault(one.name, []).append(one)
    _check(index, limits)
    top = Part(0, -1, 0, 0, fields, header_end, body_start)
    describe(top, message, index, "text/plain")
    parts = [top]
    if top.boundary:
        Walk(message, parts, limits).run()
    top.body_end = len(message)
    for part in parts:
        if not part.children:
            part.boundary = b""
    return Scanned(message, fields, header_end, body_start, parts, index)


def _message_header(message: bytes, limits: ScanLimits) -> tuple[list[Field], int, int]:
    if message.startswith(b"\r\n"):
        stop = 0
    else:
        end = message.find(b"\r\n\r\n")
        stop = len(message) if end < 0 else end + 2
    if stop > limits.header_octets:
        raise Malformed(f"the header has {stop} octets, {limits.header_octets} are allowed")
    fields = read_fields(message, 0, stop, limits)
    reached = fields[-1].end if fields else 0
    if reached != stop:
        line = message.count(b"\n", 0, reached) + 1
        raise Malformed(f"line {line} (offset {reached}) of the header is no header field")
    return fields, stop, min(stop + 2, len(message))


def _check(index: dict[bytes, list[Field]], limits: ScanLimits) -> None:
    count = len(index.get(b"from", ()))
    if count != 1:
        what = "is no From field" if count == 0 else f"are {count} From fields"
        raise Malformed(f"there {what} in the header, exactly one is required (RFC 5322 3.6)")
    hops = len(index.get(b"received", ()))
    if hops > limits.hops:
        raise Malformed(f"{hops} Received fields, {limits.hops} are allowed: a mail loop", subject=4, detail=6)


def enclosing_boundaries(scanned: Scanned, part: Part) -> Sequence[bytes]:
    """Boundaries of the multiparts around ``part``, innermost first."""
    found: list[bytes] = []
    parent = part.parent
    while parent >= 0:
        above = scanned.parts[parent]
        found.append(above.boundary)
        parent = above.parent
    return found
