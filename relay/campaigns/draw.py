"""Who belongs to the first part of a campaign: drawn by lot with a key of its own, so that nobody can foresee it."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

KEY_OCTETS: Final = 16


def key() -> bytes:
    """For a new campaign."""
    return secrets.token_bytes(KEY_OCTETS)


def drawn(draw: bytes, place: int, every: int, share: int) -> bool:
    """Whether number ``place`` (from 1) goes at once: ``share`` of each ``every``, and who went stays when it grows."""
    block, within = divmod(place - 1, every)
    lot = hashlib.blake2b(block.to_bytes(8, "big"), digest_size=8, key=draw).digest()
    first = int.from_bytes(lot, "big") % every
    return (within - first) % every < share


def order(draw: bytes, submission_id: int, number: int) -> bytes:
    """A copy's place in the row of those that wait, for who goes next."""
    return hashlib.blake2b(b"%d/%d" % (submission_id, number), digest_size=8, key=draw).digest()
