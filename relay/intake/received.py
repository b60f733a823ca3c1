"""The trace field that the relay writes in front of a message, and its dates (RFC 5321 §4.4, RFC 5322 §3.3)."""

from __future__ import annotations

import functools
import ipaddress
from datetime import UTC, datetime
from email.utils import format_datetime


@functools.lru_cache(maxsize=8)
def date_of(second: int) -> str:
    """RFC 5322 §3.3; most messages share their second with others."""
    return format_datetime(datetime.fromtimestamp(second, UTC))


def received(hostname: str, client: str, protocol: str, shown_id: str, now: float) -> bytes:
    """The field as octets. ``client``: the application's own address; empty where it stays out."""
    source = literal(client) or hostname
    date = date_of(int(now))
    return (
        f"Received: from {source} (submission)\r\n\tby {hostname} with {protocol} id {shown_id};\r\n\t{date}\r\n"
    ).encode("ascii")


@functools.lru_cache(maxsize=1024)
def literal(client: str) -> str:
    """``[192.0.2.1]``, ``[IPv6:2001:db8::1]`` (RFC 5321 §4.1.3); ``""`` for what is no address.

    An IPv4 address mapped into IPv6 is shown as what it is, and a zone (``%eth0``) means nothing elsewhere.
    """
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv4Address):
        return f"[{address}]"
    return f"[{address.ipv4_mapped}]" if address.ipv4_mapped else f"[IPv6:{address}]"
