"""How connections to other servers are encrypted.

``opportunistic``: where STARTTLS is offered, without verifying, since an
attacker who can change the answer could as well drop the offer; if TLS fails,
once more in plaintext (RFC 7435). ``required``: verified chain and name, or
not at all. ``none``: never.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    OPPORTUNISTIC = "opportunistic"
    REQUIRED = "required"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """``context`` is used as it is; None with ``Mode.NONE``."""

    mode: Mode
    context: ssl.SSLContext | None


def policy(mode: str, verifying: ssl.SSLContext | None = None) -> TlsPolicy:
    """The policy for a setting; ``verifying`` replaces the system's trust anchors."""
    chosen = Mode(mode)
    if chosen is Mode.NONE:
        return TlsPolicy(chosen, None)
    if chosen is Mode.REQUIRED:
        return TlsPolicy(chosen, verifying or ssl.create_default_context(ssl.Purpose.SERVER_AUTH))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return TlsPolicy(chosen, context)


def describe(cipher: tuple[str, str, int] | None) -> str:
    """``TLSv1.3 TLS_AES_256_GCM_SHA384``, empty in plaintext."""
    return f"{cipher[1]} {cipher[0]}" if cipher else ""
