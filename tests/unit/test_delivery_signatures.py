"""What one round of the event loop asks for is signed together, and nobody waits for more."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import pytest

from relay.delivery.outcome import Prepared
from relay.delivery.smtp.sign import Pending, Signer
from relay.delivery.smtp.signatures import TOGETHER, Signatures
from relay.keys.dkim_keys import ED25519, RSA, SigningKey, generate
from tests.support.delivery import run

KEYS = [
    SigningKey("example.com", "r", RSA, generate(RSA).key),
    SigningKey("example.com", "e", ED25519, generate(ED25519).key),
]
SIGNER = Signer(KEYS)


def pending(number: int, signer: Signer = SIGNER) -> Pending:
    return signer.prepare([b"Subject: %d\r\n" % number], sha256(b"body").digest(), 1767225600)


def signed(number: int) -> Prepared:
    return made(SIGNER.sign([b"Subject: %d\r\n" % number], sha256(b"body").digest(), 1767225600))


def made(fields: list[bytes]) -> Prepared:
    return Prepared("a@example.com", b"".join(fields))


def asked(signatures: Signatures, number: int) -> asyncio.Future[Prepared]:
    future = signatures.sign(pending(number), made)
    assert isinstance(future, asyncio.Future)
    return future


def test_alone_it_is_signed_at_once() -> None:
    signatures = Signatures(None, together=False)
    assert signatures.sign(pending(1), made) == signed(1)
    assert signatures.places == 0


@pytest.mark.parametrize("pool", [False, True])
def test_what_comes_in_one_round_is_signed_when_the_round_is_over(pool: bool) -> None:
    async def main() -> None:
        threads = ThreadPoolExecutor(1) if pool else None
        signatures = Signatures(threads, together=True)
        assert signatures.places == 0
        futures = [asked(signatures, number) for number in range(3)]
        assert signatures.places == TOGETHER - 3
        assert not any(future.done() for future in futures)
        assert await asyncio.gather(*futures) == [signed(number) for number in range(3)]
        assert signatures.places == 0
        if threads is not None:
            threads.shutdown()

    run(main())


def test_a_full_set_is_signed_at_once_and_what_follows_with_the_next() -> None:
    async def main() -> None:
        signatures = Signatures(None, together=True)
        futures = [asked(signatures, number) for number in range(TOGETHER + 2)]
        assert [future.done() for future in futures] == [True] * TOGETHER + [False] * 2
        assert signatures.places == TOGETHER - 2
        assert await asyncio.gather(*futures) == [signed(number) for number in range(TOGETHER + 2)]

    run(main())


def test_a_key_that_fails_and_a_copy_given_up_do_not_touch_the_others() -> None:
    class Broken:
        def sign(self, _: bytes) -> bytes:
            raise ValueError("broken")

    private: Any = Broken()
    broken = Signer([SigningKey("example.com", "e", ED25519, private)])

    async def main() -> None:
        signatures = Signatures(None, together=True)
        good, given_up = asked(signatures, 1), asked(signatures, 2)
        bad = signatures.sign(pending(3, broken), made)
        assert isinstance(bad, asyncio.Future)
        given_up.cancel()
        with pytest.raises(ValueError, match="broken"):
            await bad
        assert await good == signed(1)
        assert given_up.cancelled()

    run(main())
