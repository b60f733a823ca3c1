"""An exemplar of a campaign: plain values, as they are shown and kept."""

from __future__ import annotations

import msgspec


class ExemplarText(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """One part that is read; what differs between copies stands as ``«1»``, ``«2»`` …"""

    content_type: str
    text: str
    hidden: str = ""
    """What is in it and not shown to readers."""


class ExemplarLink(msgspec.Struct, frozen=True):
    """Where a link leads, and what a reader sees of it."""

    url: str
    """What differs between copies stands as ``«…»``."""
    host: str
    """In ASCII (A-labels)."""
    reads: str
    """The host as it is read, where it has letters beyond ASCII; else empty."""
    words: str
    places: int = 1
    """How often it stands in the message."""
    hidden: bool = False
    form: bool = False
    claims: str = ""
    """Another host that its words name; empty: none."""


class ExemplarFile(msgspec.Struct, frozen=True):
    """An attachment, or a picture in the text."""

    name: str
    content_type: str
    size_octets: int
    sha256: str
    inline: bool = False
    differs: bool = False
    """Copies have different ones in this place."""


class Varying(msgspec.Struct, frozen=True):
    """What differs between copies."""

    where: str
    """subject, from, a header field's name, ``text 1`` …, or link."""
    mark: str
    examples: tuple[str, ...] = ()
    """Of a few copies; never kept."""


class Exemplar(msgspec.Struct, frozen=True):
    """One copy, rendered, with what others of its campaign have instead."""

    campaign_id: int
    from_: str = msgspec.field(name="from", default="")
    reply_to: str = ""
    subject: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    """Other fields of its header, but those that name its recipient or it alone."""
    texts: tuple[ExemplarText, ...] = ()
    links: tuple[ExemplarLink, ...] = ()
    attachments: tuple[ExemplarFile, ...] = ()
    varies: tuple[Varying, ...] = ()
    compared: int = 0
    """Copies that were compared."""
    alike: float = 1.0
    """Share of the first copy's words that all of them have."""
    complete: bool = True
    """Whether no limit has cut anything off."""
    sealed: bool = False
    """Something in it is encrypted."""
    made_at: float = 0.0
    kept: bool = False
    """It was kept from before; its copies are gone."""
