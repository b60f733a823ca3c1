"""What all contestants share: the DKIM key, the certificate for STARTTLS, a cache for what they prepare."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.harness.contestant import BENCH, peers_directory

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

_UNUSED_S = 2 * 86400.0


def cache_directory() -> Path:
    """What contestants prepare is kept while schema and preparation stay the same; what nobody used for days goes."""
    digest = hashlib.sha256()
    migrations = BENCH.parent / "relay" / "store" / "migrations"
    for path in [*sorted(migrations.glob("*.sql")), BENCH / "contestant.py", BENCH / "database.py"]:
        digest.update(path.read_bytes())
    peers = peers_directory()
    wanted = peers / f"bench-{digest.hexdigest()[:12]}"
    wanted.mkdir(parents=True, exist_ok=True)
    os.utime(wanted)
    for old in peers.glob("bench-*"):
        if time.time() - old.stat().st_mtime > _UNUSED_S:
            shutil.rmtree(old, ignore_errors=True)
    return wanted


def key(directory: Path) -> Path:
    """An RSA-2048 key that all contestants sign with (PEM, PKCS #1)."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    path = directory / "dkim.key"
    if not path.exists():
        _write(path, _private(rsa.generate_private_key(65537, 2048)), 0o600)
    return path


def certificate(directory: Path) -> Path:
    """A self-signed certificate (ECDSA P-256, PEM) that all contestants show; its key is in ``certificate.key``."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    path = directory / "certificate.pem"
    if not path.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relay.bench.example")])
        now = dt.datetime.now(dt.UTC)
        signed = (
            x509.CertificateBuilder(name, name, made.public_key(), x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=3650))
            .sign(made, hashes.SHA256())
        )
        _write(path.with_suffix(".key"), _private(made), 0o600)
        _write(path, signed.public_bytes(serialization.Encoding.PEM), 0o644)
    return path


def _private(made: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives import serialization as s

    return made.private_bytes(s.Encoding.PEM, s.PrivateFormat.TraditionalOpenSSL, s.NoEncryption())


def _write(path: Path, text: bytes, mode: int) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.touch(mode)
    temporary.write_bytes(text)
    temporary.replace(path)
