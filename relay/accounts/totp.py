"""The second factor: codes by time (RFC 6238, SHA-1, 30 s, 6 digits), and what an app is told. Pure."""

from __future__ import annotations

import base64
import hmac
import secrets as random
from typing import Final
from urllib.parse import quote

KEY_OCTETS: Final = 20
STEP_S: Final = 30
AROUND: Final = 1
"""Steps before and after that are taken, for clocks that are off (RFC 6238 §5.2)."""


def new_key() -> bytes:
    return random.token_bytes(KEY_OCTETS)


def code(key: bytes, step: int) -> str:
    """Six digits (RFC 4226 §5.3)."""
    digest = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def step_of(key: bytes, given: str, now: float, after: int) -> int | None:
    """The step whose code this is; None for a wrong one, and for one used already (``after`` or before; §5.2)."""
    typed = "".join(given.split())
    if len(typed) != 6 or not typed.isascii() or not typed.isdigit():
        return None
    middle = int(now // STEP_S)
    found = None
    for step in range(max(0, middle - AROUND), middle + AROUND + 1):  # all of them: the time tells nothing
        if hmac.compare_digest(code(key, step), typed) and step > after:
            found = step
    return found


def written(key: bytes) -> str:
    """For typing: base32 in groups of four."""
    text = base64.b32encode(key).decode()
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def address(key: bytes, account: str, issuer: str) -> str:
    """What an authenticator app opens (the Key URI format)."""
    label = quote(f"{issuer}:{account}", safe="")
    return f"otpauth://totp/{label}?secret={base64.b32encode(key).decode()}&issuer={quote(issuer, safe='')}"
