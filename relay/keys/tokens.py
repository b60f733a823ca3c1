"""What the relay's links and its own addresses carry: signed, opaque tokens.

A token names a subscriber (tenant-wide id that is never reused), a topic
(0: everything of the tenant), and the submission and recipient number it
came from. It holds no address and no personal data, and never expires.
Links use base64url, local parts base32 in lower case, since hosts on the way
may change a local part's case.
"""

from __future__ import annotations

import base64
import binascii
import struct
from typing import NamedTuple

from relay.keys.sealed_tokens import read_token, write_token
from relay.keys.secrets import MAC_OCTETS, Secrets

_FORMAT = struct.Struct(">IIQH")
SHARED = 0xFFFF
"""Recipient number of a copy for several recipients; its subscriber is 0."""
LINK_LENGTH = 42
"""Characters of a link token: ceil((1 + 18 + 12) * 4 / 3)."""
LOCAL_LENGTH = 52
"""Characters of a local part: prefix and dash, then ceil((1 + 18 + 12) * 8 / 5)."""


class Mark(NamedTuple):
    """What a token says."""

    subscriber_id: int
    topic_id: int
    submission_id: int
    number: int


def _payload(mark: Mark) -> bytes:
    return _FORMAT.pack(mark.subscriber_id, mark.topic_id, mark.submission_id, mark.number)


def _mark(payload: bytes | None) -> Mark | None:
    if payload is None or len(payload) != _FORMAT.size:
        return None
    return Mark(*_FORMAT.unpack(payload))


def link_token(secrets: Secrets, mark: Mark) -> str:
    """For ``/u/…`` and ``/p/…``; always ``LINK_LENGTH`` characters of base64url."""
    return write_token(secrets, "link", _payload(mark))


def read_link(secrets: Secrets, token: str) -> Mark | None:
    """None for anything forged, damaged or of another kind."""
    fields = read_token(secrets, "link", token, _FORMAT)
    return None if fields is None else Mark(*fields)


def local_part(secrets: Secrets, prefix: str, mark: Mark) -> str:
    """``b-…`` (reverse-path, VERP) or ``u-…`` (unsubscribe): 52 characters of the 64 in RFC 5321 §4.5.3.1.1."""
    return f"{prefix}-{_base32(secrets.sign('local/' + prefix, _payload(mark)))}"


_PAIRS = [a + b for a in "abcdefghijklmnopqrstuvwxyz234567" for b in "abcdefghijklmnopqrstuvwxyz234567"]
_TOKEN_OCTETS = 1 + _FORMAT.size + MAC_OCTETS
assert _TOKEN_OCTETS % 5 == 1, "_base32 is made for that length"


def _base32(raw: bytes) -> str:
    """RFC 4648 base32 in lower case without padding, of ``_TOKEN_OCTETS``.

    It is made twice for every copy: five octets make four pairs, in numbers that fit a machine word.
    """
    pairs = _PAIRS
    found: list[str] = []
    for i in range(0, _TOKEN_OCTETS - 1, 5):
        high = (raw[i] << 12) | (raw[i + 1] << 4) | (raw[i + 2] >> 4)
        low = ((raw[i + 2] & 15) << 16) | (raw[i + 3] << 8) | raw[i + 4]
        found.append(pairs[high >> 10])
        found.append(pairs[high & 1023])
        found.append(pairs[low >> 10])
        found.append(pairs[low & 1023])
    found.append(pairs[raw[_TOKEN_OCTETS - 1] << 2])
    return "".join(found)


def read_local_part(secrets: Secrets, local: str) -> tuple[str, Mark] | None:
    """(prefix, mark) of one of our own local parts, else None."""
    prefix, dash, token = local.lower().partition("-")
    if not dash or prefix not in ("b", "u") or len(token) > 100:
        return None
    try:
        raw = base64.b32decode(token.upper().encode("ascii") + b"=" * (-len(token) % 8))
    except (ValueError, binascii.Error):
        return None
    if len(raw) != _TOKEN_OCTETS or _base32(raw) != token:
        return None  # one token, one spelling
    mark = _mark(secrets.verify("local/" + prefix, raw))
    return None if mark is None else (prefix, mark)
