"""DNS look-ups with dnspython: cached by TTL, one query at a time for a name.

An answer is ``Found``, ``Missing`` (the server said for sure that there is
none) or ``Unsure`` (anything else: SERVFAIL, refusal, time-out, a loop, an
answer that can't be read). Only ``Missing`` may ever lead to a bounce.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.rdatatype
import dns.resolver

MAX_ENTRIES = 10_000
MAX_TTL_S = 86_400.0
MIN_TTL_S = 5.0
NEGATIVE_TTL_S = 60.0
"""RFC 2308 allows more; mail for a new domain shall not wait for it."""
UNSURE_TTL_S = 5.0
MAX_ALIASES = 8
MAX_ADDRESSES = 16
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


@dataclass(frozen=True, slots=True)
class Unsure:
    why: str
    ttl_s: float = UNSURE_TTL_S


Answer = Found | Missing | Unsure


class Lookup(Protocol):
    """What routing needs of DNS; tests hand in another."""

    async def mx(self, domain: str) -> Answer: ...
    async def addresses(self, host: str) -> Answer: ...


class Resolver:
    """Asks ``nameservers`` (``address:port``; none: the system's)."""

    def __init__(
        self,
        nameservers: Sequence[str] = (),
        timeout_s: float = 5.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._nameservers = tuple(nameservers)
        self._timeout_s = timeout_s
        self._monotonic = monotonic
        self._resolver: dns.asyncresolver.Resolver | None = None
        self._cache: OrderedDict[tuple[str, str], tuple[float, Answer]] = OrderedDict()
        self._running: dict[tuple[str, str], asyncio.Task[Answer]] = {}

    async def mx(self, domain: str) -> Answer:
        """MX records, unsorted (RFC 5321 §5.1)."""
        return await self._cached(domain, "MX")

    async def addresses(self, host: str) -> Answer:
        """A and AAAA records together."""
        four, six = await asyncio.gather(self._cached(host, "A"), self._cached(host, "AAAA"))
        found = [answer for answer in (four, six) if isinstance(answer, Found)]
        if found:
            records = tuple(record for answer in found for record in answer.records)
            return Found(records, min(answer.ttl_s for answer in found))
        if isinstance(four, Missing) and isinstance(six, Missing):
            return Missing(four.no_name and six.no_name, min(four.ttl_s, six.ttl_s))
        return four if isinstance(four, Unsure) else six

    async def txt(self, name: str) -> tuple[str, ...] | None:
        """TXT records, each joined; empty if there are none, None if that isn't sure. Not cached."""
        answer = await self._query(name, "TXT")
        if isinstance(answer, Missing):
            return ()
        return tuple(text for _, text in answer.records) if isinstance(answer, Found) else None

    async def _cached(self, name: str, kind: str) -> Answer:
        key = (name, kind)
        entry = self._cache.get(key)
        if entry is not None and entry[0] > self._monotonic():
            return entry[1]
        running = self._running.get(key)
        if running is None:
            running = asyncio.get_running_loop().create_task(self._ask(key))
            self._running[key] = running
        # Shielded: one who gives up waiting must not take the answer from the others.
        return await asyncio.shield(running)

    async def _ask(self, key: tuple[str, str]) -> Answer:
        try:
            answer = await self._query(*key)
        finally:
            self._running.pop(key, None)
        self._cache[key] = (self._monotonic() + answer.ttl_s, answer)
        self._cache.move_to_end(key)
        if len(self._cache) > MAX_ENTRIES:
            self._cache.popitem(last=False)
        return answer

    async def _query(self, name: str, kind: str) -> Answer:
        """Follow aliases that the server left to us; each step is one query, and a loop ends too."""
        for _ in range(MAX_ALIASES):
            try:
                answer = await self._client().resolve(f"{name}.", kind, raise_on_no_answer=False, search=False)
            except dns.resolver.NXDOMAIN as error:
                return _no_name(error)
            except dns.resolver.NoResolverConfiguration:
                return Unsure("no name server is configured; set [dns] nameservers")
            except (dns.exception.DNSException, OSError, ValueError, EOFError) as error:
                return Unsure(_reason(error, name, kind))
            if answer.rrset is not None:
                return _found(answer, kind)
            alias = answer.canonical_name.to_text(omit_final_dot=True).lower()
            if alias == name:
                return Missing(False, _negative_ttl(answer.response))
            name = alias
        return Unsure(f"more than {MAX_ALIASES} aliases in a row")

    def _client(self) -> dns.asyncresolver.Resolver:
        if self._resolver is None:
            client = dns.asyncresolver.Resolver(configure=not self._nameservers)
            if self._nameservers:
                client.nameservers = [_nameserver(text) for text in self._nameservers]
            client.lifetime = self._timeout_s
            client.timeout = min(2.0, self._timeout_s / 2)
            client.use_edns(0, 0, 1232)
            client.search = []
            self._resolver = client
        return self._resolver


def _nameserver(text: str) -> dns.nameserver.Nameserver:
    host, _, port = text.rpartition(":")
    if not host or (":" in host and not host.startswith("[")):
        host, port = text, "53"
    return dns.nameserver.Do53Nameserver(host.strip("[]"), int(port))


def _found(answer: dns.resolver.Answer, kind: str) -> Answer:
    records: list[tuple[int, str]] = []
    rdata: Any
    for rdata in answer:
        if kind == "MX":
            records.append((rdata.preference, rdata.exchange.to_text(omit_final_dot=True).lower().lstrip(".")))
        elif kind == "TXT":
            records.append((0, b"".join(rdata.strings).decode("utf-8", "replace")))
        elif len(records) < MAX_ADDRESSES:
            records.append((0, rdata.address))
    ttl_s = min((rrset.ttl for rrset in answer.response.answer), default=0)
    return Found(tuple(records), min(max(float(ttl_s), MIN_TTL_S), MAX_TTL_S))


def _no_name(error: dns.resolver.NXDOMAIN) -> Missing:
    responses = error.kwargs.get("responses") or {}
    return Missing(True, min((_negative_ttl(response) for response in responses.values()), default=NEGATIVE_TTL_S))


def _negative_ttl(response: Any) -> float:
    """RFC 2308 §5: the SOA's minimum, bounded."""
    for rrset in response.authority:
        if rrset.rdtype == dns.rdatatype.SOA:
            return min(max(float(min(rrset.ttl, rrset[0].minimum)), MIN_TTL_S), NEGATIVE_TTL_S)
    return NEGATIVE_TTL_S


def _reason(error: Exception, name: str, kind: str) -> str:
    if isinstance(error, dns.exception.Timeout):
        return f"no answer for {kind} of {name} in time"
    if isinstance(error, dns.resolver.NoNameservers):
        codes = sorted({str(reason) for *_, reason, _ in error.kwargs.get("errors", ()) if isinstance(reason, str)})
        return f"no name server could tell {kind} of {name}" + (f" ({', '.join(codes)})" if codes else "")
    return f"look-up of {kind} of {name} failed: {type(error).__name__}"
