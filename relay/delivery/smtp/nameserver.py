"""One name server: UDP with EDNS, without where it doesn't know that, TCP where the answer is cut off.

Sources: RFC 1035 §4.2, RFC 6891 §6.2.2 and §7 (a server from before EDNS says
FORMERR or NOTIMP, or nothing at all), RFC 7766 (TCP after TC).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.rcode

from relay.delivery.smtp.answer import MAX_ALIASES, Alias, DnsAnswer, Missing, Unsure, gone, read

PAYLOAD_OCTETS = 1232
"""Fits any path without fragments."""
MOST_TRY_S = 2.0
"""Longest wait for one datagram's answer, before it is sent again."""
TRIES_BEFORE_TCP = 2
"""Datagrams without an answer."""
PLAIN_S = 3600.0
"""So long a server that doesn't know EDNS is asked without."""
LEAST_LOST = 2
"""Answers in a row that came only without EDNS, before that is believed."""
LEAST_SILENT = 3
"""Look-ups in a row without any answer, before a server is silent."""
DOWN_S = 30.0
"""So long a silent server is asked only if no other one knows."""
_NO_EDNS = (dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS)

SILENT = "no answer in time"
T = TypeVar("T")


class Nameserver:
    """Asked by many look-ups at a time, each with a socket of its own."""

    def __init__(self, address: str, port: int, try_s: float, monotonic: Callable[[], float]) -> None:
        self._address = address
        self._port = port
        self._try_s = min(MOST_TRY_S, try_s)
        self._monotonic = monotonic
        self._plain_until = 0.0
        self._edns_lost = 0
        self._silent = 0
        self._down_until = 0.0

    def __str__(self) -> str:
        host = f"[{self._address}]" if ":" in self._address else self._address
        return host if self._port == 53 else f"{host}:{self._port}"

    @property
    def down(self) -> bool:
        """It gave no answer lately."""
        return self._down_until > self._monotonic()

    async def ask(self, name: str, kind: str, limit_s: float) -> DnsAnswer:
        """Follow aliases that the server left to us; each step is one question, and a loop ends too."""
        end = asyncio.get_running_loop().time() + limit_s
        aliased = False
        for _ in range(MAX_ALIASES):
            answer = await self._answer(name, kind, end)
            if isinstance(answer, Alias):
                name, aliased = answer.target, True
            elif aliased and isinstance(answer, Missing) and answer.no_name:
                return replace(answer, doubt=answer.doubt or gone(name))
            else:
                return answer
        return Unsure(f"more than {MAX_ALIASES} aliases in a row")

    async def _answer(self, name: str, kind: str, end: float) -> DnsAnswer | Alias:
        try:
            asked = dns.name.from_text(f"{name}.")
        except (dns.exception.DNSException, ValueError) as error:
            return Unsure(f"{type(error).__name__}: no name that could be asked for")
        response = await self._response(asked, kind, end)
        if isinstance(response, Unsure):
            return response
        return read(response, kind)

    async def _response(self, name: dns.name.Name, kind: str, end: float) -> dns.message.Message | Unsure:
        """Ask until an answer comes or time is up: with EDNS and without, in turns, and once by TCP."""
        edns = self._plain_until <= self._monotonic()
        lost = False
        tries = 0
        why = SILENT
        while (left := end - asyncio.get_running_loop().time()) > 0:
            try:
                response = await self._exchange(name, kind, edns, left)
            except dns.exception.Timeout:
                lost, edns, tries = lost or edns, not edns, tries + 1
                if tries == TRIES_BEFORE_TCP:
                    big = await self._only_by_tcp(name, kind, end)
                    if big is not None:
                        return self._heard(big)
                continue
            except (dns.exception.DNSException, OSError, ValueError, EOFError) as error:
                return self._heard(Unsure(_reason(error)))
            if edns and response.rcode() in _NO_EDNS:
                edns, self._plain_until = False, self._monotonic() + PLAIN_S
                why = dns.rcode.to_text(response.rcode())
                continue
            self._learn(edns, lost)
            return self._heard(response)
        self.unheard()
        return Unsure(why)

    async def _only_by_tcp(self, name: dns.name.Name, kind: str, end: float) -> dns.message.Message | None:
        """Large answers get lost on some ways, where TCP does not; None: neither does it help."""
        left_s = end - asyncio.get_running_loop().time()
        if left_s <= 0:
            return None
        query = dns.message.make_query(name, kind, use_edns=False)
        try:
            return await dns.asyncquery.tcp(query, self._address, min(self._try_s, left_s), self._port)
        except (dns.exception.DNSException, OSError, ValueError, EOFError):
            return None

    def unheard(self) -> None:
        """A look-up ended without an answer of this server."""
        self._silent += 1
        if self._silent >= LEAST_SILENT:
            self._down_until = self._monotonic() + DOWN_S

    def _heard(self, what: T) -> T:
        self._silent, self._down_until = 0, 0.0
        return what

    def _learn(self, edns: bool, lost: bool) -> None:
        """``lost``: with EDNS there was no answer to the same question."""
        if edns:
            self._edns_lost = 0
        elif lost:
            self._edns_lost += 1
            if self._edns_lost >= LEAST_LOST:
                self._edns_lost, self._plain_until = 0, self._monotonic() + PLAIN_S

    async def _exchange(self, name: dns.name.Name, kind: str, edns: bool, left_s: float) -> dns.message.Message:
        """One question and its answer; what doesn't belong to it is passed over. Raises what dnspython does."""
        query = dns.message.make_query(name, kind, use_edns=0 if edns else False, payload=PAYLOAD_OCTETS)
        try:
            return await dns.asyncquery.udp(
                query,
                self._address,
                min(self._try_s, left_s),
                self._port,
                ignore_unexpected=True,
                ignore_errors=True,
                raise_on_truncation=True,
            )
        except dns.message.Truncated:
            return await self._by_tcp(query, left_s)

    async def _by_tcp(self, query: dns.message.Message, left_s: float) -> dns.message.Message:
        try:
            return await dns.asyncquery.tcp(query, self._address, left_s, self._port)
        except dns.exception.Timeout as error:
            raise OSError(0, "no answer by TCP in time") from error


def _reason(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "its TCP connection was closed"
    text = error.strerror if isinstance(error, OSError) else ""
    return text or f"an answer that can't be read ({type(error).__name__})"
