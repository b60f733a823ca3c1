"""Slots: the places of a template where each recipient's copy differs.

A slot's value can never end a line or begin a header field: controls and
line ends become blanks, and each form escapes what has a meaning where the
slot stands.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Mapping, Sequence

from relay.mail.stored import Piece, Slot, SlotForm
from relay.mail.transfer import SOFT, encode_qp, encode_qp_value, softened

ENGINE_SLOTS = frozenset(
    {"unsubscribe_url", "preferences_url", "why_url", "unsubscribe_mailto", "report_url", "permission"}
)
"""Slots whose values are ASCII without blanks, safe in URLs, text, HTML and header fields."""
SHAREABLE = frozenset({"report_url"})
"""Slots that a copy for several recipients can fill: they speak of the message."""
ENGINE_OCTETS = 255
"""Room reckoned for a value of these where it isn't known yet."""

_SLOT = re.compile(r"\{\{[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*\}\}")
_UNWANTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")
_ENCODED_WORD = 45
"""Octets of UTF-8 in one encoded word: 60 of base64 and 12 around it are within the 75 of RFC 2047 §2."""


def clean(value: str) -> str:
    """One line: controls, bidirectional overrides and runs of blanks become one space, none at the ends."""
    if value.isprintable() and "  " not in value and value[:1] != " " and value[-1:] != " ":
        return value
    return " ".join(_UNWANTED.sub(" ", value).split())


def encode(slot: Slot, value: str) -> bytes:
    """The octets that stand for ``value`` in this slot; never fails."""
    if slot.form == "raw":
        octets = value.encode("latin-1", "replace")
        return encode_qp_value(octets) if slot.qp else octets
    value = clean(value)
    if value.startswith("--"):
        value = "- -" + value[2:]  # at a line's start it could pass for a delimiter
    if slot.form == "header":
        if slot.charset != "ascii":  # an address beyond ASCII, which can't be encoded (RFC 6532)
            return value.encode("utf-8", "replace")
        return value.encode("ascii") if value.isascii() else b"\r\n ".join(encoded_words(value))
    if slot.form == "html":
        octets = html.escape(value).encode(slot.charset, "xmlcharrefreplace")
    else:
        octets = value.encode(slot.charset, "replace")
    return encode_qp_value(octets) if slot.qp else octets


def encoded_words(text: str) -> list[bytes]:
    """``text`` as encoded words of RFC 2047, each at most 75 octets, no character split."""
    words: list[bytes] = []
    octets = b""
    for character in text:
        more = character.encode("utf-8", "replace")
        if len(octets) + len(more) > _ENCODED_WORD:
            words.append(octets)
            octets = b""
        octets += more
    words.append(octets)
    return [b"=?utf-8?B?" + base64.b64encode(word) + b"?=" for word in words]


def split_slots(text: str) -> list[str]:
    """``text`` cut at its ``{{name}}`` slots: literals at even places, names at odd ones."""
    return _SLOT.split(text)


def tight_slots(text: str) -> str:
    """The same text with ``{{name}}`` for ``{{ name }}``."""
    return _SLOT.sub(r"{{\1}}", text)


def slot_names(text: str) -> set[str]:
    return set(split_slots(text)[1::2])


class KnownSlots:
    """What is known of the slots' values when the template is made: their characters and lengths."""

    def __init__(self, values: Iterable[Mapping[str, str]]) -> None:
        found: dict[str, set[str]] = {}
        for one in values:
            for name, value in one.items():
                found.setdefault(name, set()).add(value)
        self._values: dict[str, list[str]] = {name: [clean(one) for one in each] for name, each in found.items()}

    def add(self, name: str, values: Iterable[str]) -> None:
        """Values of a slot that is placed while the template is made."""
        self._values[name] = list(values)

    def characters(self, names: Iterable[str]) -> str:
        """All characters that the values of these slots have beyond ASCII."""
        found: set[str] = set()
        for name in names:
            for value in self._values.get(name, ()):
                if not value.isascii():
                    found.update(value)
        return "".join(sorted(found))

    def octets(self, slot: Slot) -> int:
        """Most octets that a value of this slot takes."""
        values = self._values.get(slot.name)
        if values is None:
            return ENGINE_OCTETS
        return max(len(encode(slot, value)) for value in values)


def fill(text: str, form: SlotForm, charset: str) -> list[Piece]:
    """A text with ``{{name}}`` slots as pieces in ``charset``; HTML text is markup already."""
    errors = "xmlcharrefreplace" if form == "html" else "replace"
    pieces: list[Piece] = []
    for place, item in enumerate(split_slots(text)):
        if place % 2:
            pieces.append(Slot(item, form, charset))
        elif item:
            pieces.append(item.encode(charset, errors))
    return pieces


def quoted_printable(pieces: Sequence[Piece], *, line_start: bool) -> list[Piece]:
    """Pieces of decoded text as pieces of quoted-printable that begin and end without joining their neighbours.

    ``line_start``: whether what stands before ends with a line break. Ends at the start of a line.
    """
    out: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Slot):
            if not line_start:
                _break_softly(out)
            out.append(Slot(piece.name, piece.form, piece.charset, qp=True))
            out.append(SOFT)
            line_start = True
        elif piece:
            if not line_start and not piece.startswith(b"\r\n"):
                _break_softly(out)
            encoded = encode_qp(piece)
            out.append(encoded)
            line_start = encoded.endswith(b"\r\n")
    if not line_start and out:
        _break_softly(out)
    return out


def _break_softly(out: list[Piece]) -> None:
    last = out[-1] if out else b""
    if isinstance(last, bytes) and last:
        out[-1] = softened(last)
    else:
        out.append(SOFT)


def settled(pieces: Iterable[Piece], values: Mapping[str, str]) -> tuple[Piece, ...]:
    """The same pieces with octets where a slot's value is among ``values``, since it is the same in all copies."""
    return joined(
        encode(piece, values[piece.name]) if isinstance(piece, Slot) and piece.name in values else piece
        for piece in pieces
    )


def joined(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The same pieces with neighbouring octets in one."""
    out: list[Piece] = []
    run: list[bytes] = []
    for piece in pieces:
        if not isinstance(piece, bytes):
            if run:
                out.append(b"".join(run))
                run = []
            out.append(piece)
        elif piece:
            run.append(piece)
    if run:
        out.append(b"".join(run))
    return tuple(out)
