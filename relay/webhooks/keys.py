"""Signatures of Standard Webhooks 1.0: ``v1`` (HMAC-SHA-256) and ``v1a`` (Ed25519), over ``id.timestamp.body``."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from relay.keys.secrets import Secrets

SECRET_OCTETS: Final = 32
_PURPOSE: Final = "webhook"


class WebhookKey(NamedTuple):
    """One pair, ready to sign with."""

    secret: bytes
    private: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def packed(self) -> bytes:
        """As it is sealed."""
        return self.secret + self.private.private_bytes_raw()


def make() -> WebhookKey:
    return WebhookKey(os.urandom(SECRET_OCTETS), Ed25519PrivateKey.generate())


def seal(secrets: Secrets, key: WebhookKey, webhook_id: int) -> bytes:
    return secrets.seal(_PURPOSE, key.packed, str(webhook_id))


def unseal(secrets: Secrets, sealed: bytes, webhook_id: int) -> WebhookKey:
    """Raises SecretsError."""
    packed = secrets.unseal(_PURPOSE, sealed, str(webhook_id))
    return WebhookKey(packed[:SECRET_OCTETS], Ed25519PrivateKey.from_private_bytes(packed[SECRET_OCTETS:]))


def secret_text(key: WebhookKey) -> str:
    """As an application is given it, for ``v1``."""
    return "whsec_" + base64.b64encode(key.secret).decode()


def public_text(public: bytes) -> str:
    """The same for ``v1a``: no secret."""
    return "whpk_" + base64.b64encode(public).decode()


def signatures(keys: Sequence[WebhookKey], id_: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature``: both kinds of each key, the newest first."""
    signed = f"{id_}.{timestamp}.".encode() + body
    found = []
    for key in keys:
        mac = hmac.digest(key.secret, signed, hashlib.sha256)
        found.append("v1," + base64.b64encode(mac).decode())
        found.append("v1a," + base64.b64encode(key.private.sign(signed)).decode())
    return " ".join(found)
