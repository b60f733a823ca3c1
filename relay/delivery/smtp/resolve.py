"""DNS look-ups: cached by TTL, one query at a time for a name, all name servers where one says that there is none.

A server that answers with records is believed at once. That something is
missing is believed only when every configured name server says so; otherwise
the answer carries a doubt, and nothing final may follow from it.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import dns.exception
import dns.resolver

from config.names import split_endpoint
from relay.delivery.smtp.answer import DnsAnswer, Found, Missing, Unsure
from relay.delivery.smtp.nameserver import SILENT, Nameserver

MAX_ENTRIES = 10_000
MOST_HEDGE_S = 1.0
"""So long a server is waited for before the next one is asked beside it."""


class Lookup(Protocol):
    """What routing needs of DNS; tests hand in another. ``fresh``: not from memory."""

    async def mx(self, domain: str, *, fresh: bool = False) -> DnsAnswer: ...
    async def addresses(self, host: str, *, fresh: bool = False) -> DnsAnswer: ...


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
        self._servers: list[Nameserver] = []
        self._cache: OrderedDict[tuple[str, str], tuple[float, DnsAnswer]] = OrderedDict()
        self._running: dict[tuple[str, str], asyncio.Task[DnsAnswer]] = {}

    async def mx(self, domain: str, *, fresh: bool = False) -> DnsAnswer:
        """MX records, unsorted (RFC 5321 §5.1)."""
        return await self._cached(domain, "MX", fresh)

    async def addresses(self, host: str, *, fresh: bool = False) -> DnsAnswer:
        """A and AAAA records together."""
        four, six = await asyncio.gather(self._cached(host, "A", fresh), self._cached(host, "AAAA", fresh))
        found = [answer for answer in (four, six) if isinstance(answer, Found)]
        if found:
            records = tuple(record for answer in found for record in answer.records)
            return Found(records, min(answer.ttl_s for answer in found))
        if isinstance(four, Missing) and isinstance(six, Missing):
            ttl_s = min(four.ttl_s, six.ttl_s)
            return Missing(four.no_name and six.no_name, ttl_s, four.doubt or six.doubt)
        return four if isinstance(four, Unsure) else six

    async def txt(self, name: str) -> tuple[str, ...] | None:
        """TXT records, each joined; empty if there are none, None if that isn't sure. Not cached."""
        answer = await self._query(name, "TXT")
        if isinstance(answer, Missing):
            return None if answer.doubt else ()
        return tuple(text for _, text in answer.records) if isinstance(answer, Found) else None

    async def _cached(self, name: str, kind: str, fresh: bool) -> DnsAnswer:
        key = (name, kind)
        entry = self._cache.get(key)
        if not fresh and entry is not None and entry[0] > self._monotonic():
            return entry[1]
        running = self._running.get(key)
        if running is None:
            running = asyncio.get_running_loop().create_task(self._ask(key))
            self._running[key] = running
        # Shielded: one who gives up waiting must not take the answer from the others.
        return await asyncio.shield(running)

    async def _ask(self, key: tuple[str, str]) -> DnsAnswer:
        try:
            answer = await self._query(*key)
        finally:
            self._running.pop(key, None)
        self._cache[key] = (self._monotonic() + answer.ttl_s, answer)
        self._cache.move_to_end(key)
        if len(self._cache) > MAX_ENTRIES:
            self._cache.popitem(last=False)
        return answer

    async def _query(self, name: str, kind: str) -> DnsAnswer:
        servers = self._asked()
        if not servers:
            return Unsure("no name server is configured; set [dns] nameservers")
        told: dict[Nameserver, DnsAnswer] = {}
        up = [server for server in servers if not server.down]
        for some in (up, [server for server in servers if server.down]):
            # Servers that were silent lately are waited for only where no other one knows.
            if some and not any(isinstance(answer, Missing) for answer in told.values()):
                found = await self._race(some, name, kind, told)
                if found is not None:
                    return found
        for server in servers:
            told.setdefault(server, Unsure("no answer lately"))
        return _together(told, name, kind)

    async def _race(
        self, servers: Sequence[Nameserver], name: str, kind: str, told: dict[Nameserver, DnsAnswer]
    ) -> Found | None:
        """Ask one after the other, the next at once where one finds nothing; what they say goes to ``told``."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._timeout_s
        waiting = list(servers)
        asked: dict[asyncio.Task[DnsAnswer], Nameserver] = {}
        begun: dict[Nameserver, float] = {}
        try:
            while waiting or asked:
                if waiting:
                    server = waiting.pop(0)
                    begun[server] = loop.time()
                    limit_s = max(end - begun[server], self._hedge_s)
                    asked[loop.create_task(server.ask(name, kind, limit_s))] = server
                done, _ = await asyncio.wait(
                    asked, timeout=self._hedge_s if waiting else None, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    answer = task.result()
                    if isinstance(answer, Found):
                        return answer
                    told[asked.pop(task)] = answer
        finally:
            for task, server in asked.items():
                if task.cancel() and loop.time() - begun[server] >= self._hedge_s:
                    server.unheard()
        return None

    @property
    def _hedge_s(self) -> float:
        return min(MOST_HEDGE_S, self._timeout_s / 4)

    def _asked(self) -> list[Nameserver]:
        if not self._servers:
            try_s = self._timeout_s / 3
            for host, port in dict.fromkeys(endpoints(self._nameservers)):
                self._servers.append(Nameserver(host, port, try_s, self._monotonic))
        return self._servers


def endpoints(nameservers: Sequence[str]) -> list[tuple[str, int]]:
    """Address and port of each; of the system's where there are none."""
    if nameservers:
        return [(end.host, end.port) for end in map(split_endpoint, nameservers)]
    try:
        system = dns.resolver.Resolver(configure=True)
    except (dns.exception.DNSException, OSError):
        return []
    return [(str(server), system.port) for server in system.nameservers if isinstance(server, str)]


def _together(told: Mapping[Nameserver, DnsAnswer], name: str, kind: str) -> DnsAnswer:
    """What the servers say together, none of whom has records."""
    missing = [answer for answer in told.values() if isinstance(answer, Missing)]
    if not missing:
        whys = {answer.why for answer in told.values() if isinstance(answer, Unsure)}
        if whys <= {SILENT, "no answer lately"}:
            return Unsure(f"no answer for {kind} of {name} in time")
        return Unsure(f"no name server could tell {kind} of {name} ({', '.join(sorted(whys))})")
    ttl_s = min(answer.ttl_s for answer in missing)
    doubt = next((answer.doubt for answer in missing if answer.doubt), "")
    if len(missing) < len(told) or len({answer.no_name for answer in missing}) > 1:
        words = "; ".join(f"{server}: {_said(answer)}" for server, answer in told.items())
        doubt = f"the name servers don't agree ({words})"
    return Missing(all(answer.no_name for answer in missing), ttl_s, doubt)


def _said(answer: DnsAnswer) -> str:
    if isinstance(answer, Unsure):
        return answer.why
    return "NXDOMAIN" if isinstance(answer, Missing) and answer.no_name else "no such record"
