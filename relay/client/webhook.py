"""Whether a request to a webhook is the relay's own (Standard Webhooks 1.0)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from relay.client.faults import BadWebhook
from relay.client.said import EventHeard

TOLERANCE_S: Final = 300.0
"""A request that was signed longer ago, or for later, may be one that somebody recorded."""


def verify_webhook(
    keys: str | Sequence[str],
    headers: Mapping[str, str],
    body: bytes | str,
    *,
    tolerance_s: float = TOLERANCE_S,
    clock: Callable[[], float] = time.time,
) -> EventHeard:
    """The event, if one of ``keys`` signed it: secrets (``whsec_…``, ``v1``) or public keys (``whpk_…``, ``v1a``).

    ``body`` as it came, before any parsing. Raises BadWebhook. What was verified may still be told twice: keep
    ``event.id`` of what is done.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        id_, stamp, signatures = (lower[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        signed_at = int(stamp)
    except (KeyError, ValueError):
        raise BadWebhook("webhook-id, webhook-timestamp or webhook-signature is missing or wrong") from None
    if abs(clock() - signed_at) > tolerance_s:
        raise BadWebhook("it was signed too long ago, or the clock is wrong")
    octets = body.encode() if isinstance(body, str) else body
    signed = f"{id_}.{stamp}.".encode() + octets
    if not any(_signed_by(key, signed, signatures.split(" ")) for key in ([keys] if isinstance(keys, str) else keys)):
        raise BadWebhook("no signature is of a key that is known")
    try:
        return EventHeard.read(json.loads(octets))
    except (ValueError, KeyError, TypeError):
        raise BadWebhook("the body is no event") from None


def _signed_by(key: str, signed: bytes, signatures: Sequence[str]) -> bool:
    kind, _, encoded = key.partition("_")
    try:
        octets = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError("the key is none: it begins with whsec_ or whpk_") from None
    if kind == "whsec":
        wanted = "v1," + base64.b64encode(hmac.digest(octets, signed, hashlib.sha256)).decode()
        return any(hmac.compare_digest(wanted.encode(), one.encode()) for one in signatures)
    if kind == "whpk":
        return any(_ed25519(octets, signed, one[4:]) for one in signatures if one.startswith("v1a,"))
    raise ValueError("the key is none: it begins with whsec_ or whpk_")


def _ed25519(public: bytes, signed: bytes, signature: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(signature, validate=True), signed)
    except (InvalidSignature, binascii.Error):
        return False
    return True
