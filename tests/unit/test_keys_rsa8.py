"""RSA signatures made together: the same as those made alone, and none that doesn't verify."""

from __future__ import annotations

import functools
import logging
import os
import platform
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from relay.keys import rsa8
from relay.keys.dkim_keys import RSA, SigningKey, generate, sign_all

BUILT = os.environ.get("RELAY_TESTED") == "compiled" and (sys.platform, platform.machine()) == ("linux", "x86_64")
if not BUILT:
    pytest.skip("only the compiled copy for x86-64 has it", allow_module_level=True)
needed = pytest.mark.skipif(not rsa8.USABLE, reason="a processor without AVX-512 IFMA")
TEXTS = [b"text %d" % number for number in range(9)]


def key(algorithm: str = RSA, private: Any = None) -> SigningKey:
    return SigningKey("example.com", "s", algorithm, private or generate(algorithm).key)


@functools.cache
def rsa_keys() -> list[SigningKey]:
    return [key() for _ in range(3)]


def digests(count: int) -> list[bytes]:
    return [sha256(text).digest() for text in TEXTS[:count]]


def test_it_is_usable_where_the_processor_has_what_it_takes() -> None:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    assert ({"avx512ifma", "avx512_vbmi2", "avx512dq", "avx512bw", "bmi2"} <= set(flags)) == rsa8.USABLE


@needed
@pytest.mark.parametrize("count", range(1, 9))
def test_signatures_made_together_are_those_made_alone(count: int) -> None:
    keys = [rsa_keys()[number % 3] for number in range(count)]
    lanes = [one.lane for one in keys]
    made = rsa8.sign([lane for lane in lanes if lane is not None], digests(count))
    assert made == [one.sign(text) for one, text in zip(keys, TEXTS, strict=False)]


@needed
def test_a_signature_that_does_not_verify_is_not_given_out(caplog: pytest.LogCaptureFixture) -> None:
    from relay.keys import _rsa8

    good, other = (one.private for one in rsa_keys()[:2])
    assert isinstance(good, rsa.RSAPrivateKey) and isinstance(other, rsa.RSAPrivateKey)
    numbers, wrong = good.private_numbers(), other.private_numbers()
    half = {"p": numbers.p, "q": numbers.q, "dp": wrong.dmp1, "dq": numbers.dmq1, "iq": numbers.iqmp}
    broken = _rsa8.Key(
        **{name: part.to_bytes(128, "little") for name, part in half.items()},
        n=numbers.public_numbers.n.to_bytes(256, "little"),
    )
    sound = rsa_keys()[1].lane
    assert sound is not None
    with pytest.raises(ArithmeticError, match="didn't verify"):
        rsa8.sign([sound, broken, sound], digests(3))
    # Those who sign go on, one by one, and it is told.
    bent = key(private=good)
    object.__setattr__(bent, "lane", broken)
    with caplog.at_level(logging.ERROR):
        made = sign_all([(bent, text) for text in TEXTS])
    assert made == [rsa_keys()[0].sign(text) for text in TEXTS]
    assert "one by one" in caplog.text


@needed
def test_what_is_no_key_or_no_digest_is_refused() -> None:
    from relay.keys import _rsa8

    lane = rsa_keys()[0].lane
    assert lane is not None
    digest = digests(1)[0]
    for keys, texts in (((), ()), ((lane,) * 9, (digest,) * 9), ((lane,), (digest, digest))):
        with pytest.raises(ValueError, match="1 to 8 keys"):
            _rsa8.sign(keys, texts)
    wrong: Any
    for wrong in (((lane,), (b"short",)), (("key",), (digest,)), ((lane,), (None,))):
        with pytest.raises(TypeError):
            _rsa8.sign(*wrong)
    with pytest.raises(ValueError, match="n has 255 octets instead of 256"):
        _rsa8.Key(bytes(128), bytes(128), bytes(128), bytes(128), bytes(128), bytes(255))


@needed
def test_other_sizes_and_exponents_sign_alone() -> None:
    for private in (rsa.generate_private_key(65537, 3072), rsa.generate_private_key(3, 2048)):
        assert rsa8.lane(private) is None
