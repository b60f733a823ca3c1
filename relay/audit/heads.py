"""Signed heads: how large the tree was at a time, its root, and who says so (Ed25519).

A head names the one before it, so that none can be taken out. It is worth
most where whoever may write the database can't reach it: keep heads elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from relay.audit.errors import AuditError
from relay.store.contract import Tx

_CONTEXT: Final = b"relay audit head v1\n"
TYPE: Final = "relay-audit-head"
MOST_OCTETS: Final = 64 * 1024
"""A file with a kept head is no longer."""
_COLUMNS: Final = "h.size, h.root, h.at, h.key_id, h.previous, h.signature, k.public"
_NAMES: Final = ("size", "root", "at_us", "key", "previous", "public_key", "signature")


@dataclass(frozen=True, slots=True)
class Head:
    """One signed head; ``previous`` is the digest of the head before it, empty for the first."""

    size: int
    root: bytes
    at_us: int
    key_id: str
    previous: bytes
    signature: bytes
    public: bytes
    """The key that it names."""

    def signed(self) -> bytes:
        """The octets that are signed."""
        return signed_octets(self.size, self.root, self.at_us, self.key_id, self.previous)

    def digest(self) -> bytes:
        return hashlib.sha256(self.signed()).digest()

    @property
    def at(self) -> float:
        """Seconds UTC."""
        return self.at_us / 1_000_000

    def is_genuine(self) -> bool:
        """Whether the key is the one named and made the signature."""
        if key_id(self.public) != self.key_id:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(self.signature, self.signed())
        except (InvalidSignature, ValueError):
            return False
        return True

    def fields(self) -> dict[str, object]:
        """For documents and for keeping: integers and text only."""
        return {
            "size": self.size,
            "root": self.root.hex(),
            "at_us": self.at_us,
            "key": self.key_id,
            "previous": self.previous.hex(),
            "public_key": base64.b64encode(self.public).decode(),
            "signature": base64.b64encode(self.signature).decode(),
        }

    def line(self) -> str:
        """For the log."""
        return " ".join(f"{name}={value or '-'}" for name, value in self.fields().items())


def key_id(public: bytes) -> str:
    """First 16 hex digits of the key's SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def signed_octets(size: int, root: bytes, at_us: int, key: str, previous: bytes) -> bytes:
    fields = {"size": size, "root": root.hex(), "at_us": at_us, "key": key, "previous": previous.hex()}
    return _CONTEXT + json.dumps(fields, separators=(",", ":"), sort_keys=True).encode()


def last(conn: Tx) -> Head | None:
    """The newest head."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM audit_head h JOIN audit_key k ON k.id = h.key_id ORDER BY h.size DESC LIMIT 1"
    ).fetchone()
    return None if row is None else of_row(*row)


def of_row(size: int, root: bytes, at: float, key: str, previous: bytes, signature: bytes, public: bytes) -> Head:
    return Head(size, root, round(at * 1_000_000), key, previous, signature, public)


# --- heads kept elsewhere -------------------------------------------------------------


def parse(text: str) -> Head:
    """A head as ``relay audit head`` prints it, with or without ``--json``, or as the log has it.

    Raises AuditError if it is none, or its signature doesn't fit.
    """
    try:
        head = _read(_fields(text))
    except (KeyError, ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise AuditError("this is no head of an audit log; keep what `relay audit head` prints") from error
    if not head.is_genuine():
        raise AuditError("the signature of this head is wrong: it was changed, or made by another key than it says")
    return head


def _fields(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = {"message": text}
    if isinstance(found, dict) and "message" in found:  # a line of the log
        pattern = re.compile(r"(?<![\w-])(size|root|at_us|key|previous|public_key|signature)(?:=|[ \t]+)([^\s\"]+)")
        words = text.replace("public key", "public_key").replace("at us", "at_us")
        found = dict(pattern.findall(words))
        found["size"], found["at_us"] = int(found["size"]), int(found["at_us"])
    if isinstance(found, dict) and isinstance(found.get("head"), dict):
        found = found["head"]  # of a consent proof
    if not isinstance(found, dict):
        raise ValueError
    return found


def _read(found: dict[str, Any]) -> Head:
    if type(found["size"]) is not int or type(found["at_us"]) is not int or not 0 <= found["size"] < 1 << 62:
        raise ValueError
    previous = str(found["previous"]).strip("-")
    return Head(
        found["size"],
        bytes.fromhex(found["root"]),
        found["at_us"],
        str(found["key"]),
        bytes.fromhex(previous),
        base64.b64decode(found["signature"], validate=True),
        base64.b64decode(found["public_key"], validate=True),
    )
