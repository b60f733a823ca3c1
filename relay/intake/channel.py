"""The connection below an SMTP session: bytes in and out, time limits, TLS, closing.

aiosmtpd's ``SMTP`` brings the protocol object and its life cycle. The client's
bytes are gathered in one bounded buffer, replies go out together, and a client
that does not read is neither read nor kept for long. See
docs/decisions/0006-aiosmtpd.md for what is replaced and why.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, Session

from relay.intake.limits import Budget, Sessions
from relay.mail.status import Status, permanent, temporary

_log = logging.getLogger("relay.smtp")

COMMAND_OCTETS = 4096
"""Longest command line with its CRLF; RFC 5321 §4.5.3.1.4 asks for 512, extensions for more."""
READ_AHEAD_OCTETS = 256 * 1024
"""The client is not read further while so much waits unread."""
CLOSE_S = 5.0
"""What a closed connection has to take the last replies."""
HANDSHAKE_S = 30.0


class Closed(Exception):
    """The client is gone or was sent away; nothing more is said."""


@dataclass(slots=True)
class Shared:
    """What the sessions of one listener share."""

    hostname: str
    sessions: Sessions
    budget: Budget
    message_octets: int
    recipients: int
    command_timeout_s: float
    data_timeout_s: float
    transactions: int = 0
    """Most transactions in a session; 0: no limit."""
    tls: ssl.SSLContext | None = None
    live: set[Channel] = field(default_factory=set)
    stopping: bool = False


class Channel(SMTP):
    """One client's connection."""

    shared: Shared

    def __init__(self, shared: Shared, *, implicit_tls: bool, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            _NO_HANDLER,
            hostname=shared.hostname,
            loop=loop,
            timeout=shared.command_timeout_s,
            data_size_limit=None,
            enable_SMTPUTF8=True,
        )
        self.shared = shared
        self.encrypted = implicit_tls
        self.peer_address = ""
        self.in_transaction = False
        self._in = bytearray()
        self._out = bytearray()
        self._more: asyncio.Future[None] | None = None
        self._reading_paused = False
        self._writable = True
        self._drain: asyncio.Future[None] | None = None
        self._eof = False
        self._counted = False
        self._held_octets = 0
        self._deadline = 0.0
        self._timer_at = 0.0

    def __dir__(self) -> list[str]:
        # aiosmtpd's constructor looks through dir(self) for its hooks; ours are in ``verbs``.
        return []

    # -- aiosmtpd's and asyncio's hooks ------------------------------------

    def _create_session(self) -> Session:
        return Session(self.loop)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self.peer_address = str(peer[0]) if peer else "local"
        self.shared.live.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()
        self.shared.live.discard(self)
        if self._counted:
            self._counted = False
            self.shared.sessions.leave(self.peer_address)
        self.shared.budget.give(self._held_octets)
        self._held_octets = 0
        self._eof = True
        self.transport = None
        self._wake()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        self._in += data
        # Several reads may come before the waiter runs, so one that is told already counts as none.
        waiting = self._more is not None and not self._more.done()
        if len(self._in) > READ_AHEAD_OCTETS and not self._reading_paused and not waiting:
            self._reading_paused = True
            self.transport.pause_reading()  # type: ignore[union-attr]
        self._wake()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        if self._drain is not None and not self._drain.done():
            self._drain.set_result(None)

    def eof_received(self) -> bool:
        self._eof = True
        self._wake()
        return False

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Move the deadline. The timer is not touched unless it would fire too late: it looks again when it fires."""
        self._deadline = self.loop.time() + (duration or self._timeout_duration)
        if self._timeout_handle is None or self._deadline < self._timer_at:
            self._arm()

    def _arm(self) -> None:
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()
        self._timer_at = self._deadline
        self._timeout_handle = self.loop.call_at(self._deadline, self._timeout_cb)

    def _timeout_cb(self) -> None:
        if self.transport is None:
            return
        if self.loop.time() < self._deadline:
            self._arm()
            return
        self._say(temporary(21, 4, 2, f"{self.hostname} timeout, closing connection"))
        self._flush()
        self._close()

    # -- reading and writing -----------------------------------------------

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    async def _wait(self) -> None:
        """Send what is due, then wait for more bytes; raises Closed at the end."""
        await self._send()
        if self._eof or self.transport is None:
            raise Closed
        self._more = self.loop.create_future()
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()  # type: ignore[attr-defined]
        try:
            await self._more
        finally:
            self._more = None

    def _say(self, status: Status) -> None:
        # The text may hold an address of the client's with SMTPUTF8; it never holds CR or LF.
        self._out += f"{status.reply}\r\n".encode("utf-8", "replace")

    def say_line(self, line: bytes) -> None:
        self._out += line + b"\r\n"

    def _flush(self) -> None:
        if self._out and self.transport is not None:
            self.transport.write(bytes(self._out))  # type: ignore[attr-defined]
        self._out.clear()

    async def _send(self) -> None:
        """Send what is due and wait until a client that does not read has taken enough of it."""
        self._flush()
        while not self._writable and self.transport is not None:
            self._drain = self.loop.create_future()
            await self._drain

    def _close(self) -> None:
        transport = self.transport
        if transport is None:
            return
        transport.close()
        if transport.get_write_buffer_size():  # type: ignore[attr-defined]
            # A client that does not read must not keep its place beyond this.
            self.loop.call_later(CLOSE_S, transport.abort)  # type: ignore[attr-defined]

    async def read_line(self) -> bytes:
        """One command line without CRLF; raises Closed."""
        start = 0
        while True:
            end = self._in.find(b"\n", start)
            if end >= 0:
                line = bytes(self._in[: end + 1])
                del self._in[: end + 1]
                return line
            if len(self._in) > COMMAND_OCTETS:
                self._say(permanent(0, 5, 6, f"line longer than {COMMAND_OCTETS} octets, closing connection"))
                self._flush()
                self._close()
                raise Closed
            start = len(self._in)
            await self._wait()

    def drop(self) -> None:
        """End the session now."""
        self._close()
        self._eof = True
        self._wake()

    def stop_if_idle(self) -> None:
        """The relay is being stopped: send the client away unless a transaction runs."""
        if not self.in_transaction:
            self._say(temporary(21, 3, 2, f"{self.hostname} is being stopped, try again later"))
            self._flush()
            self.drop()

    async def secure(self, tls: ssl.SSLContext) -> None:
        """Go on over TLS after the ``220``; what came in plaintext behind the command is dropped. Raises Closed."""
        self._flush()
        # RFC 3207 §6: it may be injected.
        self._in.clear()
        transport = self.transport
        assert transport is not None
        try:
            secure = await self.loop.start_tls(
                transport,  # type: ignore[arg-type]
                self,
                tls,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_S,
            )
        except (OSError, ssl.SSLError, TimeoutError) as error:
            _log.info("client=%s STARTTLS failed: %s", self.peer_address, error)
            transport.close()
            raise Closed from error
        if secure is None:
            raise Closed
        self.transport = secure
        self._reading_paused = False
        self._in.clear()
        self.encrypted = True

    def _room(self, octets: int) -> Status | None:
        """Keep the shared budget in step with what this session holds."""
        if octets > self.shared.message_octets:
            return permanent(52, 3, 4, f"the message is larger than {self.shared.message_octets} octets")
        if octets > self._held_octets:
            if not self.shared.budget.take(octets - self._held_octets):
                return temporary(52, 3, 1, "too much mail at once, try again later")
            self._held_octets = octets
        return None


class _NoHandler:
    """aiosmtpd wants a handler object; ours has no hooks."""

    def __dir__(self) -> list[str]:
        return []


_NO_HANDLER: Any = _NoHandler()
