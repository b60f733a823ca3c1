"""RSA-2048 signatures made together, eight in the time of two or three.

Intel's crypto_mb puts one number into each lane of a wide register. It is there where the relay was compiled for
x86-64, and works on processors with AVX-512 and IFMA (Intel from Ice Lake, AMD from Zen 4); elsewhere each signature
is made alone. A signature made together is the same, octet by octet (docs/decisions/0003-dkim.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

if TYPE_CHECKING:
    from relay.keys._rsa8 import Key as Key

try:
    from relay.keys import _rsa8
except ImportError:  # not compiled, or not for this kind of machine
    USABLE = False
else:
    USABLE = _rsa8.usable()

LANES: Final = 8
LEAST: Final = 3
"""Eight lanes take as long as that many signatures alone, however many of them are used."""
_BITS: Final = 2048
_EXPONENT: Final = 65537


def lane(private: RSAPrivateKey) -> Key | None:
    """The key's parts for ``sign``; None where it can't sign together with others."""
    if not USABLE or private.key_size != _BITS:
        return None
    numbers = private.private_numbers()
    if numbers.public_numbers.e != _EXPONENT:
        return None
    half, whole = _BITS // 16, _BITS // 8
    try:
        return _rsa8.Key(
            p=numbers.p.to_bytes(half, "little"),
            q=numbers.q.to_bytes(half, "little"),
            dp=numbers.dmp1.to_bytes(half, "little"),
            dq=numbers.dmq1.to_bytes(half, "little"),
            iq=numbers.iqmp.to_bytes(half, "little"),
            n=numbers.public_numbers.n.to_bytes(whole, "little"),
        )
    except OverflowError:  # primes of different lengths
        return None


def sign(keys: Sequence[Key], digests: Sequence[bytes]) -> list[bytes]:
    """Signatures of SHA-256 digests (RSASSA-PKCS1-v1_5), ``LANES`` at most; other threads run meanwhile.

    Raises ArithmeticError if one of them doesn't verify, RuntimeError on a processor that can't do it.
    """
    return _rsa8.sign(tuple(keys), tuple(digests))
