"""The challenge by TLS alone (RFC 8737), which the library of the protocol leaves to others."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any, Final

from acme import challenges
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from josepy.jwk import JWK

PROTOCOL: Final = "acme-tls/1"
IDENTIFIER: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
_OCTET_STRING: Final = b"\x04\x20"
"""DER: 32 octets follow."""


@challenges.ChallengeResponse.register
class AlpnResponse(challenges.KeyAuthorizationChallengeResponse):
    typ = "tls-alpn-01"


@challenges.Challenge.register
class AlpnChallenge(challenges.KeyAuthorizationChallenge):
    response_cls = AlpnResponse
    typ = "tls-alpn-01"

    def validation(self, account_key: JWK, **kwargs: Any) -> bytes:
        """The digest that the certificate has to carry."""
        return hashlib.sha256(self.key_authorization(account_key).encode()).digest()


def hello_certificate(name: str, digest: bytes, now: dt.datetime) -> bytes:
    """Key and self-signed certificate that answer for ``name``, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
        .add_extension(x509.UnrecognizedExtension(IDENTIFIER, _OCTET_STRING + digest), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return secret + certificate.public_bytes(Encoding.PEM)
