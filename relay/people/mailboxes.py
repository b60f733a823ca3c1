"""Keyed hashes that stand for mailboxes and networks where no address may be kept.

All spellings of one mailbox that are known to be the same (``registry.mailbox``),
and at every domain what follows a ``+``, have one hash, so that nobody is
reached again and again by variants.
"""

from __future__ import annotations

import hmac
import ipaddress
from typing import Final

from relay.keys.secrets import Secrets
from relay.mail.address import Address
from relay.people.mailbox import mailbox_of

OCTETS: Final = 17
"""Key id, then 128 bits."""


def mailbox(secrets: Secrets, address: Address) -> bytes:
    """The hash of a mailbox under the current key."""
    return _hash(secrets, "mailbox", _folded(address.canonical), None)


def _folded(canonical: str) -> str:
    """One text for all spellings. A tag is cut off everywhere: who has none is asked once less, never once more."""
    canonical = mailbox_of(canonical) or canonical
    local, _, domain = canonical.rpartition("@")
    return canonical if local[:1] == '"' else f"{local.split('+', 1)[0] or local}@{domain}"


def mailboxes(secrets: Secrets, address: Address) -> list[bytes]:
    """Its hash under every key there is: what was kept before a rotation still counts."""
    return hashes(secrets, address.canonical)


def hashes(secrets: Secrets, canonical: str) -> list[bytes]:
    """The same of an address in its canonical form; the current key's comes first."""
    return _hashes(secrets, "mailbox", _folded(canonical))


def hash_like(secrets: Secrets, canonical: str, other: bytes) -> bytes:
    """The hash of an address under the key that another one was made with; empty where that key is gone."""
    return _hash(secrets, "mailbox", _folded(canonical), other[0]) if other and other[0] in secrets.keys else b""


def network(secrets: Secrets, ip: str) -> bytes:
    """The hash of a client's network: /24 of IPv4, /64 of IPv6; of text that is no address, its own."""
    return _hash(secrets, "network", network_of(ip), None)


def networks(secrets: Secrets, ip: str) -> list[bytes]:
    """The same under every key there is, the current one first."""
    return _hashes(secrets, "network", network_of(ip))


def network_of(ip: str) -> str:
    """``192.0.2.0/24`` or ``2001:db8::/64``; other text as it is."""
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return ip
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    prefix = 24 if address.version == 4 else 64
    return str(ipaddress.ip_network(f"{address}/{prefix}", strict=False))


def _hashes(secrets: Secrets, purpose: str, text: str) -> list[bytes]:
    kids = sorted(secrets.keys, key=lambda kid: kid != secrets.current)
    return [_hash(secrets, purpose, text, kid) for kid in kids]


def _hash(secrets: Secrets, purpose: str, text: str, kid: int | None) -> bytes:
    kid = kid or secrets.current
    digest = hmac.digest(secrets.derived(purpose, kid), text.encode("utf-8", "replace"), "sha256")
    return bytes([kid]) + digest[: OCTETS - 1]
