"""Values that the store keeps: a template, and the slots in it, encoded by msgspec.

They stand apart from what works on them because msgspec's classes are never
compiled (docs/decisions/0012-compiled.md).
"""

from __future__ import annotations

from typing import Literal

import msgspec

SlotForm = Literal["text", "html", "header", "raw"]
"""``raw``: octets that stand as they are, as Latin-1 letters; in quoted-printable only where the part is."""

VERSION = 1


class Slot(msgspec.Struct, frozen=True, array_like=True):
    """A place for a value: which, how it is escaped, and in which encoding."""

    name: str
    form: SlotForm
    charset: str = "ascii"
    qp: bool = False
    """Quoted-printable; the slot then stands at a line's start and a soft break follows."""


Piece = bytes | Slot


class TrackedLink(msgspec.Struct, frozen=True, array_like=True):
    """A link that a copy may lead by way of the relay."""

    raw: str
    """As the sender wrote it, octets as Latin-1 letters."""
    url: str
    """Where it leads, in ASCII."""
    forward: bool = False
    """It is for handing the message on: counted, and nothing more."""


class Template(msgspec.Struct, frozen=True, array_like=True):
    """Header fields and body as pieces; ``encode`` and ``decode`` for the store."""

    version: int
    fields: tuple[tuple[Piece, ...], ...]
    """Each field's pieces; a field ends with CRLF."""
    body: tuple[Piece, ...]
    needs_8bit: bool
    """Whether copies have octets beyond ASCII in the body: the remote must offer 8BITMIME."""
    needs_smtputf8: bool
    """Whether copies have octets beyond ASCII in the header (RFC 6532)."""
    wrapped: bool
    """Whether the footer has a part of its own, since the message can't take it."""
    placeholders: tuple[str, ...]
    """Names of the relay's placeholders that were found in readable parts."""
    dropped: tuple[str, ...] = ()
    """Types of the parts that don't leave, since they can't take the footer."""
    tracked: tuple[TrackedLink, ...] = ()
    """Links by the numbers of their slots (``relay.mail.own_tracking``)."""

    @property
    def slots(self) -> frozenset[str]:
        """Names of all slots."""
        pieces = [piece for one in (*self.fields, self.body) for piece in one]
        return frozenset(piece.name for piece in pieces if isinstance(piece, Slot))

    def encode(self) -> bytes:
        return _ENCODER.encode(self)

    @staticmethod
    def decode(octets: bytes) -> Template:
        """Raises ValueError for what isn't a template of this version."""
        try:
            template = _DECODER.decode(octets)
        except msgspec.MsgspecError as error:
            raise ValueError(f"not a message template: {error}") from None
        if template.version != VERSION:
            raise ValueError(f"message template of version {template.version}, this relay reads version {VERSION}")
        return template


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Template)
