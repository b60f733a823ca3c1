"""The keys that sign heads and proofs: sealed in the database, one in use, retired ones still known.

A new key is announced by a leaf under a head that the key before it signed.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relay.audit import log
from relay.audit.errors import AuditError
from relay.audit.heads import key_id
from relay.keys.secrets import Secrets, SecretsError
from relay.store.contract import Tx

ANNOUNCED: Final = "audit-key-added"
_PURPOSE: Final = "audit-key"


@dataclass(frozen=True, slots=True)
class HeadSigner:
    """A key that signs."""

    id: str
    public: bytes
    private: Ed25519PrivateKey

    def sign(self, octets: bytes) -> bytes:
        return self.private.sign(octets)


def make(conn: Tx, secrets: Secrets, actor: str, now: float) -> str:
    """A new key in the caller's transaction, with the leaf that announces it; returns its id."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    conn.execute(
        "INSERT INTO audit_key (number, id, public, sealed, created_at)"
        " SELECT coalesce(max(number), 0) + 1, ?, ?, ?, ? FROM audit_key",
        (key_id(public), public, secrets.seal(_PURPOSE, private.private_bytes_raw(), key_id(public)), now),
    )
    detail = {"key": key_id(public), "public_key": base64.b64encode(public).decode()}
    log.action(conn, actor, ANNOUNCED, None, json.dumps(detail, separators=(",", ":"), sort_keys=True), now)
    return key_id(public)


def live(conn: Tx) -> list[tuple[str, bytes, bytes]]:
    """(id, public, sealed) of keys not retired, the oldest first: it signs until the next one is announced."""
    return conn.execute("SELECT id, public, sealed FROM audit_key WHERE retired = 0 ORDER BY number").fetchall()


def current(conn: Tx, secrets: Secrets) -> HeadSigner:
    """The key in use; of several the oldest that can be opened. Raises AuditError if none can."""
    cause: SecretsError | None = None
    for id_, public, sealed in live(conn):
        try:
            private = Ed25519PrivateKey.from_private_bytes(secrets.unseal(_PURPOSE, sealed, id_))
        except (SecretsError, ValueError) as error:
            cause = error if isinstance(error, SecretsError) else cause
            continue
        return HeadSigner(id_, public, private)
    raise AuditError(
        "the audit log's key can't be opened: restore the secrets file from a backup,"
        " or `relay audit rotate` makes a new key"
    ) from cause


def unopened(conn: Tx, secrets: Secrets) -> list[tuple[str, bool]]:
    """Keys whose sealed half can't be opened or isn't theirs, and whether they are retired."""
    found = []
    for id_, public, sealed, retired in conn.execute("SELECT id, public, sealed, retired FROM audit_key"):
        try:
            private = Ed25519PrivateKey.from_private_bytes(secrets.unseal(_PURPOSE, sealed, str(id_)))
            fits = private.public_key().public_bytes_raw() == public
        except (SecretsError, ValueError, TypeError):
            fits = False
        if not fits:
            found.append((str(id_), bool(retired)))
    return found


def seal_anew(conn: Tx, secrets: Secrets) -> list[str]:
    """Bind the keys of earlier releases to their ids, in the caller's transaction; ids of those that don't open."""
    lost = []
    for id_, sealed in conn.execute("SELECT id, sealed FROM audit_key").fetchall():
        try:
            conn.execute(
                "UPDATE audit_key SET sealed = ? WHERE id = ?", (secrets.seal_anew(_PURPOSE, sealed, str(id_)), id_)
            )
        except SecretsError:
            lost.append(str(id_))
    return lost


def retire_old(conn: Tx) -> None:
    """Retire all keys but the newest, in the caller's transaction."""
    for id_, _, _ in live(conn)[:-1]:
        conn.execute("UPDATE audit_key SET retired = 1 WHERE id = ?", (id_,))
