"""One SMTP session: the command loop, the commands that need no mail, and DATA.

Commands are taken from the connection's buffer as long as whole lines are
there and their replies written together, which makes pipelining (RFC 2920)
cheap. Subclasses answer for mail.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import ClassVar

from relay.intake.channel import Channel, Closed, Shared
from relay.mail.status import UNEXPECTED, Status, ok, permanent, temporary

_log = logging.getLogger("relay.smtp")

TURN = 50
"""Commands worked off in one go before other sessions have their turn."""
MOST_UNKNOWN = 10


class BaseSession(Channel, ABC):
    """Commands are methods ``do_VERB(argument)``: a Status, or None if they have replied themselves."""

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
        super().__init__(shared, implicit_tls=implicit_tls, loop=loop)
        self.helo = ""
        self.extended = False
        self._commands = 0
        self._unknown = 0
        self._transactions = 0

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
        await self.secure(self.shared.tls)
        self.helo = ""
        self.extended = False
        self.reset()
        self.secured()
        return None

    def secured(self) -> None:
        """The session starts anew over TLS: forget what was learnt in plaintext."""

    # -- mail: answered by subclasses ----------------------------------------

    @abstractmethod
    async def do_mail(self, argument: bytes) -> Status | None: ...

    @abstractmethod
    async def do_rcpt(self, argument: bytes) -> Status | None: ...

    @abstractmethod
    def data_refused(self) -> Status | None:
        """None if DATA may begin."""

    @abstractmethod
    async def on_message(self, raw: bytes) -> Status:
        """Decide about a whole message: CRLF lines, dots unstuffed."""

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
