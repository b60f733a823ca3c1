"""One SMTP session: the commands that need no mail, DATA, BDAT, and what comes between.

Commands are taken from the connection's buffer as long as whole lines are
there and their replies written together, which makes pipelining (RFC 2920)
cheap. Subclasses answer for mail.
"""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, Final

from relay.intake.smtp.body import Body, Chunk, Dotted
from relay.intake.smtp.channel import TOO_MUCH, ClientConnection
from relay.intake.smtp.shared import Closed, Severed, Shared
from relay.mail.scan import find_bare
from relay.mail.status import STORE_AWAY, UNEXPECTED, Class, Status, ok, permanent, temporary
from relay.store.words import StoreFault, fault

_log = logging.getLogger("relay.smtp")

TURN: Final = 50
"""Commands worked off in one go before other sessions have their turn."""
MOST_FAULTS: Final = 10
"""Unknown or malformed commands in a session."""
MOST_REFUSED: Final = 2500
"""Refusals that a stranger gets in a session; tenants' applications may be refused as often as they like."""
MOST_IDLE: Final = 5000
"""Commands that need no mail, between two messages."""
LARGEST_CHUNK_DIGITS: Final = 18
SLOWEST_OCTETS_S: Final = 2048
"""A message that keeps coming at this rate has more time than one that trickles (RFC 5321 §4.5.3.2)."""
IN_CHUNKS: Final = permanent(3, 5, 1, "a message was begun with BDAT, go on with BDAT")
OTHER_PROTOCOLS: Final = frozenset(b"GET POST PUT HEAD DELETE OPTIONS PATCH TRACE CONNECT PRI".split())
"""Verbs of HTTP: a browser or a server that was tricked into it may carry commands in what it sends next."""


class BaseSession(ClientConnection):
    """Commands are methods ``do_VERB(argument)``: a Status, or None if they have replied themselves or will."""

    verbs: ClassVar[dict[bytes, str]] = {
        b"HELO": "do_helo",
        b"EHLO": "do_ehlo",
        b"MAIL": "do_mail",
        b"RCPT": "do_rcpt",
        b"DATA": "do_data",
        b"BDAT": "do_bdat",
        b"RSET": "do_rset",
        b"NOOP": "do_noop",
        b"VRFY": "do_vrfy",
        b"EXPN": "do_expn",
        b"HELP": "do_help",
        b"QUIT": "do_quit",
        b"STARTTLS": "do_starttls",
    }

    def __init__(self, shared: Shared, *, implicit_tls: bool = False, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(shared, implicit_tls=implicit_tls, loop=loop)
        self.helo = ""
        self.extended = False
        self._expects: Callable[[bytes], Status | None] | None = None
        """Takes the next line instead of the command table (AUTH)."""
        self._body: Body | None = None
        self._chunks: bytearray | None = None
        """The message so far, between two BDATs."""
        self._chunks_refused: Status | None = None
        self._message_began = 0.0
        self._seen_at = 0.0
        self._seen_octets = 0
        """How much of the message there was when its time was over last, and when that was."""
        self._read_by = 0.0
        self._faults = 0
        self._refusals = 0
        self._idle = 0
        self._transactions = 0

    # -- the loop ------------------------------------------------------------

    def greet(self) -> None:
        self.say_line(f"220 {self.hostname} ESMTP".encode())

    def work(self) -> None:
        turn = 0
        while not self._busy and self._writable:
            body = self._body
            if body is not None:
                raw = body.take(self._in)
                if raw is None:
                    return
                self._body = None
                self._taken(body, raw)
                continue
            line = self.take_line()
            if line is None:
                return
            self._line(line)
            turn += 1
            if turn >= TURN and self._in:  # a long pipeline gives others their turn
                self.suspend()
                self.loop.call_soon(self.resume)

    def _line(self, line: bytes) -> None:
        if self.shared.stopping and not self.in_transaction:
            self._say(temporary(21, 3, 2, f"{self.hostname} is being stopped, try again later"))
            raise Closed
        self._reset_timeout()
        if self._chunks is not None:
            self.end_by(self._read_by)
        status = self._command(line)
        if status is not None:
            self._say(status)
            if status.klass is Class.PERMANENT and not self.known:
                self._refused_stranger()

    def _command(self, line: bytes) -> Status | None:
        expects = self._expects
        self._expects = None
        if not line.endswith(b"\r\n"):
            return self._fault(permanent(0, 5, 2, "a line must end with CRLF, not with LF alone"))
        if expects is not None:
            return self._asked(b"AUTH", expects, line[:-2])
        verb, _, argument = line[:-2].partition(b" ")
        name = self.verbs.get(verb.upper())
        if name is None:
            return self._unknown_command(verb)
        if b"\r" in argument or b"\0" in argument:
            return self._fault(permanent(1, 5, 2, "a command must not contain CR or NUL"))
        return self._asked(verb, getattr(self, name), argument.strip(b" "))

    def _asked(self, verb: bytes, answer: Callable[[bytes], Status | None], argument: bytes) -> Status | None:
        try:
            return answer(argument)
        except Closed:
            raise
        except Exception as error:
            if fault(error) is StoreFault.AWAY:  # what watches the store says so, once
                return STORE_AWAY
            _log.exception("%s from %s failed", verb[:16], self.peer_address)
            return UNEXPECTED

    def _unknown_command(self, verb: bytes) -> Status:
        if verb in OTHER_PROTOCOLS:
            self._say(permanent(0, 5, 1, "this port speaks SMTP, closing connection"))
            raise Severed
        return self._fault(permanent(0, 5, 1, "command not known"))

    def _fault(self, status: Status) -> Status:
        """Counts what no client sends often."""
        self._faults += 1
        if self._faults > MOST_FAULTS:
            self._say(temporary(21, 7, 0, "too many unknown or malformed commands, closing connection"))
            raise Severed
        return status

    def _refused_stranger(self) -> None:
        self._refusals += 1
        if self._refusals > MOST_REFUSED:
            self._say(temporary(21, 7, 0, "too many refusals for one session, closing connection"))
            raise Severed

    def _without_mail(self) -> None:
        """Counts commands that move nothing on."""
        self._idle += 1
        if self._idle > MOST_IDLE:
            self._say(temporary(21, 7, 0, "too many commands without a message, closing connection"))
            raise Severed

    def expect(self, handler: Callable[[bytes], Status | None]) -> None:
        """Hand the next line (without its line end) to ``handler`` instead of reading it as a command."""
        self._expects = handler

    # -- commands that need no mail ------------------------------------------

    def reset(self) -> None:
        """Forget the running transaction (RSET, EHLO, after DATA)."""
        self.in_transaction = False
        if self._chunks is not None:
            self._chunks = None
            self._chunks_refused = None
            self.give_octets()

    @property
    def most_recipients(self) -> int:
        """In one transaction."""
        return self.shared.recipients

    def extensions(self) -> list[str]:
        lines = [
            "PIPELINING",
            f"SIZE {self.shared.message_octets}",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
            "CHUNKING",
            f"LIMITS RCPTMAX={self.most_recipients}",
        ]
        if self.shared.tls is not None and not self.encrypted:
            lines.append("STARTTLS")
        return lines

    def do_ehlo(self, argument: bytes) -> Status | None:
        refused = self._greeted(argument)
        if refused is not None:
            return refused
        self.extended = True
        lines = [self.hostname, *self.extensions()]
        for text in lines[:-1]:
            self.say_line(f"250-{text}".encode())
        self.say_line(f"250 {lines[-1]}".encode())
        return None

    def do_helo(self, argument: bytes) -> Status | None:
        refused = self._greeted(argument)
        if refused is not None:
            return refused
        self.extended = False
        self.say_line(f"250 {self.hostname}".encode())
        return None

    def _greeted(self, argument: bytes) -> Status | None:
        self._without_mail()
        try:
            name = argument.decode()  # some machines have names of other letters, and say them as they are
        except UnicodeDecodeError:
            name = ""
        if not name or len(name) > 255 or not name.isprintable() or " " in name:
            return permanent(1, 5, 4, "say EHLO with your host name")
        self.reset()
        self.helo = name
        return None

    def do_noop(self, argument: bytes) -> Status | None:
        self._without_mail()
        return ok(50, 0, 0, "ok")

    def do_rset(self, argument: bytes) -> Status | None:
        if argument:
            return permanent(1, 5, 4, "RSET takes no argument")
        self._without_mail()
        self.reset()
        return ok(50, 0, 0, "ok")

    def do_vrfy(self, argument: bytes) -> Status | None:
        self._without_mail()
        return ok(52, 5, 0, "addresses are not verified here, send mail and see")

    def do_expn(self, argument: bytes) -> Status | None:
        self._without_mail()
        return permanent(2, 5, 1, "there are no lists to expand here")

    def do_help(self, argument: bytes) -> Status | None:
        self._without_mail()
        return ok(14, 0, 0, "see RFC 5321")

    def do_quit(self, argument: bytes) -> Status | None:
        self._say(ok(21, 0, 0, f"{self.hostname} closing connection"))
        raise Closed

    def do_starttls(self, argument: bytes) -> Status | None:
        if self.shared.tls is None:
            return permanent(2, 5, 1, "STARTTLS is not offered")
        if self.encrypted:
            return permanent(3, 5, 1, "the connection is encrypted already")
        if argument:
            return permanent(1, 5, 4, "STARTTLS takes no argument")
        self._say(ok(20, 0, 0, "ready to start TLS"))
        self.start_tls()
        return None

    def secured(self) -> None:
        self.helo = ""
        self.extended = False
        self.reset()

    # -- mail: answered by subclasses ----------------------------------------

    @abstractmethod
    def do_mail(self, argument: bytes) -> Status | None: ...

    @abstractmethod
    def do_rcpt(self, argument: bytes) -> Status | None: ...

    @abstractmethod
    def data_refused(self) -> Status | None:
        """None if DATA may begin."""

    @abstractmethod
    def on_message(self, raw: bytes) -> None:
        """Decide about a whole message (CRLF lines, dots unstuffed) and call ``answer``, now or later."""

    # -- the mail object -----------------------------------------------------

    def _may_begin(self) -> Status | None:
        """None if a mail object may begin now; raises Closed if the session had its share of them."""
        refused = self.data_refused()
        if refused is not None:
            return refused
        self._transactions += 1
        if self.shared.transactions and self._transactions > self.shared.transactions:
            self._say(temporary(21, 7, 0, "enough transactions for one session, connect again"))
            raise Closed
        self._reset_timeout(self.shared.data_timeout_s)
        self._message_began = self._seen_at = self._heard_at
        self._seen_octets = 0
        self._read_by = self._deadline
        return None

    def do_data(self, argument: bytes) -> Status | None:
        if argument:
            return permanent(1, 5, 4, "DATA takes no argument")
        if self._chunks is not None:
            return IN_CHUNKS
        refused = self._may_begin()
        if refused is not None:
            return refused
        self.say_line(b"354 end with <CRLF>.<CRLF>")
        self._body = Dotted(self._room)
        return None

    def do_bdat(self, argument: bytes) -> Status | None:
        """RFC 3030 §2. Whatever is wrong with it, its octets must not be read as commands."""
        size, _, last = argument.partition(b" ")
        if not size.isdigit() or len(size) > LARGEST_CHUNK_DIGITS or last.strip(b" ").upper() not in (b"", b"LAST"):
            self._say(permanent(1, 5, 4, "BDAT needs a number of octets, and LAST at the end; closing connection"))
            raise Severed
        refused = self._chunks_refused
        if self._chunks is None:
            refused = self._may_begin()
            self._chunks = bytearray() if refused is None else None
        before = len(self._chunks) if self._chunks is not None else 0
        octets = int(size)
        if before + octets > self.shared.message_octets:
            refused = refused or self.too_large()
            self._let_go()
            if octets > 2 * self.shared.message_octets:
                # Nobody who read EHLO's SIZE means that; to wait for its end would only hold the session.
                self._say(refused)
                raise Severed
        self._body = Chunk(octets, bool(last), before, self._room, refused)
        return None

    def _room(self, octets: int) -> Status | None:
        refused = self.room_for(octets)
        if refused is not None:
            self._let_go()
        return refused

    def _let_go(self) -> None:
        """What there is of a message that is refused isn't kept until its end."""
        if self._chunks is not None:
            self._chunks = bytearray()
        self.give_octets()

    @property
    def reading_since(self) -> float:
        reading = not self._busy and (self._body is not None or self._chunks is not None)
        return self._message_began if reading else 0.0

    def more_time(self) -> float:
        """A slow line is no reason to end a large message; its size bounds how often this is said."""
        now = self.loop.time()
        came = self.held_octets - self._seen_octets
        if not self.reading_since or came < SLOWEST_OCTETS_S * (now - self._seen_at):
            return 0.0
        self._seen_at, self._seen_octets = now, self.held_octets
        more_s = min(self.shared.command_timeout_s, self.shared.data_timeout_s)
        self._read_by = now + more_s
        return more_s

    def give_way(self) -> None:
        if self._body is not None:
            self._body.refuse(TOO_MUCH, self._in)
        if self._chunks is not None:
            self._chunks_refused = TOO_MUCH
        self._let_go()
        _log.info("client=%s its message gave way to others'", self.peer_address)

    def _taken(self, body: Body, raw: bytes) -> None:
        """A body, or a chunk of it, has been read."""
        if isinstance(body, Chunk):
            if body.refused is None and not body.last:
                assert self._chunks is not None
                self._chunks += raw
                self._say(ok(50, 0, 0, f"{len(raw)} octets taken"))
                return
            raw = bytes(self._chunks or b"") + raw
            self._chunks = None
            self._chunks_refused = None
        if body.refused is not None:
            self.answer(body.refused)
            if isinstance(body, Dotted) and not body.clean:
                raise Severed
            if body.refused.permanent and not self.known:
                self._refused_stranger()
            return
        bare = find_bare(raw)
        if bare is not None:
            # Others may see another end of this message, and commands in what follows it (RFC 5321 §2.3.8, §4.1.1.4).
            text = f"a bare {bare[0]} at octet {bare[1]}: lines end with CRLF, and NUL is not allowed"
            self.answer(permanent(54, 6, 0, f"{text}; closing connection"))
            raise Severed
        self._reset_timeout(self.shared.data_timeout_s)
        self.suspend()
        self.deciding = True
        try:
            self.on_message(raw)
        except Exception:
            _log.exception("message from %s failed", self.peer_address)
            self.answer(UNEXPECTED)

    def answer(self, status: Status) -> None:
        """The reply to a whole message; ends the transaction."""
        self.deciding = False
        if self.transport is None:
            return
        self.give_octets()
        self.reset()
        self._idle = 0
        self._reset_timeout()
        if status.klass is Class.OK:
            self.moved_at = self._heard_at
        self._say(status)
        self.resume()
