"""Addresses that mail is never sent to because DNS, or a recipient's domain, names them.

Who picks a domain picks where the relay connects: to this machine, to the
network it stands in, or to nowhere. Routes and smart hosts are the operator's
and are not asked about here. Sources: the IANA special-purpose registries
(RFC 6890 and what was added since), RFC 4291 §2.5.5, RFC 3056, RFC 4380, RFC 6052.
"""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache

_IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_V4 = [
    (ipaddress.IPv4Network(network), word)
    for network, word in (
        ("0.0.0.0/8", "no address at all"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier's inside address"),
        ("127.0.0.0/8", "the loopback"),
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "an address for documentation"),
        ("192.88.99.0/24", "a reserved address"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "an address for benchmarks"),
        ("198.51.100.0/24", "an address for documentation"),
        ("203.0.113.0/24", "an address for documentation"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
]
_V6 = [
    (ipaddress.IPv6Network(network), word)
    for network, word in (
        ("::/128", "no address at all"),
        ("::1/128", "the loopback"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a private address"),
        ("ff00::/8", "a multicast address"),
        ("2001:db8::/32", "an address for documentation"),
        ("3fff::/20", "an address for documentation"),
        ("2001::/23", "a reserved address"),
    )
]
_GLOBAL = ipaddress.IPv6Network("2000::/3")
_TEREDO = ipaddress.IPv6Network("2001::/32")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_LAST_FOUR = [ipaddress.IPv6Network(text) for text in ("::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "::/96")]
"""IPv4-mapped, IPv4-translated, NAT64 and IPv4-compatible: the last four octets are an IPv4 address."""
_ISATAP = (b"\0\0\x5e\xfe", b"\x02\0\x5e\xfe")


@lru_cache(maxsize=10_000)
def inside(address: str) -> str:
    """What the address is, such as ``"the loopback"``; empty if it is one of the internet."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "no address at all"
    return _four(parsed) if isinstance(parsed, ipaddress.IPv4Address) else _six(parsed)


def own(address: str) -> bool:
    """It is one of this machine: what is sent there would go out from the same address. Nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
            return bool(probe.getsockname()[0] == address)
    except OSError:
        return False


def _four(address: ipaddress.IPv4Address) -> str:
    return next((word for network, word in _V4 if address in network), "")


def _six(address: ipaddress.IPv6Address) -> str:
    word = next((word for network, word in _V6[:2] if address in network), "")
    if word:
        return word
    packed = address.packed
    if any(address in network for network in _LAST_FOUR):
        return _four(ipaddress.IPv4Address(packed[12:]))
    if address in _SIX_TO_FOUR:
        return _four(ipaddress.IPv4Address(packed[2:6]))
    if address in _TEREDO:
        client = ipaddress.IPv4Address(bytes(octet ^ 0xFF for octet in packed[12:]))
        return _four(ipaddress.IPv4Address(packed[4:8])) or _four(client)
    word = next((word for network, word in _V6 if address in network), "")
    if word or address not in _GLOBAL:
        return word or "a reserved address"
    return _four(ipaddress.IPv4Address(packed[12:])) if packed[8:12] in _ISATAP else ""
