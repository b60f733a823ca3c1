"""What the operator publishes in DNS before mail leaves, as far as this machine can tell."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator

from config.settings import Settings
from relay.tenants.domains import DnsRecord

_AWAY = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses of nobody (RFC 5737, RFC 3849): the system is asked how it would get there, and nothing is sent."""


def own_addresses() -> list[str]:
    """The public addresses from which this machine reaches the world; none where it stands behind another's."""
    return [address for family, away in _AWAY if (address := _leaving(family, away)) and _public(address)]


def operator_records(settings: Settings, addresses: list[str]) -> Iterator[DnsRecord]:
    """A, AAAA, PTR, MX and SPF of the relay's own names; ``addresses``: those that mail leaves from."""
    hostname, domain = settings.server.hostname, settings.links.mail_domain
    for address in addresses:
        kind = "AAAA" if ipaddress.ip_address(address).version == 6 else "A"
        yield DnsRecord(hostname, kind, address, "hostname")
    for address in addresses:
        yield DnsRecord(ipaddress.ip_address(address).reverse_pointer, "PTR", hostname, "ptr")
    yield DnsRecord(domain, "MX", f"10 {hostname}", "mail-domain")
    yield DnsRecord(domain, "TXT", f"v=spf1 a:{hostname} ~all", "spf")


def _leaving(family: socket.AddressFamily, away: str) -> str:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((away, 25))
            return str(sock.getsockname()[0])
    except OSError:  # no such protocol here, or no way out
        return ""


def _public(address: str) -> bool:
    return ipaddress.ip_address(address).is_global
