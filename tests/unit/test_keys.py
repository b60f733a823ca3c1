"""DKIM keys: making, taking over, sealing, the public record."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)

from relay.keys import dkim_keys
from relay.keys.secrets import Secrets, SecretsError
from relay.values.errors import RegistryError

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class Record:
    """A row as the registry's snapshot gives it."""

    selector: str
    algorithm: str
    sealed: bytes


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets.create(tmp_path / "secrets")


def pem(key: rsa.RSAPrivateKey | Ed25519PrivateKey | ec.EllipticCurvePrivateKey, form: PrivateFormat) -> bytes:
    return key.private_bytes(Encoding.PEM, form, NoEncryption())


@pytest.mark.parametrize("algorithm", [dkim_keys.RSA, dkim_keys.ED25519])
def test_sealed_and_opened(secrets: Secrets, algorithm: str) -> None:
    made = dkim_keys.generate(algorithm)
    sealed = made.seal(secrets, "example.com", "s1")
    opened = dkim_keys.open_key(secrets, "example.com", Record("s1", algorithm, sealed))
    assert (opened.domain, opened.selector, opened.algorithm) == ("example.com", "s1", algorithm)
    assert opened.record == dkim_keys.record_text(algorithm, made.public)
    assert opened is dkim_keys.open_key(secrets, "example.com", Record("s1", algorithm, sealed))


def test_generated_sizes() -> None:
    made = dkim_keys.generate(dkim_keys.RSA)
    assert isinstance(made.key, rsa.RSAPrivateKey)
    assert made.key.key_size == 2048
    assert made.algorithm == dkim_keys.RSA
    assert len(base64.b64decode(dkim_keys.generate(dkim_keys.ED25519).public)) == 32
    with pytest.raises(RegistryError, match="ed25519-sha256"):
        dkim_keys.generate("rsa-sha1")


def test_record_of_rsa_is_a_subject_public_key_info() -> None:
    made = dkim_keys.PrivateKey(RSA_KEY)
    text = dkim_keys.record_text(made.algorithm, made.public)
    assert text.startswith("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQ")
    loaded = load_der_public_key(base64.b64decode(text.split("p=")[1]))
    assert loaded == RSA_KEY.public_key()


def test_record_of_ed25519_as_in_the_standard() -> None:
    # RFC 8463 appendix A.2
    secret = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    made = dkim_keys.PrivateKey(Ed25519PrivateKey.from_private_bytes(secret))
    assert dkim_keys.record_text(made.algorithm, made.public) == (
        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    )


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_import_rsa(form: PrivateFormat) -> None:
    made = dkim_keys.import_pem(b"# a comment\n" + pem(RSA_KEY, form))
    assert made.public == dkim_keys.PrivateKey(RSA_KEY).public
    assert dkim_keys.import_pem(pem(RSA_KEY, form).decode()).algorithm == dkim_keys.RSA


def test_import_ed25519() -> None:
    key = Ed25519PrivateKey.generate()
    assert dkim_keys.import_pem(pem(key, PrivateFormat.PKCS8)).public == dkim_keys.PrivateKey(key).public


def _refused() -> list[tuple[str, bytes, str]]:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    curve = ec.generate_private_key(ec.SECP256R1())
    plain = pem(RSA_KEY, PrivateFormat.PKCS8)
    return [
        ("public", RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "public key"),
        ("empty", b"", "no PEM private key"),
        ("binary", b"\xff\x00", "no PEM private key"),
        ("small", pem(small, PrivateFormat.PKCS8), "1024 bits, too weak"),
        ("curve", pem(curve, PrivateFormat.PKCS8), "RSA and Ed25519"),
        ("damaged", plain[:300] + b"!!!!" + plain[304:], "damaged"),
        ("cut off", plain[:400], "damaged"),
        (
            "passphrase",
            RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
            "passphrase",
        ),
        (
            "old passphrase",
            RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"x")),
            "passphrase",
        ),
    ]


@pytest.mark.parametrize(
    ("what", "octets", "text"), _refused(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_import_refused(what: str, octets: bytes, text: str) -> None:
    with pytest.raises(RegistryError, match=text) as caught:
        dkim_keys.import_pem(octets)
    assert "\n" not in str(caught.value)


def test_open_refused(secrets: Secrets, tmp_path: Path) -> None:
    record = Record("s1", dkim_keys.ED25519, dkim_keys.generate(dkim_keys.ED25519).seal(secrets, "example.com", "s1"))
    other = Secrets.create(tmp_path / "other")
    for vault, wrong in [
        (other, record),
        (secrets, replace(record, sealed=record.sealed[:-1])),
        (secrets, replace(record, algorithm=dkim_keys.RSA)),
    ]:
        with pytest.raises(RegistryError, match=r"s1 of example\.com can't be opened"):
            dkim_keys.open_key(vault, "example.com", wrong)
    assert dkim_keys.open_key(secrets, "example.com", record).selector == "s1"


@pytest.mark.parametrize("algorithm", [dkim_keys.RSA, dkim_keys.ED25519])
def test_a_sealed_key_opens_in_its_own_place_only(secrets: Secrets, algorithm: str) -> None:
    """Who can write the database can't let one domain's key sign for another."""
    sealed = dkim_keys.generate(algorithm).seal(secrets, "example.com", "s1")
    dkim_keys.open_key(secrets, "example.com", Record("s1", algorithm, sealed))
    for domain, selector in (("other.example", "s1"), ("example.com", "s2")):
        with pytest.raises(RegistryError, match="can't be opened"):
            dkim_keys.open_key(secrets, domain, Record(selector, algorithm, sealed))


def test_the_id_of_its_master_key_is_sealed_too(tmp_path: Path) -> None:
    """Two ids for one master key make no second spelling of a sealed value."""
    master = bytes(range(32))
    one = Secrets({1: master, 2: master}, 1)
    sealed = one.seal("dkim-key", b"plain", "here")
    assert one.unseal("dkim-key", sealed, "here") == b"plain"
    for wrong in (b"\0\2" + sealed[2:], b"\1" + sealed[1:], sealed[1:], b"", b"\0", b"\0\1", sealed[:13]):
        with pytest.raises(SecretsError):
            one.unseal("dkim-key", wrong, "here")
