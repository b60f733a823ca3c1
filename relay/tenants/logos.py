"""Logos of tenants, for the pages: small pictures of kinds that run nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from relay.store.contract import Tx
from relay.values.errors import RegistryError

MAX_OCTETS: Final = 64 * 1024
_KINDS: Final = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


@dataclass(frozen=True, slots=True)
class Logo:
    type: str
    image: bytes


def put(conn: Tx, tenant_id: int, image: bytes) -> str:
    """Keep a picture in place of the one there is; its digest. Empty: none any more. Raises RegistryError."""
    conn.execute("DELETE FROM logo WHERE tenant_id = ?", (tenant_id,))
    if not image:
        return ""
    if len(image) > MAX_OCTETS:
        raise RegistryError(f"the logo has {len(image)} octets; {MAX_OCTETS} are the most: make it smaller")
    kind = _kind(image)
    digest = hashlib.sha256(image).hexdigest()[:16]
    conn.execute(
        "INSERT INTO logo (tenant_id, type, digest, image) VALUES (?, ?, ?, ?)", (tenant_id, kind, digest, image)
    )
    return digest


def digest_of(conn: Tx, tenant_id: int) -> str:
    """Part of the picture's address; empty if there is none."""
    row = conn.execute("SELECT digest FROM logo WHERE tenant_id = ?", (tenant_id,)).fetchone()
    return "" if row is None else str(row[0])


def find(conn: Tx, digest: str) -> Logo | None:
    """The picture of that digest."""
    row = conn.execute("SELECT type, image FROM logo WHERE digest = ? LIMIT 1", (digest,)).fetchone()
    return None if row is None else Logo(row[0], bytes(row[1]))


def _kind(image: bytes) -> str:
    for begins, kind in _KINDS:
        if image.startswith(begins):
            return kind
    if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        return "image/webp"
    raise RegistryError("the logo must be PNG, JPEG or WebP (no SVG: that can hold scripts)")
