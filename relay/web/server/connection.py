"""One connection of the HTTP side, with limits that hold against slow, many and hostile clients.

A head has a time limit, and so has what is written to a client that doesn't
read. Where there are too many connections, of one address or of all, the one
that has waited longest for a request's head gives way: whoever opens hundreds
and says nothing crowds out itself.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from relay.web import problems
from relay.web.guard import SECURITY_HEADERS
from relay.web.peer import network, plain
from relay.web.server.framing import Framing

STUCK_S: Final = 30.0
"""A client that takes nothing of its answer for so long is cut off."""


class HttpConnection(H11Protocol):
    """uvicorn's connection, strict about framing, with time limits and problems for bad requests."""

    header_timeout_s = 10.0
    """From the connection, or the first octet of a next request, to the end of its header."""
    stuck_s = STUCK_S
    max_connections = 512
    max_per_address = 128
    proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    """Their connections are many clients'."""

    _header_timer: asyncio.TimerHandle | None = None
    _stuck_timer: asyncio.TimerHandle | None = None
    _half_closed = False
    _unread = 0
    """Octets that were held back at the last look; 0: all that was written could go on."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.conn = self._framing = Framing()
        self._since = time.monotonic()
        self.address = ""

    # --- coming and going --------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.address = network(plain(self.client[0])) if self.client else ""
        self._stuck_timer = self.loop.call_later(self.stuck_s, self._look_whether_stuck)
        if not self._room():
            self._refuse(503, "too many connections; try again later")
            return
        self._await_header()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()
        super().connection_lost(exc)

    def _room(self) -> bool:
        """Whether there is a place for this connection, made where one can give way."""
        others = [one for one in self.connections if one is not self and isinstance(one, HttpConnection)]
        own = [one for one in others if one.address == self.address]
        if len(own) >= self.max_per_address and not self._from_proxy():
            return _give_way(own)
        if len(others) < self.max_connections:
            return True
        most = Counter(one.address for one in others if one.idle).most_common(1)
        return bool(most) and _give_way(one for one in others if one.address == most[0][0])

    def _from_proxy(self) -> bool:
        try:
            address = ipaddress.ip_address(plain(self.client[0])) if self.client else None
        except ValueError:
            return False
        return address is not None and any(address in one for one in self.proxies)

    @property
    def idle(self) -> bool:
        """Whether no request is worked on: it waits for a head or for the rest of a body, or is closing."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    def give_way(self) -> None:
        self.transport.abort()
        self.connections.discard(self)  # at once: the next one to come counts anew

    # --- half-closed ---------------------------------------------------------------

    def eof_received(self) -> bool:  # type: ignore[override]
        """A client that says all it has to say, and only listens on, still gets its answers; in between it hung up."""
        if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            return False
        self._half_closed = True
        return True

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._half_closed and self.cycle.response_complete:
            self.transport.close()

    # --- time limits -------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_timer()
        elif self._header_timer is None:
            self._await_header()

    def _await_header(self) -> None:
        self._since = time.monotonic()
        self._header_timer = self.loop.call_later(self.header_timeout_s, self._header_late)

    def _header_late(self) -> None:
        self._header_timer = None
        if not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete):
            self._refuse(408, "the request's header took too long")

    def _stop_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _look_whether_stuck(self) -> None:
        """Writing and closing wait for what was written to be read, which a client can put off for ever."""
        held = self.flow.write_paused or self.transport.is_closing()
        unread = self.transport.get_write_buffer_size() if held else 0
        if unread >= self._unread > 0:
            self.transport.abort()
            return
        self._unread = unread
        self._stuck_timer = self.loop.call_later(self.stuck_s, self._look_whether_stuck)

    def resume_writing(self) -> None:
        self._unread = 0  # something was read
        super().resume_writing()

    # --- bad requests ------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        self._refuse(*self._framing.fault)

    def _refuse(self, status: int, detail: str) -> None:
        """Answer without the application and close; only close where an answer has begun."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # whatever the application still says goes nowhere
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        body = problems.encode(problems.document(status, detail=detail))
        headers = [
            *SECURITY_HEADERS.items(),
            (b"content-type", problems.MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        events: tuple[Any, ...] = (
            h11.Response(status_code=status, headers=headers),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def _give_way(connections: Iterable[HttpConnection]) -> bool:
    """Cut off the one that has waited longest; False if all are being answered."""
    waiting = [one for one in connections if one.idle]
    if not waiting:
        return False
    min(waiting, key=lambda one: one._since).give_way()
    return True
