"""The certificate itself, read from the file that it stands in."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509


def leaf_of(path: Path) -> x509.Certificate | None:
    """None: no file, or none that can be read."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None
