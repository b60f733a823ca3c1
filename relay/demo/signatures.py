"""Verifying DKIM signatures as a receiver does: dkimpy, with keys from the DNS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import dkim
import dns.exception
import dns.nameserver
import dns.resolver


@dataclass(frozen=True, slots=True)
class Signature:
    algorithm: str
    domain: str
    selector: str
    valid: bool


def verify(octets: bytes, dns_port: int) -> list[Signature]:
    """Each signature of the message, the first one first."""
    message = dkim.DKIM(octets)
    found = []
    for number, (_, value) in enumerate([f for f in message.headers if f[0].lower() == b"dkim-signature"]):
        tags = dkim.util.parse_tag_value(value)
        try:
            valid = bool(message.verify(idx=number, dnsfunc=_lookup(dns_port)))
        except dkim.DKIMException:
            valid = False
        found.append(Signature(tags[b"a"].decode(), tags[b"d"].decode(), tags[b"s"].decode(), valid))
    return found


def _lookup(port: int) -> Callable[..., bytes | None]:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [dns.nameserver.Do53Nameserver("127.0.0.1", port)]
    resolver.lifetime = 5.0

    def txt(name: bytes | str, timeout: float = 5) -> bytes | None:
        try:
            answer = resolver.resolve(name.decode() if isinstance(name, bytes) else name, "TXT", search=False)
        except dns.exception.DNSException:
            return None
        return b"".join(next(iter(answer)).strings)

    return txt
