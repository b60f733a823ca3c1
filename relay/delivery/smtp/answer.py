"""What one name server's message says of a name, or that it says nothing sure.

An answer is ``Found``, ``Missing`` (the server says that there is none) or
``Unsure`` (anything else). Sources: RFC 1035 §4.1, RFC 2308 §2 (which empty
answer is NODATA and which a referral), RFC 6604 (the code of a chain of
aliases is about its last name).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

MAX_TTL_S = 86_400.0
MIN_TTL_S = 5.0
NEGATIVE_TTL_S = 10.0
"""RFC 2308 allows more; mail for a new domain, or after a fault of the resolver, shall not wait for it."""
NO_IPV6_TTL_S = 60.0
"""That a host has no AAAA is usual and harms nobody."""
UNSURE_TTL_S = 5.0
MAX_ALIASES = 16
MAX_ADDRESSES = 256
"""Addresses of one host that are kept."""


@dataclass(frozen=True, slots=True)
class Found:
    """Records as text: an address, or ``"10 mx.example.com"`` split into a pair for MX."""

    records: tuple[tuple[int, str], ...]
    """MX: (preference, host in lower case without the last dot; empty for the root). Addresses: (0, address)."""
    ttl_s: float


@dataclass(frozen=True, slots=True)
class Missing:
    """The name has no such record; ``no_name``: the name itself doesn't exist (NXDOMAIN)."""

    no_name: bool
    ttl_s: float = NEGATIVE_TTL_S
    doubt: str = ""
    """Why nothing final may follow from it, one line; empty if all name servers say so without more ado."""


@dataclass(frozen=True, slots=True)
class Unsure:
    why: str
    ttl_s: float = UNSURE_TTL_S


@dataclass(frozen=True, slots=True)
class Alias:
    """The server told an alias only, and left its target to be asked for."""

    target: str


DnsAnswer = Found | Missing | Unsure


def read(response: dns.message.Message, kind: str) -> DnsAnswer | Alias:
    """The meaning of a response to a question of one name and ``kind``."""
    code = response.rcode()
    if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return Unsure(dns.rcode.to_text(code))
    if response.flags & dns.flags.TC:
        return Unsure("an answer that is cut off")
    asked = response.question[0].name
    chain = _chain(response, asked, kind)
    if chain is None:
        return Unsure("aliases that lead in a circle")
    name, records = chain
    if records is not None:
        if code == dns.rcode.NXDOMAIN:
            return Unsure("NXDOMAIN together with records")
        return _found(response, records, kind)
    if not response.flags & (dns.flags.AA | dns.flags.RA):
        return Unsure("an answer of a server that neither knows the name nor looks it up")
    if code == dns.rcode.NXDOMAIN:
        doubt = "" if name == asked else gone(plain(name))
        return Missing(True, negative_ttl(response, kind), doubt)
    return _no_data(response, asked, name, kind)


def gone(target: str) -> str:
    """The doubt about an alias: its target may be on its way, and the name itself is there."""
    return f"it is an alias of {target}, which does not exist"


def plain(name: dns.name.Name) -> str:
    """In lower case without the last dot, odd octets escaped; empty for the root."""
    return name.to_text(omit_final_dot=True).lower().lstrip(".")


def _chain(
    response: dns.message.Message, name: dns.name.Name, kind: str
) -> tuple[dns.name.Name, dns.rrset.RRset | None] | None:
    """Where the aliases lead and the records there; None for a loop."""
    wanted = dns.rdatatype.from_text(kind)
    seen = {name}
    while True:
        records = response.get_rrset(response.answer, name, dns.rdataclass.IN, wanted)
        if records is not None:
            return name, records
        alias = response.get_rrset(response.answer, name, dns.rdataclass.IN, dns.rdatatype.CNAME)
        if alias is None:
            return name, None
        target: Any = alias[0]
        name = target.target
        if name in seen or len(seen) > MAX_ALIASES:
            return None
        seen.add(name)


def _no_data(
    response: dns.message.Message, asked: dns.name.Name, name: dns.name.Name, kind: str
) -> Missing | Unsure | Alias:
    kinds = {rrset.rdtype for rrset in response.authority}
    if dns.rdatatype.SOA not in kinds:
        if name != asked:
            return Alias(plain(name))
        if dns.rdatatype.NS in kinds:
            return Unsure("a referral to other servers")
    if response.answer and name == asked:
        return Unsure("an answer without the records that were asked for")
    return Missing(False, negative_ttl(response, kind))


def _found(response: dns.message.Message, rrset: dns.rrset.RRset, kind: str) -> Found:
    records: list[tuple[int, str]] = []
    rdata: Any
    for rdata in rrset:
        if kind == "MX":
            records.append((rdata.preference, plain(rdata.exchange)))
        elif kind == "TXT":
            records.append((0, b"".join(rdata.strings).decode("utf-8", "replace")))
        elif len(records) < MAX_ADDRESSES:
            records.append((0, rdata.address))
    ttl_s = min((rrset.ttl for rrset in response.answer), default=0)
    return Found(tuple(records), min(max(float(ttl_s), MIN_TTL_S), MAX_TTL_S))


def negative_ttl(response: dns.message.Message, kind: str) -> float:
    """RFC 2308 §5: the SOA's minimum, bounded."""
    most = NO_IPV6_TTL_S if kind == "AAAA" and response.rcode() == dns.rcode.NOERROR else NEGATIVE_TTL_S
    soa: Any
    for rrset in response.authority:
        if rrset.rdtype == dns.rdatatype.SOA:
            soa = rrset[0]
            return min(max(float(min(rrset.ttl, soa.minimum)), MIN_TTL_S), most)
    return most
