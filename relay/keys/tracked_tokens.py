"""What tracked links and the picture carry: signed tokens that hold all an answer needs.

The first part names the copy and is the same in all its links, so it is made
once a copy: 47 characters of base64url, also the picture's whole token. The
second part is a link's own, the same in all copies of its message, and holds
where it leads: a redirect needs no store. Neither works with another message's.
"""

from __future__ import annotations

import hmac
import struct
import zlib
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

from relay.keys.sealed_tokens import spelled, unspelled
from relay.keys.secrets import MAC_OCTETS, Secrets

_COPY: Final = struct.Struct(">IIIQH")
_LINK: Final = struct.Struct(">BHHB")
"""Key id, place in the message, links in it, flags."""
COPY_LENGTH: Final = 47
"""Characters of a copy's part: ceil((1 + 22 + 12) * 4 / 3)."""
MOST_LENGTH: Final = 6000
MOST_URL: Final = 4096
DECOY: Final = 1
"""Flag of a link that no person sees."""
FORWARD: Final = 2
"""Flag of a link for handing the message on."""
_PURPOSE: Final = "tracked"
_USUAL: Final = (
    b".php?id=&utm_content=&utm_term=&utm_source=newsletter&utm_medium=email&utm_campaign=http://https://www."
)
"""Dictionary for short addresses (RFC 1950 §2.2)."""


class CopyMark(NamedTuple):
    """Which copy; ``campaign_id`` 0 for none."""

    tenant_id: int
    campaign_id: int
    subscriber_id: int
    submission_id: int
    number: int


class LinkMark(NamedTuple):
    """Which link of the message, of how many, and where it leads."""

    place: int
    links: int
    flags: int
    url: str


def copy_token(secrets: Secrets, mark: CopyMark) -> str:
    return spelled(secrets.sign(_PURPOSE, _COPY.pack(*mark)))


def read_copy(secrets: Secrets, token: str) -> CopyMark | None:
    """None for anything forged, damaged or of another kind."""
    raw = unspelled(token) if len(token) == COPY_LENGTH else None
    payload = secrets.verify(_PURPOSE, raw) if raw is not None else None
    if payload is None or len(payload) != _COPY.size:
        return None
    return CopyMark(*_COPY.unpack(payload))


def link_token(secrets: Secrets, submission_id: int, mark: LinkMark) -> str:
    """``url`` is ASCII, an absolute http or https address."""
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -12, zdict=_USUAL)
    packed = squeezed.compress(mark.url.encode("ascii")) + squeezed.flush()
    payload = _LINK.pack(secrets.current, mark.place, mark.links, mark.flags) + packed
    return spelled(payload + _mac(secrets, secrets.current, submission_id, payload))


def read_link_of(secrets: Secrets, submission_id: int, token: str) -> LinkMark | None:
    """A link of that message; None for anything else."""
    raw = unspelled(token) if len(token) <= MOST_LENGTH else None
    if raw is None or len(raw) <= _LINK.size + MAC_OCTETS or raw[0] not in secrets.keys:
        return None
    payload, mac = raw[:-MAC_OCTETS], raw[-MAC_OCTETS:]
    if not hmac.compare_digest(_mac(secrets, raw[0], submission_id, payload), mac):
        return None
    _, place, links, flags = _LINK.unpack_from(payload)
    unpacked = zlib.decompressobj(-12, zdict=_USUAL).decompress(payload[_LINK.size :], MOST_URL)
    return LinkMark(place, links, flags, unpacked.decode("ascii"))


def split(token: str) -> tuple[str, str]:
    """A click's token as the copy's part and the link's."""
    return token[:COPY_LENGTH], token[COPY_LENGTH:]


@lru_cache(maxsize=16)
def _keyed(key: bytes) -> blake2b:
    return blake2b(key=key, digest_size=MAC_OCTETS)


def _mac(secrets: Secrets, kid: int, submission_id: int, payload: bytes) -> bytes:
    digest = _keyed(secrets.derived("tracked-link", kid)).copy()
    digest.update(submission_id.to_bytes(8, "big") + payload)
    return digest.digest()
