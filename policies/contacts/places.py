"""Where text stands in a message: as readers see it, and where programs look on their behalf.

Beside the text as shown: markup with its attributes, style sheets and comments,
codes resolved (references, percent signs, escapes of CSS and scripts, Base64
and hexadecimal runs, as in data URLs and queries), text that is shown from
right to left, and files that hold text. Everything within limits.
"""

from __future__ import annotations

import binascii
import html
import io
import itertools
import re
import string
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import unquote

import idna

from relay.mail.content import Attachment
from relay.pipeline.contract import Message

MOST_SOURCE: Final = 200_000
"""Characters of one part's markup that are looked at in all forms."""
MOST_RUNS: Final = 40
"""Encoded runs that are read."""
MOST_WORDS: Final = 3000
LEAST_DECODED: Final = 6
MOST_FILE: Final = 256 * 1024
MOST_FILES: Final = 20
MOST_MEMBERS: Final = 30

_ESCAPES: Final = re.compile(r"\\(?:u\{?([0-9a-fA-F]{2,6})\}?|x([0-9a-fA-F]{2})|([0-9a-fA-F]{2,6})[ \t\n]?)")
_JOINED: Final = re.compile(r"[\"']\s*\+\s*[\"']")
_TOKENS: Final = bytes(
    octet if octet > 127 or chr(octet).isalnum() or chr(octet) in "+/_-" else 32 for octet in range(256)
)
"""Of UTF-8."""
LEAST_RUN: Final = 14
"""Characters below which an encoded run holds no contact."""
_DATA: Final = re.compile(r"data:[^,\"'<>\s]{0,100}base64,([A-Za-z0-9+/_\s-]{8,20000})", re.IGNORECASE)
_PERCENT: Final = re.compile(r"%[0-9a-fA-F]{2}")
_TAG: Final = re.compile(r"<[^<>]{0,2000}>")
_CSS_TEXT: Final = re.compile(r"content\s*:\s*((?:[\"'][^\"']{0,200}[\"']\s*)+)", re.IGNORECASE)
_TITLE: Final = re.compile(r"\btitle\s*=\s*[\"']([^\"']{12,300})", re.IGNORECASE)
_FLOWS: Final = ("inline", "float", "flex", "grid")
_TURNED: Final = ("<bdo", "direction", "rtl", "\u202e", "\u2067", "&#8238", "&#x202e")
_PDF_TEXT: Final = re.compile(rb"\(((?:[^()\\]|\\.){1,500})\)|<([0-9A-Fa-f]{4,1000})>")
_STREAM: Final = re.compile(rb"stream\r?\n(.{1,200000}?)endstream", re.DOTALL)
_PUNYCODE: Final = re.compile(r"(?:[a-z0-9-]+\.){0,6}xn--[a-z0-9-]{1,60}(?:\.[a-z0-9-]{1,63}){0,6}", re.IGNORECASE)


_SHOWN_FIELDS: Final = ("comments", "keywords", "organization", "reply-to", "list-", "content-description", "x-")
"""Fields that some programs show, by how they begin."""
_MADE_FIELDS: Final = ("list-unsubscribe", "x-report-abuse", "x-sender-contact")
"""Those that the relay writes itself."""


class WrittenAt(NamedTuple):
    where: str
    """For people: ``the text``, ``a link`` …"""
    text: str


def places(msg: Message) -> Iterator[WrittenAt]:
    """All of them; the likeliest first."""
    yield WrittenAt("the subject", msg.subject)
    for name in msg.from_names:
        yield WrittenAt("the From name", name)
    content = msg.content
    for name, value in content.fields:
        if name.startswith(_SHOWN_FIELDS) and not name.startswith(_MADE_FIELDS):
            yield WrittenAt(f"the field {name}", value)
    for link in content.links:
        yield WrittenAt("a link", link.url)
    for part in content.texts:
        yield WrittenAt("the text", part.text)
        if part.hidden:
            yield WrittenAt("hidden text", part.hidden)
        source = part.source[:MOST_SOURCE]
        if part.content_type != "text/plain":
            resolved = _resolved(source)
            yield from _markup(source, resolved, part.text)
            yield from _coded(resolved)
            continue
        if _any(_TURNED, source.lower()):
            yield WrittenAt("text shown from right to left", source[::-1])
        yield from _coded(source)
    for attachment in content.attachments[:MOST_FILES]:
        yield from _file(attachment)


def beside(msg: Message) -> Iterator[str]:
    """What some readers see beside the text as shown: turned round, by style sheets, on pointing, in files."""
    for part in msg.content.texts:
        source = part.source[:MOST_SOURCE]
        lower = source.lower()
        if _any(_TURNED, lower):
            yield part.text[::-1]
        if part.content_type == "text/plain":
            continue
        if "content:" in lower or "data:" in lower:
            resolved = _resolved(source)
            yield " ".join(_unescaped(one) for one in _CSS_TEXT.findall(resolved))
            yield from (place.text for place in _coded(resolved) if "data:" in lower)
        if "title=" in lower:
            yield "\n".join(html.unescape(one) for one in _TITLE.findall(source))
    for attachment in msg.content.attachments[:MOST_FILES]:
        if attachment.content_type.startswith("text/"):
            yield from (place.text for place in _file(attachment))


def _any(words: tuple[str, ...], lower: str) -> bool:
    return any(word in lower for word in words)


def _resolved(source: str) -> str:
    """Without references; what was written for programs that resolve once is resolved twice."""
    plain = html.unescape(source) if "&" in source else source
    return html.unescape(plain) if "&#" in plain or "&amp" in plain else plain


def _markup(source: str, resolved: str, text: str) -> Iterator[WrittenAt]:
    joined = _JOINED.sub("", resolved) if "+" in resolved else resolved
    yield WrittenAt("the markup", _unescaped(joined))
    lower = source.lower()
    if "content" in lower:
        found = [one for run in _CSS_TEXT.findall(resolved) for one in re.findall(r"[\"']([^\"']*)[\"']", run)]
        yield WrittenAt("a style sheet", _unescaped("".join(found)))
    if _any(_FLOWS, lower):
        yield WrittenAt("the text", _TAG.sub("", resolved))
    if _any(_TURNED, lower):
        yield WrittenAt("text shown from right to left", text[::-1])
        yield WrittenAt("text shown from right to left", _TAG.sub("", resolved)[::-1])


def _unescaped(text: str) -> str:
    return _ESCAPES.sub(_letter, text) if "\\" in text else text


def _letter(found: re.Match[str]) -> str:
    number = int(found[1] or found[2] or found[3], 16)
    return chr(number) if 31 < number < 0x110000 else " "


def _coded(source: str) -> Iterator[WrittenAt]:
    """What stands in the text in another coding."""
    resolved = source
    for _ in range(4):
        if "%" not in resolved or _PERCENT.search(resolved) is None:
            break
        resolved = unquote(resolved, errors="replace")
        yield WrittenAt("a link", resolved)
    for found in _DATA.finditer(resolved):
        yield from _readable(_base64("".join(found[1].split())), 0)
    tokens = resolved.encode("utf-8", "surrogatepass").translate(_TOKENS).decode("utf-8", "surrogatepass")
    words = [one for one in tokens.split() if len(one) >= LEAST_RUN]
    runs = dict.fromkeys(piece for one in words for piece in (one, *one.split("/")) if len(piece) >= LEAST_RUN)
    left = MOST_RUNS
    for run in itertools.islice(runs, MOST_WORDS):
        octets = b"" if run.strip(string.hexdigits) or len(run) % 2 else binascii.unhexlify(run)
        for decoded in (octets, _base64(run)) if _likely(_base64(run[:12])) else (octets,):
            for place in _readable(decoded, LEAST_DECODED):
                left -= 1
                yield place
        if left <= 0:
            break
    if "xn--" in source.lower():
        yield WrittenAt("a link", " ".join(_shown(found[0]) for found in _PUNYCODE.finditer(source)))


def _base64(run: str) -> bytes:
    """Also URL-safe and without its end; empty for what is none."""
    plain = run.rstrip("=").translate({45: 43, 95: 47})
    try:
        return binascii.a2b_base64(plain[: len(plain) - (len(plain) % 4 == 1)] + "=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return b""


def _likely(octets: bytes) -> bool:
    """The beginning of a text rather than of anything else."""
    return len(octets) > 2 and all(octet > 31 for octet in octets)


def _shown(domain: str) -> str:
    labels = []
    for label in domain.lower().split("."):
        try:
            labels.append(label.encode("ascii").decode("idna") if label.startswith("xn--") else label)
        except (UnicodeError, idna.IDNAError):
            labels.append(label)
    return ".".join(labels)


def _readable(octets: bytes, least: int) -> Iterator[WrittenAt]:
    """If it is text, markup in it with and without tags."""
    if len(octets) <= least:
        return
    text = octets.decode("utf-8", "replace")
    odd = sum(c == "\ufffd" or c < " " for c in text[:200])
    if odd * 8 > min(len(text), 200):
        return
    plain = unquote(html.unescape(text))
    yield WrittenAt("something encoded", plain)
    if "<" in plain:
        yield WrittenAt("something encoded", _TAG.sub("", plain))


def _file(attachment: Attachment) -> Iterator[WrittenAt]:
    if attachment.name:
        yield WrittenAt("the name of a file", f"{attachment.name} {attachment.name.rpartition('.')[0]}")
    octets = attachment.octets(MOST_FILE)
    where = f"the file {attachment.name[:80]}" if attachment.name else "a file"
    if octets[:4] == b"PK\x03\x04":
        for text in _members(attachment.octets()):
            yield WrittenAt(where, text)
            yield WrittenAt(where, _TAG.sub("", html.unescape(text)))
        return
    if octets[:5] == b"%PDF-":
        yield WrittenAt(where, _pdf(octets))
    if octets[:2] in (b"\xff\xfe", b"\xfe\xff"):
        octets = octets.decode("utf-16", "replace").encode()
    # Pictures and the like hold text too: descriptions, who made them.
    text = octets.decode("utf-8", "replace") if b"\0" not in octets[:512] else octets.decode("latin-1")
    yield WrittenAt(where, text)
    if b"\0" not in octets[:512] and ("<" in text or "&" in text):
        yield from (WrittenAt(where, one.text) for one in _markup(text, _resolved(text), _TAG.sub("", text)))
        yield WrittenAt(where, _TAG.sub("", html.unescape(text)))
    if b"\0" not in octets[:512]:
        yield from (WrittenAt(where, one.text) for one in _coded(_resolved(text)))


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


def _pdf(octets: bytes) -> str:
    """Texts that are drawn, in their order, as far as they are written in the letters' own codes."""
    pieces: list[str] = []
    for found in _STREAM.finditer(octets):
        try:
            drawn = zlib.decompressobj().decompress(found[1], MOST_FILE)
        except zlib.error:
            drawn = found[1]
        for plain, coded in _PDF_TEXT.findall(drawn):
            raw = plain or binascii.unhexlify(coded[: len(coded) & ~1])
            pieces.append(raw.replace(b"\0", b"").decode("latin-1"))
        pieces.append("\n")
    return "".join(pieces)
