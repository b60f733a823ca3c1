"""Reading mail that strangers sent: tolerant, bounded, without recursion.

Bounces are often no valid MIME, so whatever can be read is read and the rest
is taken as text. Time is linear in the octets looked at, and those are
bounded: a report says what it has to say at its beginning (RFC 6522 §3).
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from dataclasses import dataclass, field
from email.header import decode_header, make_header

MAX_SCANNED_OCTETS = 2 * 1024 * 1024
MAX_HEADER_OCTETS = 128 * 1024
MAX_FIELDS = 1000
MAX_FIELD_OCTETS = 8 * 1024
MAX_PARTS = 100
MAX_DEPTH = 8
MAX_TEXT_OCTETS = 256 * 1024

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:(.*)", re.S)
_PARAMETER = re.compile(r';\s*([A-Za-z0-9_*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))')
_CHARSET = re.compile(
    r"(?:utf-?8|utf-?16(?:le|be)?|us-ascii|ascii|iso-?8859-\d{1,2}|windows-125\d|cp125\d|koi8-[rut]|iso-2022-(?:jp|kr)|shift_jis|euc-(?:jp|kr)"
    r"|gb2312|gbk|gb18030|big5)\Z",
    re.I,
)
"""Decoders whose time is linear; some of Python's others are not."""


@dataclass(frozen=True, slots=True)
class MimePart:
    """One leaf: a type in lower case, its parameters, header fields, body as transferred."""

    type: str
    parameters: dict[str, str]
    fields: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    def get(self, name: str) -> str:
        """First field of that name (lower case), ``""`` if there is none."""
        return next((value for key, value in self.fields if key == name), "")

    def decoded(self) -> bytes:
        """The body without its transfer encoding, bounded; damage is skipped."""
        body = self.body[:MAX_TEXT_OCTETS]
        encoding = self.get("content-transfer-encoding").strip().lower()
        if encoding == "quoted-printable":
            return quopri.decodestring(body)
        if encoding == "base64":
            data = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
            try:
                return base64.b64decode(data[: len(data) - len(data) % 4] or b"") + _tail(data)
            except binascii.Error:
                return body
        return body

    def text(self) -> str:
        charset = self.parameters.get("charset", "").strip()
        name = charset if _CHARSET.match(charset) else "utf-8"
        data = self.decoded()
        try:
            text = data.decode(name)
        except (UnicodeDecodeError, LookupError):
            text = data.decode("latin-1" if name.lower().startswith("utf") else name, "replace")
        return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True, slots=True)
class Mail:
    """A whole message: the outer header and all leaves in order."""

    top: MimePart
    parts: tuple[MimePart, ...]

    def get(self, name: str) -> str:
        return self.top.get(name)


def _tail(data: bytes) -> bytes:
    rest = data[len(data) - len(data) % 4 :]
    return base64.b64decode(rest + b"=" * (4 - len(rest))) if len(rest) > 1 else b""


def parse(raw: bytes) -> Mail:
    """Never raises; what is beyond the bounds is left out."""
    raw = raw[:MAX_SCANNED_OCTETS].replace(b"\r\n", b"\n")
    if b"\n" not in raw:  # a file from an old Macintosh
        raw = raw.replace(b"\r", b"\n")
    if raw.startswith((b"From ", b">From ")):
        raw = raw.partition(b"\n")[2]
    top = _part(raw)
    leaves: list[MimePart] = []
    stack: list[tuple[MimePart, int]] = [(top, 0)]
    looked_at = 0
    while stack and looked_at < MAX_PARTS:
        part, depth = stack.pop()
        looked_at += 1
        boundary = part.parameters.get("boundary", "").rstrip()
        pieces = _pieces(part, boundary) if part.type.startswith("multipart/") and depth < MAX_DEPTH else []
        if pieces:
            stack += [(_part(piece), depth + 1) for piece in reversed(pieces)]
        else:
            leaves.append(part)
    return Mail(top, tuple(leaves))


_ANY_BOUNDARY = re.compile(
    rb"^--([^\s-][^\n]{0,68}?)[ \t]*\n(?:Content-[A-Za-z-]{2,30}|MIME-Version)[ \t]*:", re.M | re.I
)


def _pieces(part: MimePart, boundary: str) -> list[bytes]:
    """By the boundary the header names; where no line is one, by that which the body uses."""
    pieces = _split(part.body, boundary) if boundary else []
    if pieces:
        return pieces
    found = _ANY_BOUNDARY.search(part.body, 0, MAX_TEXT_OCTETS)
    return _split(part.body, found[1].decode("utf-8", "surrogateescape")) if found else []


def nested(part: MimePart) -> Mail:
    """The message that a leaf of type message/rfc822 holds."""
    return parse(part.decoded().lstrip(b"\r\n"))


def _split(body: bytes, boundary: str) -> list[bytes]:
    """The pieces between boundary lines (RFC 2046 §5.1.1); an unclosed last one counts."""
    mark = re.escape(boundary.encode("utf-8", "surrogateescape"))
    pieces: list[bytes] = []
    start = -1
    for found in re.finditer(rb"^--" + mark + rb"(--)?[ \t]*$", body, re.M):
        if start >= 0:
            pieces.append(body[start : found.start()])
        start = found.end() + 1
        if found.group(1) or len(pieces) >= MAX_PARTS:
            return pieces
    if start >= 0:
        pieces.append(body[start:])
    return pieces


def _part(raw: bytes) -> MimePart:
    fields, body = split_header(raw)
    kind, parameters = content_type(next((v for k, v in fields if k == "content-type"), ""))
    return MimePart(kind, parameters, fields, body)


def split_header(raw: bytes) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """Unfolded fields with lower-case names, and the body."""
    if raw.startswith(b"\n"):
        return (), raw[1:]
    end = raw.find(b"\n\n", 0, MAX_HEADER_OCTETS)
    head, body = (raw[:end], raw[end + 2 :]) if end >= 0 else (raw[:MAX_HEADER_OCTETS], b"")
    gathered: list[tuple[bytes, list[bytes]]] = []
    for line in head.split(b"\n"):
        found = _FIELD.match(line)
        # Some gateways fold a field without the space; a parameter then stands on a line of its own.
        unindented = found is None and gathered and gathered[-1][1][-1].rstrip().endswith(b";")
        if line[:1] in (b" ", b"\t") or unindented:
            if gathered:
                gathered[-1][1].append(line)
            continue
        if found is None:
            if not gathered:
                return (), raw  # no header at all: all of it is text
            continue
        if len(gathered) >= MAX_FIELDS:
            break
        gathered.append((found.group(1), [found.group(2)]))
    return tuple((name.decode("ascii").lower(), _value(lines)) for name, lines in gathered), body


def _value(lines: list[bytes]) -> str:
    data = b" ".join(line.strip() for line in lines)[:MAX_FIELD_OCTETS]
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def content_type(value: str) -> tuple[str, dict[str, str]]:
    """Type in lower case and parameters; text/plain where it says nothing usable (RFC 2045 §5.2)."""
    kind = value.partition(";")[0].strip().lower()
    parameters: dict[str, str] = {}
    for found in _PARAMETER.finditer(value):
        quoted = found.group(2)
        text = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else found.group(3)
        parameters.setdefault(found.group(1).lower(), text)
    return (kind if "/" in kind else "text/plain"), parameters


def readable(value: str) -> str:
    """A field value with its encoded words decoded (RFC 2047); as it is where that fails."""
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value[:2000])))
    except Exception:  # the standard library raises many kinds on odd input
        return value


def html_text(html: str) -> str:
    """The visible words of HTML, roughly; linear time."""
    lower = html.lower()
    for tag in ("style", "script"):
        kept: list[str] = []
        at = 0
        while True:
            begin = lower.find(f"<{tag}", at)
            end = lower.find(f"</{tag}", begin) if begin >= 0 else -1
            if end < 0:
                break
            kept.append(html[at:begin])
            at = end
        kept.append(html[at:])
        html = "".join(kept)
        lower = html.lower()
    text = re.sub(r"<(?:br|p|div|tr|li|h\d)\b[^<>]*>", "\n", html, flags=re.I)
    text = re.sub(r"<[^<>]*>", " ", text)
    for name, char in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")):
        text = text.replace(name, char)
    return text
