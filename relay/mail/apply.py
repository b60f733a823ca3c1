"""Ways for changes of a part's text to get into its encoded body: in place where that can be, else encoded anew."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, final

from relay.mail.parts import Part
from relay.mail.scan import MAX_LINE_OCTETS, find_long_line
from relay.mail.slots import KnownSlots, joined, quoted_printable
from relay.mail.stored import Piece
from relay.mail.transfer import DECODED, SOFT, qp_offsets, with_crlf


class Change(NamedTuple):
    """Pieces instead of the octets from ``start`` to ``end``."""

    start: int
    end: int
    pieces: Sequence[Piece]


@final
class Edited:
    """What becomes of a part's body."""

    def __init__(self, marks: frozenset[str]) -> None:
        """``marks``: placeholders that were found."""
        self.marks = marks
        self.pieces: list[Change] = []
        """Changes in place, as offsets into the part's encoded body."""
        self.encoding = ""
        """Set if the body was encoded anew: then the Content-Transfer-Encoding field must say so."""
        self.charset = ""
        """Set if the charset parameter must change."""
        self.footer = True
        """False if no footer put into this part would be seen: the message must be wrapped."""


@final
class Text:
    """A part's decoded octets and how what is added to them gets encoded."""

    def __init__(self, octets: bytes, charset: str, declare: str = "", transcoded: bool = False) -> None:
        """``charset``: codec for what is added; ``declare``: charset to declare from now on, if it changes."""
        self.octets = octets
        self.charset = charset
        self.declare = declare
        self.transcoded = transcoded


def apply(
    part: Part,
    body: bytes,
    text: Text,
    changes: list[Change],
    known: KnownSlots,
    boundaries: Sequence[bytes],
    result: Edited,
    long_line: bool,
) -> None:
    """Choose the way the changes get into the body, the one that leaves most as it is first."""
    if not text.transcoded and not long_line:
        if part.encoding in DECODED:
            if _raw_fits(part, body, changes, known) and not _makes_delimiter(body, changes, boundaries):
                result.pieces = changes
                return
        elif part.encoding == "quoted-printable":
            offsets = qp_offsets(body, [offset for one in changes for offset in (one.start, one.end)], len(text.octets))
            if offsets is not None:
                done = _qp_changes(body, changes, offsets, boundaries)
                if not _makes_delimiter(body, done, boundaries):
                    result.pieces = done
                    return
    result.encoding = "quoted-printable"
    result.pieces = [Change(0, len(body), _encoded_anew(text.octets, changes, boundaries))]


def _raw_fits(part: Part, body: bytes, changes: list[Change], known: KnownSlots) -> bool:
    """Whether the changes can be made in an unencoded body: no new 8-bit octets in 7bit, no line over 998 octets."""
    if part.encoding == "7bit" and body.isascii():
        for change in changes:
            for piece in change.pieces:
                if isinstance(piece, bytes):
                    if not piece.isascii():
                        return False
                elif piece.charset != "ascii" and known.characters([piece.name]):
                    return False
    return not _too_long(body, changes, known)


def _too_long(body: bytes, changes: list[Change], known: KnownSlots) -> bool:
    """Whether a line that a change touches gets too long; the body's own lines were looked at before."""
    position = column = 0
    for change in changes:
        for number, piece in enumerate((body[position : change.start], *change.pieces)):
            if not isinstance(piece, bytes):
                column += known.octets(piece)
                continue
            first = piece.find(b"\r\n")
            if first < 0:
                column += len(piece)
            elif column + first > MAX_LINE_OCTETS:
                return True
            else:
                column = len(piece) - piece.rfind(b"\r\n") - 2
                if number and find_long_line(piece, first + 2, len(piece)) >= 0:
                    return True
        position = change.end
        if column > MAX_LINE_OCTETS:
            return True
    end = body.find(b"\r\n", position)
    return column + (end if end >= 0 else len(body)) - position > MAX_LINE_OCTETS


def _makes_delimiter(body: bytes, changes: list[Change], boundaries: Sequence[bytes]) -> bool:
    """Whether a changed line could be taken for a delimiter of a multipart around it."""
    if not boundaries:
        return False
    pieces: list[bytes] = [b"\r\n"]
    position = 0
    for change in changes:
        pieces.append(body[position : change.start])
        pieces.extend([piece if isinstance(piece, bytes) else b"\0" for piece in change.pieces])
        position = change.end
    pieces.append(body[position:])
    text = b"".join(pieces)
    # A long word is found in fewer steps than a short one.
    return any(b"\r\n--" + boundary in text for boundary in boundaries)


def guarded_qp(pieces: Sequence[Piece], boundaries: Sequence[bytes]) -> Sequence[Piece]:
    """Quoted-printable pieces in which no line can be taken for a delimiter of a multipart around them."""
    out: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, bytes) and boundaries and b"--" in piece:
            for boundary in boundaries:
                piece = piece.replace(b"\r\n--" + boundary, b"\r\n=2D-" + boundary)
                if piece.startswith(b"--" + boundary):
                    piece = b"=2D" + piece[1:]
        out.append(piece)
    return out


def _qp_changes(body: bytes, changes: list[Change], offsets: list[int], boundaries: Sequence[bytes]) -> list[Change]:
    done: list[Change] = []
    for number, change in enumerate(changes):
        start, end = offsets[2 * number], offsets[2 * number + 1]
        line_start = start == 0 or body[start - 1 : start] == b"\n"
        inserted = start == end and isinstance(change.pieces, tuple)
        pieces = (_known_qp if inserted else _qp)(change.pieces, line_start)
        if not pieces and not line_start and b"\n" in body[start:end]:
            pieces = [SOFT]  # the rests of two lines would make one of more than 76 octets
        done.append(Change(start, end, guarded_qp(pieces, boundaries)))
    return done


def _qp(pieces: Sequence[Piece], line_start: bool) -> Sequence[Piece]:
    return quoted_printable(joined(pieces), line_start=line_start)


_known_qp = lru_cache(maxsize=64)(_qp)
"""For blocks that come again: as a tuple, and put in, not in the place of something."""


def _encoded_anew(octets: bytes, changes: list[Change], boundaries: Sequence[bytes]) -> Sequence[Piece]:
    """The whole part as quoted-printable, with real CRLF line ends."""
    pieces: list[Piece] = []
    position = 0
    for change in changes:
        pieces.append(with_crlf(octets[position : change.start]))
        pieces.extend(change.pieces)
        position = change.end
    pieces.append(with_crlf(octets[position:]))
    return guarded_qp(quoted_printable(joined(pieces), line_start=True), boundaries)
