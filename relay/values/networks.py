"""Networks of clients, as they are told apart where a single address says too much or too little."""

from __future__ import annotations

import functools
import ipaddress


@functools.lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Of an address its /24 or /48; ``""`` for what is none. IPv4 inside IPv6 is IPv4."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network(f"{found}/{24 if found.version == 4 else 48}", strict=False))
