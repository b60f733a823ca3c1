"""Asking DNS with the relay's own nameservers and time limit, for whoever compares it with what it should hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from config.settings import Settings

RecordLookup = Callable[[str, str], Sequence[str]]
"""(name, type) → values: TXT strings joined, host names in lower case without the last dot.

A null MX (RFC 7505) is ``""``; PTR takes the address for a name. Empty where the
name or type isn't there; raises LookupFailed if that can't be known.
"""

_FIELDS = {"A": "address", "AAAA": "address", "CNAME": "target", "MX": "exchange", "PTR": "target"}


class LookupFailed(Exception):
    """No answer: time-out, SERVFAIL, unreachable. The text says which."""


def resolver(settings: Settings) -> RecordLookup:
    """A look-up by dnspython: TXT, A, AAAA, CNAME, MX and PTR, from the nameservers of ``[dns]``, else the system's.

    Raises LookupFailed if there are neither.
    """
    import dns.exception
    import dns.nameserver
    import dns.resolver
    import dns.reversename

    from config.names import split_endpoint

    try:
        asked = dns.resolver.Resolver(configure=not settings.dns.nameservers)
    except dns.exception.DNSException as error:
        raise LookupFailed(f"the system names no resolver ({error}); set dns.nameservers") from error
    if settings.dns.nameservers:
        endpoints = [split_endpoint(text) for text in settings.dns.nameservers]
        asked.nameservers = [dns.nameserver.Do53Nameserver(end.host, end.port) for end in endpoints]

    def lookup(name: str, kind: str) -> Sequence[str]:
        try:
            target = dns.reversename.from_address(name) if kind == "PTR" else name + "."
            answer = asked.resolve(target, kind, lifetime=settings.dns.timeout, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except dns.exception.Timeout as error:
            raise LookupFailed(f"no answer within {settings.dns.timeout:g} s") from error
        except (dns.exception.DNSException, OSError) as error:
            raise LookupFailed(str(error) or type(error).__name__) from error
        return [_text(kind, rdata) for rdata in answer]

    return lookup


def within(lookup: RecordLookup, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> RecordLookup:
    """The same for somebody who waits: once so long has passed nothing more is asked, and the rest can't be known."""
    end = monotonic() + seconds

    def bounded(name: str, kind: str) -> Sequence[str]:
        if monotonic() > end:
            raise LookupFailed(f"DNS took longer than {seconds:g} s; ask again")
        return lookup(name, kind)

    return bounded


def _text(kind: str, rdata: Any) -> str:
    if kind == "TXT":
        return b"".join(rdata.strings).decode("utf-8", "replace")
    return str(getattr(rdata, _FIELDS[kind])).rstrip(".").lower()
