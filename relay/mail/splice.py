"""Replacements of byte ranges of a message."""

from __future__ import annotations

from collections.abc import Sequence

from relay.mail.parts import Part
from relay.mail.stored import Piece


class Splice:
    """Replacements of byte ranges of the message, kept in any order, cut out in document order."""

    def __init__(self, message: bytes) -> None:
        self.message = message
        self.ranges: list[tuple[int, int, Sequence[Piece]]] = []

    def put(self, start: int, end: int, pieces: Sequence[Piece]) -> None:
        self.ranges.append((start, end, pieces))

    def cut(self, start: int, end: int) -> list[Piece]:
        """Pieces for the octets from ``start`` to ``end`` with what replaces some of them."""
        out: list[Piece] = []
        position = start
        for first, last, pieces in sorted(self.ranges, key=lambda one: one[:2]):
            if start <= first and last <= end:
                out.append(self.message[position:first])
                out.extend(pieces)
                position = last
        out.append(self.message[position:end])
        return out


def put_fields(splice: Splice, part: Part, new: dict[bytes, bytes]) -> None:
    """Header fields of a part: those of ``new`` (by lower-case name) stand for the old ones; an empty one goes."""
    left = dict(new)
    for one in part.fields:
        if one.name in new:
            octets = left.pop(one.name, b"")
            splice.put(one.start, one.end, (octets,) if octets else ())
    added = b"".join(left.values())
    if not splice.message.startswith(b"\r\n", part.header_end):
        added += b"\r\n"  # no empty line before the body, whose first line might now look like a field
    splice.put(part.header_end, part.header_end, (added,))
