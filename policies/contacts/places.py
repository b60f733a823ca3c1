"""Where text stands in a message: as readers see it, and where programs look on their behalf.

Beside the text as shown: markup with its attributes, style sheets and comments,
codes resolved (references, percent signs, escapes of CSS and scripts, Base64
and hexadecimal runs, as in data URLs and queries), text that is shown from
right to left, and files that hold text. Everything within limits.
"""

# ruff: noqa: RUF001 - letters that stand on their heads

from __future__ import annotations

import binascii
import html
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from policies.contacts.codings import WrittenAt, coded, unescaped, without_tags
from relay.mail.content import Attachment
from relay.pipeline.contract import Message

MOST_SOURCE: Final = 200_000
"""Characters of one part's markup that are looked at in all forms."""
MOST_FILE: Final = 256 * 1024
MOST_FILES: Final = 20
MOST_MEMBERS: Final = 30

_JOINED: Final = re.compile(r"[\"']\s*\+\s*[\"']")
_CSS_TEXT: Final = re.compile(r"(?:content|--[\w-]{1,40})\s*:\s*((?:[\"'][^\"']{0,200}[\"']\s*)+)", re.IGNORECASE)
_TITLE: Final = re.compile(r"\btitle\s*=\s*[\"']([^\"']{12,300})", re.IGNORECASE)
FLOWS: Final = (b"inline", b"float", b"flex", b"grid")
TURNED: Final = tuple(word.encode() for word in ("<bdo", "direction", "rtl", "\u202e", "\u2067", "&#8238", "&#x202e"))
_PDF_TEXT: Final = re.compile(rb"\(((?:[^()\\]|\\.){1,500})\)?|<([0-9A-Fa-f]{4,1000})>")
"""What never ends is taken as well, so that nothing is read twice."""
_UPRIGHT: Final = str.maketrans("ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz˙", "abcdefghijklmnopqrstuvwxyz.")
_PICTURE: Final = re.compile(r"\.(?:png|jpe?g|gif|webp|svg|avif|bmp|pdf)(?=[?#\"'\s)>]|\Z)", re.IGNORECASE)
"""Behind what a picture is called, so that it isn't part of a domain in its name."""
_UPSIDE_DOWN: Final = re.compile("[ɐɔǝɟƃɥᴉɾʞɯɹʇʌʍʎ]")
_IN_THE_WAY: Final = re.compile(
    r"no[-_.]?spam|remove(?:[-_.]?(?:this|me))?|delete(?:[-_.]?(?:this|me))?|entfernen|ohne[-_.]?spam|bezspam"
)
"""In small letters, and each begins with a letter: such are searched for some times as fast."""
_WAY_WORDS: Final = (b"spam", b"remove", b"delete", b"entfernen")
"""One of these is in each of them."""
_ASCII_ALONE: Final = bytes(octet if octet < 128 else 127 for octet in range(256))
_STREAM: Final = re.compile(rb"stream\r?\n")
MOST_DRAWN: Final = 4 * 1024 * 1024
"""Octets of one PDF that are unpacked, pictures among them."""


_SHOWN_FIELDS: Final = ("comments", "keywords", "organization", "reply-to", "list-", "content-description", "x-")
"""Fields that some programs show, by how they begin."""
_MADE_FIELDS: Final = ("list-unsubscribe", "x-report-abuse", "x-sender-contact")
"""Those that the relay writes itself."""


def heads(msg: Message) -> Iterator[WrittenAt]:
    """What is shown of the header."""
    yield WrittenAt("the subject", msg.subject)
    for name in msg.from_names:
        yield WrittenAt("the From name", name)
    for name, value in msg.content.fields:
        if name.startswith(_SHOWN_FIELDS) and not name.startswith(_MADE_FIELDS):
            yield WrittenAt(f"the field {name}", value)


def places(msg: Message) -> Iterator[WrittenAt]:
    """All of them; the likeliest first."""
    yield from heads(msg)
    content = msg.content
    for link in content.links:
        yield WrittenAt("a link", link.url)
        yield WrittenAt("a link written backwards", link.url[::-1])
    for part in content.texts:
        yield WrittenAt("the text", part.text)
        yield WrittenAt("text written backwards", part.text[::-1])
        yield from otherwise_read(part.text)
        if part.hidden:
            yield WrittenAt("hidden text", part.hidden)
        source = part.source[:MOST_SOURCE]
        if part.content_type != "text/plain":
            resolved = resolved_of(source)
            yield from _markup(source, resolved, part.text)
            yield from coded(resolved)
            continue
        if _any(TURNED, lowered(source)):
            yield WrittenAt("text shown from right to left", source[::-1])
        yield from coded(source)
    for attachment in content.attachments[:MOST_FILES]:
        yield from in_file(attachment)


def otherwise_read(text: str) -> Iterator[WrittenAt]:
    """As readers are told to read it: upside down, without words that are in the way."""
    if not text.isascii() and _UPSIDE_DOWN.search(text) is not None:
        yield WrittenAt("text upside down", text.translate(_UPRIGHT)[::-1])
    lower = lowered(text)
    if _any(_WAY_WORDS, lower):
        small = text.lower()
        cleared = _IN_THE_WAY.sub("", small)
        if len(cleared) < len(small):
            yield WrittenAt("the text", cleared)


def beside(msg: Message) -> Iterator[str]:
    """What some readers see beside the text as shown: turned round, by style sheets, on pointing, in files."""
    for part in msg.content.texts:
        source = part.source[:MOST_SOURCE]
        lower = lowered(source)
        if _any(TURNED, lower):
            yield part.text[::-1]
        if part.content_type == "text/plain":
            continue
        if b"content:" in lower or b"data:" in lower:
            resolved = resolved_of(source)
            yield " ".join(unescaped(one) for one in _CSS_TEXT.findall(resolved))
            yield from (place.text for place in coded(resolved) if b"data:" in lower)
        if b"title=" in lower:
            yield "\n".join(html.unescape(one) for one in _TITLE.findall(source))
    for attachment in msg.content.attachments[:MOST_FILES]:
        if attachment.content_type.startswith("text/"):
            yield from (place.text for place in in_file(attachment))


def lowered(source: str) -> bytes:
    """In small letters, as far as they are ASCII; letters of other alphabets take their time."""
    return source.encode("utf-8", "surrogatepass").lower()


def _any(words: tuple[bytes, ...], lower: bytes) -> bool:
    return any(word in lower for word in words)


def resolved_of(source: str) -> str:
    """Without references; what was written for programs that resolve once is resolved twice."""
    plain = html.unescape(source) if "&" in source else source
    return html.unescape(plain) if "&#" in plain or "&amp" in plain else plain


def joined(resolved: str) -> str:
    """Strings of scripts that are put together."""
    return _JOINED.sub("", resolved) if "+" in resolved else resolved


def css_texts(resolved: str) -> str:
    """What style sheets put in, all together."""
    found = [one for run in _CSS_TEXT.findall(resolved) for one in re.findall(r"[\"']([^\"']*)[\"']", run)]
    return unescaped("".join(found))


def _markup(source: str, resolved: str, text: str) -> Iterator[WrittenAt]:
    yield WrittenAt("the markup", unescaped(joined(resolved)))
    if _PICTURE.search(resolved) is not None:
        yield WrittenAt("the name of a picture", unquote(_PICTURE.sub(" ", resolved)))
    lower = lowered(source)
    if b"content" in lower:
        yield WrittenAt("a style sheet", css_texts(resolved))
    if _any(FLOWS, lower):
        yield WrittenAt("the text", without_tags(resolved))
    if _any(TURNED, lower):
        yield WrittenAt("text shown from right to left", text[::-1])
        yield WrittenAt("text shown from right to left", without_tags(resolved)[::-1])


def in_file(attachment: Attachment) -> Iterator[WrittenAt]:
    if attachment.name:
        yield WrittenAt("the name of a file", f"{attachment.name} {attachment.name.rpartition('.')[0]}")
    octets = attachment.octets(MOST_FILE)
    where = f"the file {attachment.name[:80]}" if attachment.name else "a file"
    if octets[:4] == b"PK\x03\x04":
        for text in _members(attachment.octets()):
            yield WrittenAt(where, text)
            yield WrittenAt(where, without_tags(html.unescape(text)))
        return
    if octets[:5] == b"%PDF-":
        yield WrittenAt(where, printed(octets))
    if octets[:2] in (b"\xff\xfe", b"\xfe\xff"):
        octets = octets.decode("utf-16", "replace").encode()
    # Pictures and the like hold text too: descriptions, who made them.
    text = _text_of(octets)
    yield WrittenAt(where, text)
    if b"\0" not in octets[:512] and ("<" in text or "&" in text):
        yield from (WrittenAt(where, one.text) for one in _markup(text, resolved_of(text), without_tags(text)))
        yield WrittenAt(where, without_tags(html.unescape(text)))
    if b"\0" not in octets[:512]:
        yield from (WrittenAt(where, one.text) for one in coded(resolved_of(text)))


def _text_of(octets: bytes) -> str:
    """Of what is no text in UTF-8 that which is ASCII: there is much of the rest, and it says nothing."""
    if b"\0" not in octets[:512]:
        try:
            return octets[:MOST_FILE].decode("utf-8")
        except UnicodeDecodeError as error:
            if error.start >= len(octets) - 3:  # a letter was cut
                return octets.decode("utf-8", "replace")
    return octets.translate(_ASCII_ALONE).decode("ascii")


def _members(octets: bytes) -> Iterator[str]:
    """Texts in an archive, office documents among them."""
    left = MOST_FILE
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            for info in archive.infolist()[:MOST_MEMBERS]:
                if info.flag_bits & 1 or left <= 0:
                    continue
                with archive.open(info) as member:
                    inner = member.read(left)
                left -= len(inner)
                yield info.filename
                yield inner.decode("utf-8", "replace")
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError, zlib.error, ValueError):
        return


def printed(octets: bytes) -> str:
    """Texts that a PDF draws, in their order, as far as they are written in the letters' own codes."""
    pieces: list[str] = []
    left = MOST_DRAWN
    for packed in _streams(octets):
        try:
            drawn = zlib.decompressobj().decompress(packed, min(left, MOST_FILE))
        except zlib.error:
            drawn = packed
        left -= len(drawn)
        for plain, hexadecimal in _PDF_TEXT.findall(drawn):
            raw = plain or binascii.unhexlify(hexadecimal[: len(hexadecimal) & ~1])
            pieces.append(raw.replace(b"\0", b"").decode("latin-1"))
        pieces.append("\n")
        if left <= 0:
            break
    return "".join(pieces)


def _streams(octets: bytes) -> Iterator[bytes]:
    """Each from its beginning to the nearest end, in one pass however many begin and never end."""
    begin = _STREAM.search(octets)
    while begin is not None:
        end = octets.find(b"endstream", begin.end())
        if end < 0:
            return
        yield octets[begin.end() : end]
        begin = _STREAM.search(octets, end + len(b"endstream"))
