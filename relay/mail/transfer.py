"""Content transfer encodings of text parts, and where in the encoded body a decoded octet lies.

Decoding is as lenient as in mail programs; encoding is strict (RFC 2045 §6.7:
lines of at most 76 octets, CRLF only for real line ends).
"""

from __future__ import annotations

import binascii
import re
from bisect import bisect_left
from collections.abc import Sequence

_QP_TOKEN = re.compile(rb"=(?:[0-9A-Fa-f]{2}|\r\n|=|\Z)")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")
_CHUNK = 1024
SOFT = b"=\r\n"
_QP_MOST = 76
_QP_LINE = 72
_QP = [bytes([o]) if 32 <= o < 127 and o != 0x3D else b"=%02X" % o for o in range(256)]
_QP_PLAIN = re.compile(rb"[ -<>-~]*")
"""Octets that stand for themselves."""
DECODED = frozenset({"7bit", "8bit", "binary"})
"""Encodings in which the body is the text itself."""


def decode(body: bytes, encoding: str) -> bytes | None:
    """The octets that ``body`` stands for; None for an encoding or damage that nobody can read."""
    if encoding in DECODED:
        return body
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding == "base64":
        return _base64(body)
    return None


def _base64(body: bytes) -> bytes | None:
    """Octets outside of the alphabet are skipped (RFC 2045 §6.8); what follows the padding is not text."""
    try:
        return binascii.a2b_base64(body)
    except binascii.Error:
        kept = _NO_BASE64.sub(b"", body).partition(b"=")[0]
        kept = kept[: len(kept) - (len(kept) % 4 == 1)]
        return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


def with_crlf(text: bytes) -> bytes:
    """Every line end as CRLF, the canonical form of text (RFC 2046 §4.1.1)."""
    pairs = text.count(b"\r\n")
    if text.count(b"\n") == pairs and text.count(b"\r") == pairs:
        return text
    if pairs or b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return text.replace(b"\n", b"\r\n")


def encode_qp(text: bytes) -> bytes:
    """Quoted-printable for text with CRLF line ends; may end in the middle of a line."""
    if not text:
        return b""
    encoded = binascii.b2a_qp(text, istext=True)
    # b2a_qp breaks softly with LF alone if the text has no line end to learn from.
    return encoded if b"\r\n" in text else encoded.replace(b"\n", b"\r\n")


def softened(encoded: bytes) -> bytes:
    """Quoted-printable that ends within a line, with a soft break after it and no line over 76 octets."""
    if len(encoded) - encoded.rfind(b"\n") - 1 < _QP_MOST:
        return encoded + SOFT
    cut = len(encoded) - (3 if encoded[-3:-2] == b"=" else 1)
    return encoded[:cut] + SOFT + encoded[cut:] + SOFT


def encode_qp_value(octets: bytes) -> bytes:
    """Quoted-printable for a slot's value, which has no line ends; it stands at a line's start, before a soft break."""
    encoded = octets if _QP_PLAIN.fullmatch(octets) else b"".join([_QP[octet] for octet in octets])
    if encoded.startswith(b"-"):
        encoded = b"=2D" + encoded[1:]  # never a delimiter line
    if len(encoded) <= _QP_LINE:
        return encoded
    lines: list[bytes] = []
    start = 0
    while len(encoded) - start > _QP_LINE:
        end = start + _QP_LINE
        cut = encoded.rfind(b"=", end - 2, end)
        end = cut if cut > 0 else end
        lines.append(encoded[start:end])
        start = end
    lines.append(encoded[start:])
    return SOFT.join(lines)


def encode_base64(octets: bytes) -> bytes:
    """Base64 in lines of 76 with CRLF after each."""
    return b"".join(binascii.b2a_base64(octets[i : i + 57], newline=False) + b"\r\n" for i in range(0, len(octets), 57))


def qp_offsets(body: bytes, decoded_offsets: Sequence[int], decoded: int) -> list[int] | None:
    """Where in quoted-printable ``body`` the decoded octets at these ascending offsets begin.

    ``decoded``: how many octets the whole body stands for. Linear: whole chunks are only measured, and just those with
    an offset in them are read token by token; where all lie in the last chunk, nothing else is looked at. None if the
    body can't be mapped (it is then re-encoded as a whole).
    """
    size = len(body)
    count = len(decoded_offsets)
    if count and decoded_offsets[0] == decoded and b"=" not in body[-2:]:
        return [size] * count
    found: list[int] = []
    raw = done = 0
    last_chunk = body.rfind(b"\n", 0, max(size - _CHUNK, 0)) + 1
    before_it = decoded - len(binascii.a2b_qp(body[last_chunk:]))
    if count and decoded_offsets[0] > before_it:
        raw, done = last_chunk, before_it
    while len(found) < count and raw < size:
        end = body.find(b"\n", raw + _CHUNK) + 1 or size
        length = len(binascii.a2b_qp(body[raw:end]))
        first = len(found)
        last = bisect_left(decoded_offsets, done + length, first)
        if last > first:
            offsets = _within(body, raw, end, [one - done for one in decoded_offsets[first:last]])
            if offsets is None:
                return None
            found.extend(offsets)
        done += length
        raw = end
    rest = decoded_offsets[len(found) :]
    if any(one != done for one in rest) or (rest and b"=" in body[-2:]):
        return None
    return found + [size] * (count - len(found))


def _within(body: bytes, start: int, end: int, wanted: list[int]) -> list[int] | None:
    """Offsets for one chunk, whose decoding begins at ``start``; None if they fall inside of a token."""
    found: list[int] = []
    raw, done = start, 0
    tokens = _QP_TOKEN.finditer(body, start, end)
    token = next(tokens, None)
    for one in wanted:
        while token is not None and done + token.start() - raw < one:
            done += token.start() - raw + _decoded_length(token.group())
            raw = token.end()
            token = next(tokens, None)
        if done > one:
            return None
        raw, done = raw + one - done, one
        if b"=" in body[max(raw - 2, start) : raw]:
            return None  # a stray equals sign, which would make an escape with what is put behind it
        # Right after a soft break rather than before it: an insertion then stands at a line's start.
        found.append(raw + 3 if body.startswith(SOFT, raw, end) else raw)
    return found


def _decoded_length(token: bytes) -> int:
    return 0 if token in (b"=", b"=\r\n") else 1
