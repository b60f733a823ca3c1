"""What a leaf stands for, as the exact text that is hashed. Pure.

A record is JSON with sorted keys, without blanks, in UTF-8; its numbers are
integers (times in microseconds since the epoch, UTC), so that any language
writes the same octets. It is bound by ``commitment``: the leaf shows nothing
of it, and once the salt is gone nothing can be tried against it either.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from json.encoder import encode_basestring as _quoted
from typing import Final

SALT_OCTETS: Final = 16
HASH_OCTETS: Final = 32
ERASED: Final = "erased"
"""``action`` of a record whose data is gone."""


def quoted(text: str) -> str:
    """A JSON string, of any octets that a damaged or forged row may hold."""
    return str(_quoted(text))


def micros(at: float) -> int:
    """Seconds as microseconds."""
    return round(at * 1_000_000)


def octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def digest_of(text: str) -> str:
    """SHA-256 of a wording, in hex."""
    return hashlib.sha256(octets(text)).hexdigest()


def history_record(
    *, action: str, address: str, at: float, evidence: str, recorded_at: float, tenant: str, topic: str, wording: str
) -> str:
    """A row of ``consent_history``. ``evidence`` is its JSON text, letter by letter; ``wording`` a digest or empty."""
    return history_text(
        action, quoted(address), at, quoted(evidence), recorded_at, quoted(tenant), quoted(topic), wording
    )


def history_text(
    action: str, address: str, at: float, evidence: str, recorded_at: float, tenant: str, topic: str, wording: str
) -> str:
    """The same from parts that are quoted already."""
    before, after = history_around(action, at, evidence, recorded_at, tenant, topic, wording)
    return before + address + after


def history_around(
    action: str, at: float, evidence: str, recorded_at: float, tenant: str, topic: str, wording: str
) -> tuple[str, str]:
    """What stands before and after the address, which the records of a batch often share."""
    return (
        f'{{"action":{quoted(action)},"address":',
        f',"at_us":{micros(at)},"evidence":{evidence},'
        f'"recorded_at_us":{micros(recorded_at)},"tenant":{tenant},"topic":{topic},"wording":"{wording}"}}',
    )


def commitments(
    action: str,
    rows: Iterable[tuple[bytes, str, float, str]],
    recorded_at: float,
    tenant: str,
    topic: str,
    wording: str,
) -> list[bytes]:
    """Of many records that have most in common; ``rows`` are salt, address, ``at`` and evidence."""
    last: tuple[float, str] | None = None
    before = after = b""
    found = []
    sha256 = hashlib.sha256
    for salt, address, at, evidence in rows:
        if (at, evidence) != last:
            last = at, evidence
            texts = history_around(action, at, quoted(evidence), recorded_at, quoted(tenant), quoted(topic), wording)
            before, after = octets(texts[0]), octets(texts[1])
        found.append(sha256(salt + before + octets(_quoted(address)) + after).digest())
    return found


def audit_record(*, at: float, actor: str, action: str, tenant_id: int, detail: str) -> str:
    """A row of ``audit``; ``tenant_id`` 0: none."""
    return (
        f'{{"action":{quoted(action)},"actor":{quoted(actor)},"at_us":{micros(at)},"detail":{quoted(detail)},'
        f'"tenant_id":{tenant_id:d}}}'
    )


def commitment(salt: bytes, record: str) -> bytes:
    """Binds a record without showing it."""
    return hashlib.sha256(salt + octets(record)).digest()


@dataclass(frozen=True, slots=True)
class Leaf:
    """What the tree's leaf says in the open; ``root`` is of the tree over its records' commitments."""

    action: str
    at: float
    tenant_id: int
    rows: int
    root: bytes

    def data(self) -> bytes:
        """The leaf's octets, hashed by ``merkle.leaf_hash``."""
        return octets(
            f'{{"action":{quoted(self.action)},"at_us":{micros(self.at)},"records":{self.rows:d},'
            f'"root":"{self.root.hex()}","tenant_id":{self.tenant_id:d}}}'
        )

    def public(self) -> dict[str, object]:
        """The same as an object, for documents."""
        found: dict[str, object] = json.loads(self.data())
        return found
