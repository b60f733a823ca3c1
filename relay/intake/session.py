"""One SMTP session: an aiosmtpd ``SMTP`` whose command loop and DATA are ours.

aiosmtpd brings the protocol object, its life cycle and its state; what of it
costs most (a wait for each line of DATA, the constructor's search through all
attributes, a drain after each reply) or differs from what the relay promises
(replies, line ends, errors) is replaced here by the means it offers:
subclassing. See docs/decisions/0006-aiosmtpd.md for the figures.

The client's bytes are gathered in one bounded buffer. Commands are taken from
it as long as whole lines are there and their replies written together, which
makes pipelining (RFC 2920) cheap.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiosmtpd.smtp import SMTP, Session

from relay.intake.limits import Budget, Sessions
from relay.mail.status import UNEXPECTED, Status, ok, permanent, temporary

_log = logging.getLogger("relay.smtp")

COMMAND_OCTETS = 4096
"""Longest command line with its CRLF; RFC 5321 §4.5.3.1.4 asks for 512, extensions for more."""
READ_AHEAD_OCTETS = 256 * 1024
"""The client is not read further while so much waits unread."""
TURN = 50
"""Commands worked off in one go before other sessions have their turn."""
CLOSE_S = 5.0
"""What a closed connection has to take the last replies."""
MOST_UNKNOWN = 10


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
    live: set[BaseSession] = field(default_factory=set)
    stopping: bool = False


class BaseSession(SMTP):
    """Reading, replying, STARTTLS and DATA; subclasses decide about mail.

    Commands are methods named ``do_VERB(argument)``; they return a Status, or
    None if they have replied themselves.
    """

    shared: Shared
    verbs: ClassVar[dict[bytes, str]] = {
        b"HELO": "do_helo",
        b"EHLO": "do_ehlo",
        b"MAIL": "do_mail",
        b"RCPT": "do_rcpt",
        b"DATA": "do_data",
        b"RSET": "do_rset",
        b"NOOP": "do_noop",
        b"VRFY": "do_vrfy",
        b"EXPN": "do_expn",
        b"HELP": "do_help",
        b"QUIT": "do_quit",
        b"STARTTLS": "do_starttls",
        b"BDAT": "do_bdat",
    }

    def __init__(self, shared: Shared, *, implicit_tls: bool = False, loop: asyncio.AbstractEventLoop) -> None:
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
        self.helo = ""
        self.extended = False
        self.peer_address = ""
        self._in = bytearray()
        self._out = bytearray()
        self._more: asyncio.Future[None] | None = None
        self._reading_paused = False
        self._writable = True
        self._drain: asyncio.Future[None] | None = None
        self._commands = 0
        self._eof = False
        self._counted = False
        self._unknown = 0
        self._held_octets = 0
        self.in_transaction = False
        self._transactions = 0
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

    def stop_if_idle(self) -> None:
        """The relay is being stopped: send the client away unless a transaction runs."""
        if not self.in_transaction:
            self._say(temporary(21, 3, 2, f"{self.hostname} is being stopped, try again later"))
            self._flush()
            self.drop()

    def drop(self) -> None:
        """End the session now."""
        self._close()
        self._eof = True
        self._wake()

    # -- the loop ------------------------------------------------------------

    async def _handle_client(self) -> None:
        try:
            await self._greet()
            while True:
                line = await self.read_line()
                if self.shared.stopping and not self.in_transaction:
                    self._say(temporary(21, 3, 2, f"{self.hostname} is being stopped, try again later"))
                    raise Closed
                self._reset_timeout()
                await self._command(line)
                self._commands += 1
                if self._commands % TURN == 0:  # a long pipeline gives others their turn
                    await self._send()
                    await asyncio.sleep(0)
        except Closed:
            pass
        except asyncio.CancelledError:
            raise
        except Exception:
            _log.exception("session with %s failed", self.peer_address)
        finally:
            self._flush()
            self._close()

    async def _greet(self) -> None:
        if not self.shared.sessions.enter(self.peer_address):
            self._say(temporary(21, 7, 0, f"{self.hostname} too many connections, try again later"))
            raise Closed
        self._counted = True
        self.say_line(f"220 {self.hostname} ESMTP".encode())
        self._flush()

    async def _command(self, line: bytes) -> None:
        if not line.endswith(b"\r\n"):
            self._say(permanent(0, 5, 2, "a line must end with CRLF, not with LF alone"))
            return
        verb, _, argument = line[:-2].partition(b" ")
        name = self.verbs.get(verb.upper())
        try:
            if name is None:
                self._unknown_command()
                return
            if b"\r" in argument or b"\0" in argument:
                self._say(permanent(1, 5, 2, "a command must not contain CR or NUL"))
                return
            status = await getattr(self, name)(argument.strip(b" "))
        except (Closed, asyncio.CancelledError):
            raise
        except Exception:
            _log.exception("%s from %s failed", verb[:16], self.peer_address)
            status = UNEXPECTED
        if status is not None:
            self._say(status)

    def _unknown_command(self) -> None:
        self._unknown += 1
        if self._unknown > MOST_UNKNOWN:
            self._say(temporary(21, 7, 0, "too many unknown commands, closing connection"))
            raise Closed
        self._say(permanent(0, 5, 1, "command not known"))

    # -- commands that need no mail ------------------------------------------

    def reset(self) -> None:
        """Forget the running transaction (RSET, EHLO, after DATA)."""
        self.in_transaction = False

    def extensions(self) -> list[str]:
        lines = [
            "PIPELINING",
            f"SIZE {self.shared.message_octets}",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
            f"LIMITS RCPTMAX={self.shared.recipients}",
        ]
        if self.shared.tls is not None and not self.encrypted:
            lines.append("STARTTLS")
        return lines

    async def do_ehlo(self, argument: bytes) -> Status | None:
        refused = self._greeted(argument)
        if refused is not None:
            return refused
        self.extended = True
        lines = [self.hostname, *self.extensions()]
        for i, text in enumerate(lines):
            self.say_line(f"250{'-' if i < len(lines) - 1 else ' '}{text}".encode())
        return None

    async def do_helo(self, argument: bytes) -> Status | None:
        refused = self._greeted(argument)
        if refused is not None:
            return refused
        self.extended = False
        self.say_line(f"250 {self.hostname}".encode())
        return None

    def _greeted(self, argument: bytes) -> Status | None:
        name = argument.decode("ascii", "replace")
        if not name or len(name) > 255 or not name.isprintable() or " " in name:
            return permanent(1, 5, 4, "say EHLO with your host name")
        self.reset()
        self.helo = name
        return None

    async def do_noop(self, argument: bytes) -> Status | None:
        return ok(50, 0, 0, "ok")

    async def do_rset(self, argument: bytes) -> Status | None:
        if argument:
            return permanent(1, 5, 4, "RSET takes no argument")
        self.reset()
        return ok(50, 0, 0, "ok")

    async def do_vrfy(self, argument: bytes) -> Status | None:
        return ok(52, 5, 0, "addresses are not verified here, send mail and see")

    async def do_expn(self, argument: bytes) -> Status | None:
        return permanent(2, 5, 1, "there are no lists to expand here")

    async def do_help(self, argument: bytes) -> Status | None:
        return ok(14, 0, 0, "see RFC 5321")

    async def do_quit(self, argument: bytes) -> Status | None:
        self._say(ok(21, 0, 0, f"{self.hostname} closing connection"))
        raise Closed

    async def do_bdat(self, argument: bytes) -> Status | None:
        # CHUNKING is not offered; what follows is message data and must not be read as commands.
        self._say(permanent(3, 5, 1, "CHUNKING is not offered, closing connection"))
        raise Closed

    async def do_starttls(self, argument: bytes) -> Status | None:
        if self.shared.tls is None:
            return permanent(2, 5, 1, "STARTTLS is not offered")
        if self.encrypted:
            return permanent(3, 5, 1, "the connection is encrypted already")
        if argument:
            return permanent(1, 5, 4, "STARTTLS takes no argument")
        self._say(ok(20, 0, 0, "ready to start TLS"))
        self._flush()
        # What came in plaintext after the command is dropped (RFC 3207 §6): it may be injected.
        self._in.clear()
        transport = self.transport
        assert transport is not None
        try:
            secure = await self.loop.start_tls(
                transport,  # type: ignore[arg-type]
                self,
                self.shared.tls,
                server_side=True,
                ssl_handshake_timeout=30,
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
        self.helo = ""
        self.extended = False
        self.reset()
        self.secured()
        return None

    def secured(self) -> None:
        """The session starts anew over TLS: forget what was learnt in plaintext."""

    # -- mail: answered by subclasses ----------------------------------------

    async def do_mail(self, argument: bytes) -> Status | None:
        raise NotImplementedError

    async def do_rcpt(self, argument: bytes) -> Status | None:
        raise NotImplementedError

    def data_refused(self) -> Status | None:
        """None if DATA may begin."""
        raise NotImplementedError

    async def on_message(self, raw: bytes) -> Status:
        """Decide about a whole message: CRLF lines, dots unstuffed."""
        raise NotImplementedError

    async def do_data(self, argument: bytes) -> Status | None:
        if argument:
            return permanent(1, 5, 4, "DATA takes no argument")
        refused = self.data_refused()
        if refused is not None:
            return refused
        self._transactions += 1
        if self.shared.transactions and self._transactions > self.shared.transactions:
            self._say(temporary(21, 7, 0, "enough transactions for one session, connect again"))
            raise Closed
        self.say_line(b"354 end with <CRLF>.<CRLF>")
        deadline = self.loop.time() + self.shared.data_timeout_s
        self._reset_timeout(self.shared.data_timeout_s)
        raw = await self._read_data(deadline)
        self._reset_timeout(self.shared.data_timeout_s)
        try:
            return raw if isinstance(raw, Status) else await self.on_message(raw)
        finally:
            self.shared.budget.give(self._held_octets)
            self._held_octets = 0
            self.reset()
            self._reset_timeout()

    async def _read_data(self, deadline: float) -> bytes | Status:
        """All octets up to ``CRLF . CRLF``; nothing else ends a message (RFC 5321 §4.1.1.4)."""
        buffer = self._in
        buffer[:0] = b"\r\n"  # so that an empty message and a dot on the first line are no special cases
        start = 0
        refused: Status | None = None
        while (end := buffer.find(b"\r\n.\r\n", start)) < 0:
            refused = refused or self._room(len(buffer))
            if refused is not None and len(buffer) > 4:
                del buffer[:-4]
            start = max(0, len(buffer) - 4)
            await self._wait()
            if self.loop.time() > deadline:
                self._say(temporary(21, 4, 2, "the message took too long, closing connection"))
                raise Closed
        refused = refused or self._room(end)
        raw = b"" if refused else bytes(memoryview(buffer)[: end + 2])
        del buffer[: end + 5]
        if refused is not None:
            return refused
        if b"\r\n." in raw:
            raw = raw.replace(b"\r\n.", b"\r\n")
        return raw[2:]

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
