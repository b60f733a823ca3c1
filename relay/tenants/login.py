"""Checking a credential (hot path): a password, or the address of the client."""

from __future__ import annotations

import functools
import hmac
import ipaddress
from typing import Final

from relay.keys.secrets import Secrets
from relay.tenants.credentials import Network
from relay.tenants.parts import CredentialRecord
from relay.tenants.snapshot import Snapshot

MAX_SUBMITTED = 512
"""Characters of a user name or password beyond which nothing is looked up."""


_NO_HASH: Final = bytes(33)


def verify(
    snapshot: Snapshot, secrets: Secrets, username: str, password: str, client_ip: str
) -> CredentialRecord | None:
    """The credential if name, password and client address fit, else None.

    Takes as long for an unknown user as for a known one.
    """
    if len(username) > MAX_SUBMITTED or len(password) > MAX_SUBMITTED:
        return None
    record = snapshot.by_username.get(username)
    stored = record.secret_hash if record is not None else _NO_HASH
    kid = stored[0] if stored[:1] and stored[0] in secrets.keys else None
    fits = hmac.compare_digest(secrets.password_hash(password, kid), stored)
    if record is None or not fits:
        return None
    if record.only_from is not None and not _inside(client_ip, record.only_from):
        return None
    return record


def by_address(snapshot: Snapshot, client_ip: str) -> CredentialRecord | None:
    """The credential of the narrowest network that holds the client, or None."""
    if not snapshot.by_network:
        return None
    address = address_of(client_ip)
    if address is None:
        return None
    value, bits = int(address), address.max_prefixlen
    for version, prefix, records in snapshot.by_network:
        if version == address.version:
            record = records.get(value >> (bits - prefix))
            if record is not None:
                return record
    return None


@functools.lru_cache(maxsize=1024)
def address_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address as a socket tells it: zone dropped, IPv4 inside IPv6 unwrapped; None for anything else."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _inside(client_ip: str, network: Network) -> bool:
    address = address_of(client_ip)
    return address is not None and address in network
