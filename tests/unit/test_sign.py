"""DKIM signature fields: what they name, how they are folded, what they sign."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relay.delivery.smtp.sign import Signer, SignError, SigningKey, finish, self_test
from relay.keys.dkim_keys import ED25519, RSA, generate, sign_all

NOW = 1767225600.9
BODY_HASH = sha256(b"body\r\n").digest()
KEYS = [
    SigningKey("example.com", "r1", RSA, generate(RSA).key),
    SigningKey("example.com", "e1", ED25519, generate(ED25519).key),
]
FIELDS = [b"From: a@example.com\r\n", b"To:  b@example.net \r\n", b"Subject: one\r\n\ttwo\r\n"]


def tags(field: bytes) -> dict[str, str]:
    """The tags of a DKIM-Signature field, without folding."""
    value = re.sub(r"\s+", "", field.decode("ascii").split(":", 1)[1])
    return dict(tag.split("=", 1) for tag in value.split(";"))


def test_one_field_for_each_key() -> None:
    made = Signer(KEYS).sign(FIELDS, BODY_HASH, NOW)
    assert [tags(field)["a"] for field in made] == [RSA, ED25519]
    assert [tags(field)["s"] for field in made] == ["r1", "e1"]
    for field in made:
        found = tags(field)
        assert (found["v"], found["c"], found["d"], found["t"]) == ("1", "relaxed/relaxed", "example.com", "1767225600")
        assert found["bh"] == base64.b64encode(BODY_HASH).decode()


def test_signature_is_of_the_canonical_fields() -> None:
    rsa_field, ed_field = Signer(KEYS).sign(FIELDS, BODY_HASH, NOW)
    for field, key in ((rsa_field, KEYS[0].private), (ed_field, KEYS[1].private)):
        unsigned = re.sub(rb"b=[^;]*$", b"b=", field)
        flat = b" ".join(unsigned.split(b":", 1)[1].split())
        signed = b"from:a@example.com\r\nsubject:one two\r\nto:b@example.net\r\ndkim-signature:" + flat
        signature = base64.b64decode(tags(field)["b"])
        if isinstance(key, rsa.RSAPrivateKey):
            key.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        else:
            assert isinstance(key, Ed25519PrivateKey)
            key.public_key().verify(signature, sha256(signed).digest())


def test_names_that_are_signed() -> None:
    fields = [
        *FIELDS,
        b"Date : x\r\n",
        b"MESSAGE-ID: <x>\r\n",
        b"X-Other: not signed\r\n",
        b"Received: not signed\r\n",
        b"List-Unsubscribe: <x>\r\n",
        b"References: <a>\r\n",
        b"Cc: one\r\n",
        b"Cc: two\r\n",
    ]
    (field,) = Signer(KEYS[1:]).sign(fields, BODY_HASH, NOW)
    named = tags(field)["h"].split(":")
    assert {name: named.count(name) for name in named} == {
        "From": 2,
        "Subject": 2,
        "To": 2,
        "Cc": 3,
        "Date": 2,
        "Message-ID": 2,
        "Reply-To": 1,
        "Content-Type": 1,
        "Content-Transfer-Encoding": 1,
        "List-Unsubscribe": 2,
        "List-Unsubscribe-Post": 1,
        "References": 1,
    }


def test_last_of_several_fields_comes_first() -> None:
    pending = Signer(KEYS[1:]).prepare([b"Cc: one\r\n", b"Cc: two\r\n"], BODY_HASH, NOW)
    assert pending.canonical == b"cc:two\r\ncc:one\r\n"


@pytest.mark.parametrize("domain", ["example.com", "a" * 60 + "." + "b" * 40 + ".example"])
def test_folding(domain: str) -> None:
    fields = [*FIELDS, *([b"References: <x>\r\n", b"In-Reply-To: <x>\r\n", b"List-Id: <x>\r\n"] * 5)]
    for field in Signer([replace(key, domain=domain) for key in KEYS]).sign(fields, BODY_HASH, NOW):
        assert field.endswith(b"\r\n")
        lines = field[:-2].split(b"\r\n")
        assert lines[0].startswith(b"DKIM-Signature:")
        assert all(line[:1] == b"\t" and line.strip() for line in lines[1:])
        assert all(len(line) <= 78 or domain.encode() in line for line in lines)


def test_prepared_once_finished_elsewhere() -> None:
    signer = Signer(KEYS)
    pending = signer.prepare(FIELDS, BODY_HASH, NOW)
    assert finish([pending])[0] == signer.sign(FIELDS, BODY_HASH, NOW)


def test_no_keys_no_signatures() -> None:
    assert Signer([]).sign(FIELDS, BODY_HASH, NOW) == []


def test_heads_are_bounded() -> None:
    signer = Signer(KEYS[1:])
    for count in range(600):
        signer.prepare([b"References: <x>\r\n"] * count, BODY_HASH, NOW)
    assert len(signer._heads) <= 256


def test_self_test_passes() -> None:
    self_test(KEYS)
    self_test([])


class _Wrong(SigningKey):
    """Signs something else than it was given."""

    def sign(self, signed: bytes) -> bytes:
        return SigningKey.sign(self, signed + b"x")


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.selector)
def test_self_test_names_the_key_that_fails(key: SigningKey) -> None:
    wrong = _Wrong(key.domain, key.selector, key.algorithm, key.private)
    with pytest.raises(SignError, match=rf"{key.algorithm} key {key.selector} of example\.com") as caught:
        self_test([*KEYS, wrong][-2:] if key is KEYS[0] else [wrong])
    assert "\n" not in str(caught.value)


def test_each_text_is_signed_by_its_key_whatever_is_signed_beside_it() -> None:
    longer = SigningKey("example.com", "r3", RSA, rsa.generate_private_key(65537, 3072))
    keys = [*KEYS, longer, SigningKey("example.com", "r2", RSA, generate(RSA).key)]
    jobs = [(keys[(number * 3) % len(keys)], b"%d" % number) for number in range(23)]
    assert sign_all(jobs) == [one.sign(text) for one, text in jobs]
    assert sign_all([]) == []


@pytest.mark.parametrize("selector", ["s\n", "s\0", "s\r\n.\r\n"])
def test_what_can_not_stand_in_a_field_is_never_written(selector: str) -> None:
    with pytest.raises(SignError, match="can't stand in a header field"):
        Signer([replace(KEYS[1], selector=selector)]).sign(FIELDS, BODY_HASH, NOW)
