"""A device with passkeys, in software: what it answers is right unless a test asks for something else.

CBOR is written here by hand, so that what the relay's library reads isn't made by it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from relay.keys.sealed_tokens import spelled, unspelled

PRESENT, VERIFIED, ATTESTED = 1, 4, 64


def cbor(value: Any) -> bytes:
    """Whole numbers, octets, text and maps (RFC 8949 §3)."""
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    return _head(5, len(value)) + b"".join(cbor(key) + cbor(one) for key, one in value.items())


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    size = 1 if number < 256 else 2
    return bytes([kind << 5 | (23 + size)]) + number.to_bytes(size)


@dataclass
class Device:
    """One passkey; ``origin`` is where its browser is, ``rp_id`` where it thinks that is."""

    origin: str
    rp_id: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: bytes = b""
    count: int = 0
    counts: bool = True
    flags: int = PRESENT | VERIFIED

    def make(self, options: dict[str, Any], **other: Any) -> str:
        """Registration; ``other`` replaces parts of what its browser tells."""
        self.handle = other.pop("handle", None) or _read(options["user"]["id"])
        client = self._client("webauthn.create", options, other)
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: other.pop("alg", -7), -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        data = self._data(ATTESTED) + bytes(16) + len(self.credential).to_bytes(2) + self.credential + cbor(public)
        attested = cbor({"fmt": "none", "attStmt": {}, "authData": data})
        return self._written({"clientDataJSON": spelled(client), "attestationObject": spelled(attested)})

    def answer(self, options: dict[str, Any], **other: Any) -> str:
        """Authentication."""
        if self.counts:
            self.count += 1
        client, data = self._client("webauthn.get", options, other), self._data(0)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        handle = other.get("handle", self.handle)
        return self._written(
            {
                "clientDataJSON": spelled(client),
                "authenticatorData": spelled(data),
                "signature": spelled(other.get("signature", signature)),
                "userHandle": None if handle is None else spelled(handle),
            }
        )

    def _client(self, kind: str, options: dict[str, Any], other: dict[str, Any]) -> bytes:
        told = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        told |= {name: other[name] for name in ("type", "challenge", "origin") if name in other}
        return json.dumps(told).encode()

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([self.flags | flags]) + self.count.to_bytes(4)

    def _written(self, response: dict[str, Any]) -> str:
        id_ = spelled(self.credential)
        return json.dumps({"id": id_, "rawId": id_, "type": "public-key", "response": response})


def _read(text: str) -> bytes:

    found = unspelled(text)
    assert found is not None
    return found
