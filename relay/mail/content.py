"""What a message says to a reader: texts, links with their words, attachments. For policies, and only when asked for.

Each fact is worked out when it is first asked for, and kept: who asks for
nothing pays for nothing. Linear in the message's length, no recursion, hard
limits; a message that passes one is told to be incomplete, never refused here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from relay.mail import content_html
from relay.mail.bodies import TEXT_TYPES, is_attachment, is_html
from relay.mail.charset import codec
from relay.mail.content_links import Link, in_text
from relay.mail.decode import decode_field
from relay.mail.mime import parse_token
from relay.mail.parts import Field, Malformed, Part, ScanLimits, describe, read_fields
from relay.mail.scan import Scanned
from relay.mail.transfer import decode
from relay.mail.walk import Walk

__all__ = ["Attachment", "Content", "ContentText", "Link"]

MOST_TEXT: Final = 256 * 1024
"""Decoded octets of all texts together."""
MOST_LINKS: Final = 2_000
MOST_INSIDE: Final = 20
"""Messages within the message that are opened."""
INSIDE_OCTETS: Final = 32 * 1024 * 1024
"""Of these together."""
DEEPEST: Final = 5
"""So far inside each other."""
MOST_OCTETS: Final = 64 * 1024 * 1024
_MESSAGES: Final = frozenset(("message/rfc822", "message/global"))
_SEALED: Final = frozenset(
    ("multipart/encrypted", "application/pgp-encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")
)
_OF_ONE: Final = frozenset(
    (b"to", b"date", b"message-id", b"received", b"relay-meta", b"relay-send-at", b"relay-expire")
)
"""Fields of one message that say nothing to its reader."""
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ARMOURED: Final = "-----BEGIN PGP MESSAGE-----"
_EXTENDED: Final = re.compile(rb"filename\*(?:0\*)?[ \t]*=[ \t]*\"?([A-Za-z0-9_.:+-]{1,40})'", re.IGNORECASE)
"""The charset of a name that is percent-encoded (RFC 2231 §4)."""
_INNER: Final = ScanLimits()


class ContentText(NamedTuple):
    """One part that is read."""

    content_type: str
    text: str
    """As a reader sees it: without markup, soft line ends, and what isn't shown."""
    hidden: str
    """What is in it and not shown."""
    source: str
    """The part's own text, markup and all."""


class Attachment:
    """A part that is not read as text in its place."""

    __slots__ = ("_message", "_part", "_size", "content_type", "inline", "name")

    def __init__(self, message: bytes, part: Part, name: str) -> None:
        self._message = message
        self._part = part
        self._size = -1
        self.content_type = part.content_type
        """In lower case, as declared; the octets may be something else."""
        self.name = name
        """As declared, without control characters; ``""`` without one. Never a path to write to."""
        self.inline = part.disposition == "inline"
        """To be shown within the text."""

    @property
    def size_octets(self) -> int:
        """Decoded; worked out when first asked for."""
        if self._size < 0:
            self._size = len(self.octets(len(self._message)))
        return self._size

    def octets(self, most: int = MOST_OCTETS) -> bytes:
        """The first ``most`` decoded octets; as they stand in the message if their encoding is none that is known.

        Decoding never makes more of them; what is packed in archives isn't unpacked.
        """
        part = self._part
        end = min(part.body_end, part.body_start + 4 * most + 1024)
        found = self._decoded(end)
        if len(found) < most and end < part.body_end:  # its coding is wide: soft line ends, blanks in Base64
            found = self._decoded(part.body_end)
        return found[:most]

    def _decoded(self, end: int) -> bytes:
        body = self._message[self._part.body_start : end]
        octets = decode(body, self._part.encoding)
        return body if octets is None else octets


class Content:
    """The facts of one message. ``scanned``: None for one without any."""

    __slots__ = ("_attachments", "_complete", "_digest", "_leaves", "_links", "_scanned", "_sealed", "_texts")

    def __init__(self, scanned: Scanned | None = None) -> None:
        self._scanned = scanned
        self._leaves: list[tuple[Scanned, Part]] | None = None
        self._attachments: tuple[Attachment, ...] | None = None
        self._texts: tuple[ContentText, ...] | None = None
        self._links: tuple[Link, ...] = ()
        self._complete = True
        self._sealed = False
        self._digest = b""

    @property
    def texts(self) -> tuple[ContentText, ...]:
        """What is read, in document order; each branch of an alternative is one, and so are messages inside."""
        return self._worked_out()

    @property
    def links(self) -> tuple[Link, ...]:
        """Of all texts, each as often as it stands there."""
        self._worked_out()
        return self._links

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """All else: files, images in the text, messages inside, those of messages inside too."""
        if self._attachments is None:
            self._attachments = tuple(
                Attachment(scanned.message, part, _name(scanned, part))
                for scanned, part in self._parts()
                if not _is_read(scanned, part)
            )
        return self._attachments

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The message's own header fields, without those that say how it is built: name in lower case, decoded text."""
        if self._scanned is None:
            return ()
        found = [one for one in self._scanned.fields if not one.name.startswith((b"mime-", b"content-t", b"relay-"))]
        return tuple((one.name.decode("latin-1"), decode_field(self._scanned.value(one))) for one in found)

    def digest(self) -> bytes:
        """The same for messages that differ in nothing but whom they are for, when they were made, and their ids."""
        if self._scanned is None:
            return b""
        if not self._digest:
            self._digest = self._made_digest(self._scanned)
        return self._digest

    def _made_digest(self, scanned: Scanned) -> bytes:
        made = hashlib.blake2b(digest_size=16)
        for one in scanned.fields:
            if one.name not in _OF_ONE:
                made.update(scanned.message[one.start : one.end])
        made.update(scanned.message[scanned.body_start :])
        return made.digest()

    @property
    def raw(self) -> bytes:
        """The whole message as it was read."""
        return b"" if self._scanned is None else self._scanned.message

    @property
    def complete(self) -> bool:
        """Whether no limit has cut anything off."""
        self._worked_out()
        return self._complete

    @property
    def sealed(self) -> bool:
        """Something in it is encrypted, so that only its readers know what it says."""
        self._worked_out()
        return self._sealed

    def read(self) -> None:
        """Work out all that takes time."""
        self._worked_out()

    def _worked_out(self) -> tuple[ContentText, ...]:
        if self._texts is None:
            self._texts = self._read()
        return self._texts

    # -- finding -------------------------------------------------------------------

    def _parts(self) -> list[tuple[Scanned, Part]]:
        """The leaves in document order, those of messages inside right behind these."""
        if self._leaves is None:
            self._leaves = self._found()
        return self._leaves

    def _found(self) -> list[tuple[Scanned, Part]]:
        leaves: list[tuple[Scanned, Part]] = []
        if self._scanned is None:
            return leaves
        opened = octets = 0
        waiting: list[tuple[Iterator[Part], Scanned, int]] = [(iter(self._scanned.parts), self._scanned, 0)]
        while waiting:
            parts, scanned, depth = waiting[-1]
            part = next(parts, None)
            if part is None:
                waiting.pop()
                continue
            self._sealed = self._sealed or part.content_type in _SEALED
            if part.is_multipart:
                continue
            leaves.append((scanned, part))
            if part.content_type in _MESSAGES and not part.hollow:
                inner = None
                octets += part.body_end - part.body_start
                if opened < MOST_INSIDE and depth < DEEPEST and octets <= INSIDE_OCTETS:
                    opened += 1
                    inner = _opened(scanned, part)
                else:
                    self._complete = False
                if inner is not None:
                    waiting.append((iter(inner.parts), inner, depth + 1))
        return leaves

    def _read(self) -> tuple[ContentText, ...]:
        texts: list[ContentText] = []
        links: list[Link] = []
        left = MOST_TEXT
        for scanned, part in self._parts():
            if part.hollow or not _is_read(scanned, part):
                continue
            if left <= 0:
                self._complete = False
                break
            body = scanned.message[part.body_start : min(part.body_end, part.body_start + 4 * left + 1024)]
            octets = decode(body, part.encoding)
            if octets is None:
                octets = body
            if len(octets) > left or len(body) < part.body_end - part.body_start:
                self._complete = False
            octets = octets[:left]
            left -= len(octets)
            found, seen = _understood(part, _decoded(octets, part))
            texts.append(found)
            self._sealed = self._sealed or _ARMOURED in found.text
            links += seen.links
            self._complete = self._complete and seen.complete
        if len(links) > MOST_LINKS:
            self._complete = False
        self._links = tuple(links[:MOST_LINKS])
        return tuple(texts)


def _is_read(scanned: Scanned, part: Part) -> bool:
    if part.content_type not in TEXT_TYPES and not is_html(part):
        return False
    return not is_attachment(scanned, part)


def _understood(part: Part, source: str) -> tuple[ContentText, content_html.ContentPage]:
    if is_html(part):
        page = content_html.read(source)
    else:
        text = content_html.visible(_unflowed(part, source.replace("\r\n", "\n").replace("\r", "\n")))
        page = content_html.ContentPage(text, "", list(in_text(text)), True)
    return ContentText(part.content_type, page.text, page.hidden, source), page


def _decoded(octets: bytes, part: Part) -> str:
    """In the declared charset, else in what programs guess."""
    if octets.startswith(b"\xef\xbb\xbf"):
        return octets[3:].decode("utf-8", "replace")
    name = codec(part.charset) if part.charset else None
    if name is not None and name != "ascii":
        return octets.decode(name, "replace")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        # The last character may have been cut.
        return octets.decode("utf-8" if _cut(octets) else "cp1252", "replace")


def _cut(octets: bytes) -> bool:
    try:
        octets[:-3].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.end >= len(octets) - 3 and error.start > 0
    return len(octets) > 3


def _unflowed(part: Part, text: str) -> str:
    """Lines that flow are one (RFC 3676 §4)."""
    if part.parameters.get("format", "").lower() != "flowed":
        return text
    joint = "" if part.parameters.get("delsp", "").lower() == "yes" else " "
    out: list[str] = []
    flowing = False
    for line in text.split("\n"):
        line = line.removeprefix(" ")
        flows = line.endswith(" ") and line != "-- "
        line = line.rstrip(" ") if flows else line
        if flowing:
            out.append(joint)
        elif out:
            out.append("\n")
        out.append(line)
        flowing = flows
    return "".join(out)


def _name(scanned: Scanned, part: Part) -> str:
    """Of Content-Disposition, else of Content-Type; encoded words are decoded, as programs do it."""
    named, charset = "", "utf-8"
    for one in part.fields:
        if one.name == b"content-disposition":
            value = scanned.value(one)
            named = parse_token(value).parameters.get("filename", "")
            declared = _EXTENDED.search(value)
            charset = declared[1].decode("ascii") if declared is not None else charset
            break
    named = named or part.parameters.get("name", "")
    octets = named.encode("latin-1", "replace")
    text = decode_field(octets) if b"=?" in octets else ""
    if not text and charset.lower() != "utf-8":
        text = octets.decode(codec(charset) or "utf-8", "replace")
    if not text:
        try:
            text = octets.decode("utf-8")
        except UnicodeDecodeError:
            text = named
    return _CONTROLS.sub("", text)[:1000]


def _opened(scanned: Scanned, part: Part) -> Scanned | None:
    """A message inside, as far as it is one; None if nothing can be made of it."""
    body = scanned.message[part.body_start : part.body_end]
    octets = decode(body, part.encoding)
    message = (body if octets is None else octets) + b"\r\n"
    if b"\r\n" not in message[:-2] and b"\n" in message:
        message = message.replace(b"\n", b"\r\n")
    try:
        fields = read_fields(message, 0, len(message), _INNER)
        end = fields[-1].end if fields else 0
        index: dict[bytes, list[Field]] = {}
        for one in fields:
            index.setdefault(one.name, []).append(one)
        start = end + 2 if message.startswith(b"\r\n", end) else end
        top = Part(0, -1, 0, 0, fields, end, start)
        describe(top, message, index, "text/plain")
        parts = [top]
        if top.boundary:
            Walk(message, parts, _INNER).run()
    except Malformed:
        return None
    top.body_end = len(message) - 2
    return Scanned(message, fields, end, start, parts, index)
