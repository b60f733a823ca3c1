"""What a device answers to a challenge, checked (WebAuthn Level 3, §7.1 and §7.2); and what it is asked.

The certificate of a device is neither asked for nor looked at: which make
somebody's device is decides nothing here.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from relay.keys.sealed_tokens import spelled, unspelled

MOST_OCTETS: Final = 20_000
"""Of an answer: a certificate chain that comes along unasked has room."""
_WAIT_MS: Final = 120_000
_ALGORITHMS: Final = (-8, -7, -257)
"""EdDSA, ES256, RS256 (COSE): what devices have, the best first."""
_TRANSPORTS: Final = frozenset({"usb", "nfc", "ble", "internal", "hybrid", "smart-card", "cable"})


class AnswerRefused(Exception):
    """The answer proves nothing; why stands in the text, for the log."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Where passkeys work: ``id`` is the host's name, ``origin`` what browsers say of our pages."""

    id: str
    origin: str


@dataclass(frozen=True, slots=True)
class PasskeyMade:
    """A new passkey as the device made it."""

    credential: bytes
    public_key: bytes
    sign_count: int
    transports: str


@dataclass(frozen=True, slots=True)
class PasskeyAnswer:
    """An answer before it is checked: whose passkey it says it is."""

    credential: bytes
    handle: bytes
    whole: dict[str, Any]


def relying_party(base_url: str) -> RelyingParty | None:
    """Of the pages' public address; None where browsers have no passkeys: an address of digits, or no HTTPS."""
    parts = urlsplit(base_url)
    host = (parts.hostname or "").lower()
    if not host or (parts.scheme != "https" and host != "localhost"):
        return None
    try:
        ipaddress.ip_address(host)
    except ValueError:
        usual = {"https": 443, "http": 80}.get(parts.scheme)
        port = "" if parts.port in (None, usual) else f":{parts.port}"
        return RelyingParty(host, f"{parts.scheme}://{host}{port}")
    return None


def sign_in_options(party: RelyingParty, challenge: bytes) -> dict[str, Any]:
    """For ``navigator.credentials.get``; the device says whose it is."""
    return {"challenge": spelled(challenge), "rpId": party.id, "userVerification": "required", "timeout": _WAIT_MS}


def add_options(
    party: RelyingParty, challenge: bytes, *, title: str, handle: bytes, shown: str, known: list[dict[str, Any]]
) -> dict[str, Any]:
    """For ``navigator.credentials.create``."""
    return {
        "challenge": spelled(challenge),
        "rp": {"id": party.id, "name": title},
        "user": {"id": spelled(handle), "name": shown, "displayName": shown},
        "pubKeyCredParams": [{"type": "public-key", "alg": one} for one in _ALGORITHMS],
        "excludeCredentials": known,
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
        "timeout": _WAIT_MS,
    }


def made(text: str, party: RelyingParty, challenge: bytes) -> PasskeyMade:
    """A passkey that a device made for this challenge. Raises AnswerRefused."""
    # Here, not above: they are heavy, and few processes ever see a passkey.
    from webauthn import verify_registration_response
    from webauthn.helpers.cose import COSEAlgorithmIdentifier
    from webauthn.helpers.exceptions import WebAuthnException

    whole = _read(text)
    try:
        done = verify_registration_response(
            credential=whole,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(one) for one in _ALGORITHMS],
        )
    except (WebAuthnException, *_ODD) as error:
        raise AnswerRefused(str(error)) from error
    told = whole["response"].get("transports")
    words = [word for word in told if word in _TRANSPORTS] if isinstance(told, list) else []
    return PasskeyMade(done.credential_id, done.credential_public_key, done.sign_count, ",".join(dict.fromkeys(words)))


def read_answer(text: str) -> PasskeyAnswer:
    """Whose it says it is. Raises AnswerRefused."""
    whole = _read(text)
    credential = unspelled(whole["id"]) if isinstance(whole.get("id"), str) else None
    handle = whole["response"].get("userHandle")
    handle = unspelled(handle) if isinstance(handle, str) else None
    if not credential or not handle:
        raise AnswerRefused("it names no passkey, or nobody's")
    return PasskeyAnswer(credential, handle, whole)


def answered(text: str) -> bytes:
    """The challenge that the answer says it is for; empty where it says none."""
    try:
        told = json.loads(unspelled(_read(text)["response"]["clientDataJSON"]) or b"")["challenge"]
    except (AnswerRefused, *_ODD, RecursionError):
        return b""
    return (unspelled(told) if isinstance(told, str) else None) or b""


def sign_count(answer: PasskeyAnswer, party: RelyingParty, challenge: bytes, public_key: bytes) -> int:
    """How often the device says it signed, where its signature is right. Raises AnswerRefused."""
    from webauthn import verify_authentication_response
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        done = verify_authentication_response(
            credential=answer.whole,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,  # what a count that went back means is ``passkeys.used``'s
            require_user_verification=True,
        )
    except (WebAuthnException, *_ODD) as error:
        raise AnswerRefused(str(error)) from error
    return done.new_sign_count


_ODD: Final = (ValueError, TypeError, KeyError, IndexError, AttributeError, InvalidSignature, UnsupportedAlgorithm)
"""What parsers of keys and CBOR raise for octets that are none."""


def _read(text: str) -> dict[str, Any]:
    if len(text) > MOST_OCTETS:
        raise AnswerRefused("it is too long")
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AnswerRefused("it isn't JSON") from error
    if not isinstance(whole, dict) or not isinstance(whole.get("response"), dict):
        raise AnswerRefused("it has no response")
    return whole
