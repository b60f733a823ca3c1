"""One request to a webhook's server, and its answer: within a time, a size, and a place that it may be.

A name is looked up for each connection, what it leads to is judged, and the
connection is made to that very address: what the name says a moment later
changes nothing. No redirect is followed, no proxy of the environment is used.
Connections are kept for the next request, as a handshake for each costs more
than all else.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import time
from collections.abc import Sequence
from typing import Any, Final, Protocol

import h11
import msgspec

from relay.webhooks.address import WebhookAddress, refused

TIMEOUT_S: Final = 15.0
"""From the look-up to the end of the answer."""
MOST_ANSWER: Final = 16 * 1024
"""Octets of an answer that are read; more are cut off with the connection."""
IDLE_S: Final = 4.0
"""A connection that was not used for so long is not used again: servers close theirs after 5 s and more."""
MOST_IDLE: Final = 64
"""Connections kept for one server."""
_HEAD: Final = 16 * 1024
_MOST_ADDRESSES: Final = 4
"""Of a name, that are tried one after the other."""
AGENT: Final = "relay-webhooks/1"

ServerKey = tuple[bool, str, int]


class WebhookAnswer(msgspec.Struct, frozen=True, gc=False):
    """What came back; ``status`` 0: nothing did, ``text`` says why."""

    status: int
    text: str
    retry_after: str = ""
    took_s: float = 0.0

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class HostLookup(Protocol):
    """What is asked of DNS; tests hand in another."""

    async def __call__(self, host: str) -> Sequence[str]:
        """Addresses of a name; raises HostNotFound."""


class HostNotFound(Exception):
    """The text says why."""


class _Broken(Exception):
    """The connection came to nothing; ``before``: no octet of an answer had come."""

    def __init__(self, why: str, before: bool) -> None:
        super().__init__(why)
        self.before = before


class _Line:
    """One connection to one server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.http = h11.Connection(h11.CLIENT, _HEAD)
        self.used_at = 0.0

    def close(self) -> None:
        self.writer.transport.abort()

    async def ask(self, request: h11.Request, body: bytes) -> tuple[WebhookAnswer, bool]:
        """The answer, and whether the connection is good for another request."""
        octets = b"".join(self.http.send(event) or b"" for event in (request, h11.Data(data=body), h11.EndOfMessage()))
        got = False
        status, retry_after, parts, size = 0, "", [], 0
        try:
            self.writer.write(octets)
            await self.writer.drain()
            while True:
                event: Any = self.http.next_event()
                if event is h11.NEED_DATA:
                    data = await self.reader.read(64 * 1024)
                    got = got or bool(data)
                    if not data and not got:
                        raise _Broken("the server closed the connection without an answer", True)
                    self.http.receive_data(data)
                elif type(event) is h11.Response:
                    status = event.status_code
                    retry_after = _field(event, b"retry-after")
                elif type(event) is h11.Data:
                    parts.append(bytes(event.data))
                    size += len(event.data)
                    if size >= MOST_ANSWER:
                        return WebhookAnswer(status, _text(parts), retry_after), False
                elif type(event) is h11.EndOfMessage:
                    break
                elif type(event) is h11.ConnectionClosed:
                    raise _Broken("the server closed the connection before its answer's end", not got)
        except (OSError, ssl.SSLError) as error:
            raise _Broken(f"the connection broke: {error or type(error).__name__}", not got) from error
        except h11.RemoteProtocolError as error:
            raise _Broken(f"the server doesn't speak HTTP/1.1: {error}", False) from error
        again = self.http.our_state is h11.DONE and self.http.their_state is h11.DONE
        if again:
            self.http.start_next_cycle()
        return WebhookAnswer(status, _text(parts), retry_after), again


class WebhookClient:
    """Use from one loop."""

    def __init__(
        self,
        lookup: HostLookup,
        *,
        allow_private: bool = False,
        timeout_s: float = TIMEOUT_S,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._lookup = lookup
        self._allow_private = allow_private
        self._timeout_s = timeout_s
        self._context = context or ssl.create_default_context()
        self._idle: dict[ServerKey, list[_Line]] = {}

    def close(self) -> None:
        for lines in self._idle.values():
            for line in lines:
                line.close()
        self._idle.clear()

    def sweep(self) -> None:
        """Close connections that were not used for a while."""
        now = time.monotonic()
        for key, lines in list(self._idle.items()):
            kept = []
            for line in lines:
                if now - line.used_at < IDLE_S:
                    kept.append(line)
                else:
                    line.close()
            if kept:
                self._idle[key] = kept
            else:
                del self._idle[key]

    async def post(self, address: WebhookAddress, headers: Sequence[tuple[str, str]], body: bytes) -> WebhookAnswer:
        """Never raises but for cancelling; whatever goes wrong is said in the answer."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._post(address, _request(address, headers, body), body)
        except TimeoutError:
            answer = WebhookAnswer(0, f"no answer within {self._timeout_s:g} s")
        except (_Broken, HostNotFound) as error:
            answer = WebhookAnswer(0, str(error))
        if 300 <= answer.status < 400:
            text = (
                f"redirects are not followed (to {answer.text[:200]!r})"
                if answer.text
                else "redirects are not followed"
            )
            answer = WebhookAnswer(answer.status, text, answer.retry_after)
        return msgspec.structs.replace(answer, took_s=time.monotonic() - started)

    async def _post(self, address: WebhookAddress, request: h11.Request, body: bytes) -> WebhookAnswer:
        key = (address.secure, address.host, address.port)
        while (line := self._kept(key)) is not None:
            try:
                return await self._over(line, key, request, body)
            except _Broken as error:
                if not error.before:
                    raise
        return await self._over(await self._connect(address), key, request, body)

    async def _over(self, line: _Line, key: ServerKey, request: h11.Request, body: bytes) -> WebhookAnswer:
        again = False
        try:
            answer, again = await line.ask(request, body)
            return answer
        finally:
            lines = self._idle.setdefault(key, [])
            if again and len(lines) < MOST_IDLE:
                line.used_at = time.monotonic()
                lines.append(line)
            else:
                line.close()
                if not lines:
                    del self._idle[key]

    def _kept(self, key: ServerKey) -> _Line | None:
        lines = self._idle.get(key, [])
        while lines:
            line = lines.pop()
            if time.monotonic() - line.used_at < IDLE_S and not line.reader.at_eof():
                return line
            line.close()
        return None

    async def _connect(self, address: WebhookAddress) -> _Line:
        last = "it has no address"
        for place in await self._places(address):
            try:
                reader, writer = await asyncio.open_connection(
                    place,
                    address.port,
                    ssl=self._context if address.secure else None,
                    server_hostname=address.host if address.secure else None,
                    limit=64 * 1024,
                )
                return _Line(reader, writer)
            except ssl.SSLCertVerificationError as error:
                raise _Broken(f"its certificate is not valid: {error.verify_message}", True) from error
            except (OSError, ssl.SSLError) as error:
                last = f"{place} port {address.port}: {error.strerror or error}"
        raise _Broken(f"can't connect: {last}", True)

    async def _places(self, address: WebhookAddress) -> list[str]:
        """Addresses that may be connected to."""
        found = [address.host] if address.literal else list(await self._lookup(address.host))
        good = [one for one in found if not refused(one, self._allow_private)]
        if found and not good:
            why = refused(found[0], self._allow_private)
            raise HostNotFound(f"{address.host} leads to {found[0]}, which is {why}: nothing is sent there")
        # IPv4 first: a host without a way to IPv6 would lose its time.
        return sorted(good, key=lambda one: ipaddress.ip_address(one).version)[:_MOST_ADDRESSES]


def _request(address: WebhookAddress, headers: Sequence[tuple[str, str]], body: bytes) -> h11.Request:
    return h11.Request(
        method="POST",
        target=address.target,
        headers=[
            ("Host", address.authority),
            ("User-Agent", AGENT),
            ("Accept", "*/*"),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            *headers,
        ],
    )


def _field(response: h11.Response, name: bytes) -> str:
    for key, value in response.headers:
        if key == name:
            return bytes(value).decode("latin-1")[:200]
    return ""


def _text(parts: Sequence[bytes]) -> str:
    """Beginning of an answer, as one can look at it."""
    return b"".join(parts)[:MOST_ANSWER].decode("utf-8", "replace").replace("\0", "\ufffd").strip()
