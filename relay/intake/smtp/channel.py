"""The connection below an SMTP session: bytes in and out, time limits, TLS, closing.

The client's bytes are gathered in one bounded buffer and worked off where they
arrive, without a task or a future for each command; replies go out together,
and a client that does not read is neither read nor kept for long. The protocol
object above it is aiosmtpd's (``relay.intake.smtp.front``).
"""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Coroutine
from typing import Any, Final

from relay.intake.smtp.shared import Closed, Severed, Shared
from relay.intake.smtp.shares import Account, network_of
from relay.intake.smtp.tls_layer import TlsLayer
from relay.mail.status import Status, permanent, temporary

_log = logging.getLogger("relay.smtp")

COMMAND_OCTETS: Final = 4096
"""Longest command line with its CRLF; RFC 5321 §4.5.3.1.4 asks for 512, extensions for more."""
READ_AHEAD_OCTETS: Final = 64 * 1024
"""The client is not read further while so much waits unread."""
CLOSE_S: Final = 5.0
"""What a closed connection has to take the last replies."""
DRAIN_OCTETS: Final = 1024 * 1024
"""What is still read, and thrown away, from a client that was sent away in the midst of sending."""
HANDSHAKE_S: Final = 30.0
TOO_MUCH: Final = temporary(52, 3, 1, "too much mail at once, try again later")


class ClientConnection:
    """One client's connection."""

    def __init__(self, shared: Shared, *, implicit_tls: bool, loop: asyncio.AbstractEventLoop) -> None:
        self.shared = shared
        self.loop = loop
        self.hostname = shared.hostname
        self.transport: Any = None
        self.encrypted = False
        self._implicit_tls = implicit_tls
        """TLS comes first, then the greeting (RFC 8314)."""
        self._tls: TlsLayer | None = None
        self.settled = False
        """Its connection stays in this process: another one passed it on."""
        self.peer_address = ""
        self.network = ""
        self.visitor = Account()
        """What the client's network has."""
        self.charged = self.visitor
        """Whose memory its messages are."""
        self.known = False
        """It has logged in, or its address is enough."""
        self.in_transaction = False
        self.deciding = False
        """A whole message has been taken and its reply is to come: cut off now, the client would send it again."""
        self._in = bytearray()
        self._out = bytearray()
        self._busy = False
        """A command is not answered yet; what comes in meanwhile waits."""
        self._working = False
        self._job: asyncio.Task[None] | None = None
        self._reading_paused = False
        self._writable = True
        self._ended = False
        """The client sends no more; it may still read."""
        self._deaf = False
        """The client was sent away; what it still sends is thrown away."""
        self._drained = 0
        self._counted = False
        self._weighed = False
        """Stands in the balance among processes."""
        self.held_octets = 0
        self._heard_at = 0.0
        self.moved_at = 0.0
        """When it came, or last brought a message."""
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._timer_at = 0.0

    # -- asyncio's hooks ---------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        balance = self.shared.balance
        if balance is not None:
            if not self.settled and balance.passed_on(self.shared.role, transport):
                transport.close()
                return
            balance.opened()
            self._weighed = True
        peer = transport.get_extra_info("peername")
        self.peer_address = str(peer[0]) if peer else "local"
        self.network = network_of(self.peer_address)
        self.moved_at = self.loop.time()
        self.shared.live.add(self)
        if not self._enter():
            if not self._implicit_tls:  # before a handshake nothing can be said
                self._say(temporary(21, 7, 0, f"{self.hostname} too many connections, try again later"))
                self._flush()
            self._close()
        elif self._implicit_tls:
            self._begin_tls()
        else:
            self._reset_timeout()
            self.guard(self.greet)

    def _enter(self) -> bool:
        """Take a place among the sessions, from the first octet on; whether there is one."""
        account = self.shared.sessions.enter(self.network)
        if account is None:
            return False
        self.visitor = self.charged = account
        self._counted = True
        return True

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._job is not None:
            self._job.cancel()
        self.shared.live.discard(self)
        if self._weighed and self.shared.balance is not None:
            self._weighed = False
            self.shared.balance.closed()
        if self._counted:
            self._counted = False
            self.shared.sessions.leave(self.network, self.visitor)
        self.give_octets()
        self.transport = None
        self.in_transaction = self.deciding = False

    def data_received(self, data: bytes) -> None:
        tls = self._tls
        if self._deaf:
            self._drain(len(data))
            return
        if tls is None:
            self._received(data)
            return
        if tls.ended:
            return
        try:
            plaintext = self._decrypted(tls, data)
        except OSError as error:  # ssl.SSLError is one
            self._tls_failed(tls, error)
            return
        if plaintext:
            self._received(plaintext)
        if tls.ended and not self.eof_received():
            self._close()

    def _received(self, data: bytes) -> None:
        self._in += data
        if not self._busy and self._writable:
            self.guard(self.work)
        elif len(self._in) > READ_AHEAD_OCTETS and not self._reading_paused and self.transport is not None:
            self._reading_paused = True
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        """The client doesn't read: it is not read either."""
        self._writable = False
        if not self._reading_paused and self.transport is not None and not self.transport.is_closing():
            self._reading_paused = True
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        self._writable = True
        if not self._busy:
            self.guard(self.work)

    def eof_received(self) -> bool:
        """The client sends no more; what it asked for before is answered, if it waits for that. True keeps it open."""
        self._ended = True
        return not self._deaf and (self._busy or not self._writable)

    # -- the work ----------------------------------------------------------------

    @abstractmethod
    def greet(self) -> None:
        """Say the first line; raises Closed."""

    @abstractmethod
    def work(self) -> None:
        """Work off what is in the buffer, as far as it goes; raises Closed."""

    def guard(self, step: Any) -> None:
        """Run a step of the session and send what it said; the end of the session is handled here."""
        if self._working or self.transport is None or self.transport.is_closing():
            return
        self._working = True
        try:
            step()
        except Closed as closed:
            self._flush()
            self._close(drain=isinstance(closed, Severed))
            return
        except Exception:
            self._failed()
            return
        finally:
            self._working = False
        self._flush()
        if self._ended and not self._busy and self._writable:
            self._close()
        elif self._reading_paused and not self._busy and self._writable:
            self._reading_paused = False
            self.transport.resume_reading()

    def _failed(self) -> None:
        """What nobody foresaw is temporary."""
        _log.exception("session with %s failed", self.peer_address)
        self._say(temporary(21, 3, 0, f"{self.hostname} internal error, try again later"))
        self._flush()
        self._close()

    def suspend(self) -> None:
        """The running command is answered later: nothing more is worked off until ``resume``."""
        self._busy = True

    def resume(self) -> None:
        """Go on with what came in meanwhile."""
        self._busy = False
        if not self._working:
            self.guard(self.work)

    def start(self, job: Coroutine[Any, Any, None]) -> None:
        """Run a command that has to wait; it calls ``resume`` when it is through."""
        self.suspend()
        self._job = self.loop.create_task(self._run(job))

    async def _run(self, job: Coroutine[Any, Any, None]) -> None:
        try:
            await job
        except Closed:
            self._flush()
            self._close()
        except asyncio.CancelledError:
            raise
        except Exception:
            self._failed()

    # -- time --------------------------------------------------------------------

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Move the deadline. The timer is not touched unless it would fire too late: it looks again when it fires."""
        self._heard_at = self.loop.time()
        self._deadline = self._heard_at + (duration or self.shared.command_timeout_s)
        if self._timer is None or self._deadline < self._timer_at:
            self._arm()

    def end_by(self, deadline: float) -> None:
        """Nothing said meanwhile moves the deadline beyond this."""
        if deadline < self._deadline:
            self._deadline = deadline
            if deadline < self._timer_at:
                self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._deadline
        self._timer = self.loop.call_at(self._deadline, self._timed_out)

    @abstractmethod
    def more_time(self) -> float:
        """Seconds that a client whose time is over gets on top, since what it sends keeps coming; 0: none."""

    def _timed_out(self) -> None:
        if self.transport is None:
            return
        if self.loop.time() < self._deadline:
            self._arm()
            return
        more_s = self.more_time()
        if more_s:
            self._deadline = self.loop.time() + more_s
            self._arm()
            return
        self._say(temporary(21, 4, 2, f"{self.hostname} timeout, closing connection"))
        self._flush()
        self._close()

    # -- reading and writing -----------------------------------------------------

    def _say(self, status: Status) -> None:
        # The text may hold what the client sent, also with SMTPUTF8; nothing in it may command who shows it.
        reply = status.reply
        if not reply.isprintable():
            reply = "".join(c if c.isprintable() else "?" for c in reply)
        self._out += f"{reply}\r\n".encode("utf-8", "replace")

    def say_line(self, line: bytes) -> None:
        self._out += line + b"\r\n"

    def _flush(self) -> None:
        """Send what was said; during the handshake nothing can be."""
        if not self._out:
            return
        octets, tls = bytes(self._out), self._tls
        self._out.clear()
        if self._deaf:
            return
        if tls is None:
            self._send(octets)
        elif tls.established:
            try:
                self._send(tls.seal(octets))
            except OSError as error:
                self._tls_failed(tls, error)

    def _send(self, octets: bytes) -> None:
        if octets and self.transport is not None:
            self.transport.write(octets)

    def _close(self, *, drain: bool = False) -> None:
        transport = self.transport
        if transport is None or transport.is_closing() or self._deaf:
            return
        self._busy = True  # nothing more is worked off
        if self._tls is not None:
            self._send(self._tls.close())
        if drain and not self._ended:
            self._stop_listening(transport)
            return
        transport.close()
        if transport.get_write_buffer_size():
            # A client that does not read must not keep its place beyond this.
            self.loop.call_later(CLOSE_S, transport.abort)

    def _stop_listening(self, transport: Any) -> None:
        """Close our half only: what is unread when a socket is closed may cost the client the last reply."""
        self._deaf = True
        self._in.clear()
        self.in_transaction = False
        transport.write_eof()
        if self._reading_paused:
            self._reading_paused = False
            transport.resume_reading()
        self.loop.call_later(CLOSE_S, transport.abort)

    def _drain(self, octets: int) -> None:
        self._drained += octets
        if self._drained > DRAIN_OCTETS:
            self.transport.abort()

    def take_line(self) -> bytes | None:
        """One command line with its line end; None if there is none yet. Raises Closed."""
        end = self._in.find(b"\n", 0, COMMAND_OCTETS)
        if end >= 0:
            line = bytes(self._in[: end + 1])
            del self._in[: end + 1]
            return line
        if len(self._in) >= COMMAND_OCTETS:
            self._say(permanent(0, 5, 6, f"line longer than {COMMAND_OCTETS} octets, closing connection"))
            raise Severed
        return None

    def drop(self) -> None:
        """End the session now."""
        self._close()
        if self._deaf and self.transport is not None:
            self.transport.abort()

    @property
    def quiet_since(self) -> float:
        """When it last said anything, a stranger anything of use; 0 while it is answered, or sends a message."""
        if self._busy or self.reading_since:
            return 0.0
        return self._heard_at if self.known else self.moved_at

    @property
    @abstractmethod
    def reading_since(self) -> float:
        """When the message that is on its way in began; 0 without one."""

    @abstractmethod
    def give_way(self) -> None:
        """Give up the message that is on its way in, for others' sake."""

    def leave(self) -> None:
        """Give the session's place to another."""
        if self._tls is None or self._tls.established:
            self._say(temporary(21, 7, 0, f"{self.hostname} too many connections, try again later"))
            self._flush()
        self._close()

    def stop_if_idle(self) -> None:
        """The relay is being stopped: send the client away unless a transaction runs."""
        if not self.in_transaction:
            self.stop()

    def stop(self) -> None:
        """Send the client away, whatever it is about (RFC 5321 §3.8)."""
        if self.transport is None or self.transport.is_closing():
            return
        self._say(temporary(21, 3, 2, f"{self.hostname} is being stopped, try again later"))
        self._flush()
        self.drop()

    # -- TLS ---------------------------------------------------------------------

    def _begin_tls(self) -> None:
        """What comes from now on is TLS; the session goes on once its handshake is done."""
        context = self.shared.tls
        assert context is not None
        self._tls = TlsLayer(context)
        self._reset_timeout(min(HANDSHAKE_S, self.shared.command_timeout_s))

    def start_tls(self) -> None:
        """Go on over TLS after the ``220``; what came in plaintext behind the command is dropped."""
        self._flush()
        # RFC 3207 §6: it may be injected.
        self._in.clear()
        self._begin_tls()

    @abstractmethod
    def secured(self) -> None:
        """The session starts anew over TLS: forget what was learnt in plaintext (RFC 3207 §4.2)."""

    def _decrypted(self, tls: TlsLayer, records: bytes) -> bytes:
        established = tls.established
        plaintext = tls.receive(records)
        if tls.established and not established:
            self.encrypted = True
            self._reset_timeout()
            self.guard(self.greet if self._implicit_tls else self.secured)
        self._send(tls.outgoing())
        return plaintext

    def _tls_failed(self, tls: TlsLayer, error: OSError) -> None:
        left_out = self.shared.tls_lines.take()
        if left_out is not None:
            more = f" (and of {left_out} more, whose lines are left out)" if left_out else ""
            _log.info("client=%s TLS failed: %s%s", self.peer_address, error, more)
        self._send(tls.outgoing())
        self._close()

    # -- octets in memory --------------------------------------------------------

    def room_for(self, octets: int) -> Status | None:
        """Keep the shared budget in step with what this session holds; a Status if it can't hold so much."""
        grown = octets - self.held_octets
        if octets > self.shared.message_octets:
            return self.too_large()
        if grown > 0:
            budget = self.shared.budget
            if not budget.take(self.charged, grown) and not budget.take_from_others(self, grown):
                return TOO_MUCH
            self.held_octets = octets
        return None

    def too_large(self) -> Status:
        return permanent(52, 3, 4, f"the message is larger than {self.shared.message_octets} octets")

    def give_octets(self) -> None:
        """What this session held is free again."""
        self.shared.budget.give(self.charged, self.held_octets)
        self.held_octets = 0
