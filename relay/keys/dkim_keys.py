"""DKIM keys: made or taken over, sealed for the database, opened for signing.

A private key rests only sealed (``Secrets.seal``). Sources: RFC 6376 §3.6.1
(the public record), RFC 8301 §3.2 (sizes), RFC 8463 (Ed25519).
"""

from __future__ import annotations

import base64
import functools
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from relay.keys import rsa8
from relay.keys.secrets import Secrets, SecretsError
from relay.values.errors import RegistryError

if TYPE_CHECKING:
    from relay.keys.rsa8 import Key

_log = logging.getLogger("relay.delivery")

RSA: Final = "rsa-sha256"
ED25519: Final = "ed25519-sha256"
_PURPOSE: Final = "dkim-key"
_LEAST_BITS, _MOST_BITS = 2048, 4096
_LEAST_FOR_A_WHILE: Final = 1024
"""Of a key from another server, until the record of its successor is seen: less no verifier takes (RFC 8301 §3.2)."""
_PRIVATE_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]*)PRIVATE KEY-----")


class Sealed(Protocol):
    """A key as the registry's records give it."""

    @property
    def selector(self) -> str: ...
    @property
    def algorithm(self) -> str: ...
    @property
    def sealed(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key in the open, on its way into the database."""

    key: rsa.RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> str:
        """``rsa-sha256`` or ``ed25519-sha256``, as in a signature's ``a=``."""
        return RSA if isinstance(self.key, rsa.RSAPrivateKey) else ED25519

    @property
    def bits(self) -> int:
        return self.key.key_size if isinstance(self.key, rsa.RSAPrivateKey) else 256

    @property
    def weak(self) -> bool:
        """Whether it may only sign until another takes its place."""
        return self.algorithm == RSA and self.bits < _LEAST_BITS

    @property
    def public(self) -> str:
        """Base64 for the ``p=`` tag: SubjectPublicKeyInfo of RSA, the bare 32 octets of Ed25519."""
        return _public(self.key)

    def seal(self, secrets: Secrets, domain: str, selector: str) -> bytes:
        """Encrypted with the master key, for the database; opens for that domain and selector only."""
        plain = self.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return secrets.seal(_PURPOSE, plain, _place(domain, selector, self.algorithm))


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs for ``selector._domainkey.domain``."""

    domain: str
    selector: str
    algorithm: str
    private: rsa.RSAPrivateKey | Ed25519PrivateKey
    lane: Key | None = field(init=False, repr=False, compare=False)
    """The same key, where it can sign together with others."""

    def __post_init__(self) -> None:
        lane = rsa8.lane(self.private) if isinstance(self.private, rsa.RSAPrivateKey) else None
        object.__setattr__(self, "lane", lane)

    @property
    def record(self) -> str:
        """The TXT record that verifiers must find."""
        return record_text(self.algorithm, _public(self.private))

    def sign(self, signed: bytes) -> bytes:
        """The signature of canonical header fields; RSA leaves the interpreter free for other threads.

        Ed25519 signs the SHA-256 digest (RFC 8463 §3).
        """
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        digest = hashes.Hash(hashes.SHA256())
        digest.update(signed)
        return self.private.sign(digest.finalize())


def sign_all(jobs: Sequence[tuple[SigningKey, bytes]]) -> list[bytes]:
    """A signature for each key and text, in their order, made together where that is quicker.

    Whoever has several at hand gives them at once; other threads run meanwhile.
    """
    made: dict[int, bytes] = {}
    lanes = [(place, key.lane, text) for place, (key, text) in enumerate(jobs) if key.lane is not None]
    for start in range(0, len(lanes), rsa8.LANES):
        group = lanes[start : start + rsa8.LANES]
        if len(group) < rsa8.LEAST:
            break
        try:
            values = rsa8.sign([lane for _, lane, _ in group], [sha256(text).digest() for _, _, text in group])
        except (ArithmeticError, RuntimeError) as error:
            _log.error("RSA keys sign one by one, since together they failed: %s", error)
            break
        made.update(zip([place for place, _, _ in group], values, strict=True))
    return [made[place] if place in made else key.sign(text) for place, (key, text) in enumerate(jobs)]


def generate(algorithm: str) -> PrivateKey:
    """A fresh key, RSA with 2048 bits; raises RegistryError for an unknown algorithm."""
    if algorithm == RSA:
        return PrivateKey(rsa.generate_private_key(public_exponent=65537, key_size=_LEAST_BITS))
    if algorithm == ED25519:
        return PrivateKey(Ed25519PrivateKey.generate())
    raise RegistryError(f"{algorithm!r} is no DKIM algorithm: use {RSA} or {ED25519}")


def import_pem(pem: bytes | str, *, for_a_while: bool = False) -> PrivateKey:
    """A tenant's own key from PEM (PKCS#1 or PKCS#8, without passphrase).

    RSA below 2048 bits is refused, although verifiers take 1024 (RFC 8301 §3.2):
    making a new key costs the tenant one DNS record. ``for_a_while``: 1024 will do, as another follows it.
    Raises RegistryError.
    """
    octets = pem.encode("utf-8", "replace") if isinstance(pem, str) else pem
    label = _PRIVATE_PEM.search(octets)
    if label is None:
        what = "a public key" if b"PUBLIC KEY-----" in octets else "no PEM private key"
        raise RegistryError(f"the key file holds {what}; give the private key that starts with -----BEGIN PRIVATE KEY")
    if label[1].startswith(b"ENCRYPTED") or b"Proc-Type: 4,ENCRYPTED" in octets:
        raise RegistryError("the key has a passphrase; take it off with `openssl pkey -in FILE -out NEW`")
    try:
        key = load_pem_private_key(octets[label.start() :], None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise RegistryError("the private key is damaged; `openssl pkey -in FILE -check` says where") from error
    if isinstance(key, Ed25519PrivateKey):
        return PrivateKey(key)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise RegistryError("DKIM knows RSA and Ed25519 keys only; leave out --key, and the relay makes both")
    if not (_LEAST_FOR_A_WHILE if for_a_while else _LEAST_BITS) <= key.key_size <= _MOST_BITS:
        fault = "too weak" if key.key_size < _LEAST_BITS else "more than verifiers need to take"
        raise RegistryError(
            f"the RSA key has {key.key_size} bits, {fault}; leave out --key, and the relay makes one of {_LEAST_BITS}"
        )
    return PrivateKey(key)


def record_text(algorithm: str, public: str) -> str:
    """The text of the TXT record at ``selector._domainkey.domain`` (RFC 6376 §3.6.1)."""
    return f"v=DKIM1; k={algorithm.removesuffix('-sha256')}; p={public}"


def open_key(secrets: Secrets, domain: str, key: Sealed) -> SigningKey:
    """A sealed key, ready to sign; kept, as opening one takes long. Raises RegistryError."""
    try:
        return _opened(_Vault(secrets), domain, key.selector, key.algorithm, key.sealed)
    except (SecretsError, ValueError) as error:
        raise RegistryError(
            f"the DKIM key {key.selector} of {domain} can't be opened ({error});"
            f" restore the secrets file, or `relay domain rotate {domain}` makes new keys"
        ) from error


def seal_anew(secrets: Secrets, domain: str, key: Sealed) -> bytes:
    """A key that an earlier release sealed, bound to its place; raises SecretsError."""
    return secrets.seal_anew(_PURPOSE, key.sealed, _place(domain, key.selector, key.algorithm))


def _place(domain: str, selector: str, algorithm: str) -> str:
    return f"{algorithm} {selector}._domainkey.{domain}"


class _Vault:
    """The secrets as a cache key: the same master keys are the same vault."""

    def __init__(self, secrets: Secrets) -> None:
        self.secrets = secrets
        self._identity = hash((secrets.current, *secrets.keys.items()))

    def __hash__(self) -> int:
        return self._identity

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Vault) and self.secrets == other.secrets


@functools.lru_cache(maxsize=4096)
def _opened(vault: _Vault, domain: str, selector: str, algorithm: str, sealed: bytes) -> SigningKey:
    plain = vault.secrets.unseal(_PURPOSE, sealed, _place(domain, selector, algorithm))
    # What was unsealed is what was sealed, so RSA's slow proof that the key is sound needn't be made again.
    private = load_der_private_key(plain, None, unsafe_skip_rsa_key_validation=True)
    if isinstance(private, rsa.RSAPrivateKey) and algorithm == RSA:
        return SigningKey(domain, selector, algorithm, private)
    if isinstance(private, Ed25519PrivateKey) and algorithm == ED25519:
        return SigningKey(domain, selector, algorithm, private)
    raise ValueError(f"it is no {algorithm} key")


def _public(key: rsa.RSAPrivateKey | Ed25519PrivateKey) -> str:
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        octets = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(octets).decode()
