"""Signed tokens as text for links: one spelling each, for one purpose each."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Any, Final

from relay.keys.secrets import Secrets

MOST_LENGTH: Final = 128


def spelled(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unspelled(text: str) -> bytes | None:
    """The octets; None for what ``spelled`` doesn't write: one token has one spelling."""
    try:
        given = text.encode("ascii")
        raw = base64.urlsafe_b64decode(given + b"=" * (-len(given) % 4))
    except (ValueError, binascii.Error):
        return None
    return raw if base64.urlsafe_b64encode(raw).rstrip(b"=") == given else None


def write_token(secrets: Secrets, purpose: str, payload: bytes) -> str:
    """A token for one purpose; ``payload`` has at most MOST_PAYLOAD octets."""
    return spelled(secrets.sign(purpose, payload))


def read_token(secrets: Secrets, purpose: str, text: str, form: struct.Struct) -> tuple[Any, ...] | None:
    """What was packed; None for anything forged, damaged, spelled otherwise or of another purpose."""
    raw = unspelled(text) if len(text) <= MOST_LENGTH else None
    payload = None if raw is None else secrets.verify(purpose, raw)
    return None if payload is None or len(payload) != form.size else form.unpack(payload)


def millis(at: float) -> int:
    """Seconds as a token carries them."""
    return round(at * 1000)
