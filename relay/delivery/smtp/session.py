"""One open session: pipelined transactions on a transport that aiosmtplib opened.

MAIL, RCPT and DATA go out in one write where PIPELINING is offered (RFC 2920),
then the message in one more, and with it the next transaction's MAIL, RCPT and
DATA if there is one (§3.1: a message may be the first of a group). aiosmtplib
can't pipeline (it drops what arrives past one reply), so this protocol takes
its transport over (``set_protocol``). A recipient's verdict is that of the
first command that was refused for it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence

from relay.delivery.outcome import Bounced, Delivered, Interrupted, Prepared, Reach, Retry, Where
from relay.delivery.smtp.classify import decide, lost
from relay.delivery.smtp.envelope import Addressee, Features, Timeouts, commands_for, stuffed, unfit
from relay.delivery.smtp.reply import Reply, ReplyError, ReplyParser
from relay.mail.status import UNEXPECTED

SLICE_OCTETS = 256 * 1024
"""A larger message is handed to the transport in slices, each waiting for room."""
SLOWEST_OCTETS_S = 16 * 1024
"""A remote that takes a large message at this rate has more time than one that doesn't (RFC 5321 §4.5.3.2.5)."""
LONGEST_DATA = 5
"""Data limits that sending one message may take; its reply has one more."""
QUIT_S = 5.0
QUICK_S = 1.0
"""Only behind a message that is likely answered so soon does another envelope go out: else it would be held up."""


TransactionVerdict = Delivered | Retry | Bounced | Interrupted
Following = Callable[[], "tuple[Sequence[Addressee], Prepared] | None"]
"""Asked right before a message goes out: what may go out right behind it."""


def _nothing() -> None:
    return None


class Session(asyncio.Protocol):
    """One transaction at a time, by one task."""

    def __init__(
        self, transport: asyncio.Transport, remote: str, tls: str, features: Features, timeouts: Timeouts
    ) -> None:
        self.remote = remote
        self.tls = tls
        self.features = features
        self.transactions = 0
        self.fruitful = False
        """A transaction was answered in a way that says that the site works."""
        self._whole = True
        """All that was to be written has been handed to the transport."""
        self.useful = False
        """A recipient was taken, or refused for good; else another host of the site may know better."""
        self.sending = False
        """The message is on its way and not answered: whether it arrives isn't known."""
        self.ahead: Prepared | None = None
        """The copy whose envelope went out behind the last message: the next to ``send``, or the session must end."""
        self.stumbled = False
        """It broke with an envelope ahead, and without a farewell: the remote may not be up to it."""
        self.unpiped = False
        """It broke over an envelope that went out in one write: the remote may not be up to PIPELINING."""
        self.takes = 0
        """Recipients that the remote takes in one transaction, once it said so; 0: not known."""
        self.broken = ""
        """Why the session can't be used any more; empty while it can."""
        self.on_broken: asyncio.Future[bool] | None = None
        """Gets False when the session breaks while it is idle."""
        self._transport = transport
        self._timeouts = timeouts
        self._loop = asyncio.get_running_loop()
        self._parser = ReplyParser()
        self._replies: list[Reply] = []
        """Arrived and not taken yet."""
        self._owed = 0
        """Replies that are to come or not taken yet."""
        self._awaited = 0
        """How many the waiter waits for."""
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._paused = False
        self._cut = False
        self._astray = False
        """More replies came than were asked for: each may belong to another command."""
        self._reset = b""
        self._quick = False
        """The last message was taken, and soon."""
        self._deadline = math.inf
        self._latest = math.inf
        """When the last of several replies must be here."""
        self._each_s = timeouts.command_s
        self._tick_s = min(max(min(timeouts.command_s, timeouts.data_s) / 4, 0.02), 5.0)
        self._timer = self._loop.call_later(self._tick_s, self._tick)
        transport.set_protocol(self)
        if transport.is_closing():
            self._break("connection lost")

    # -- transactions --------------------------------------------------------------

    async def send(
        self, to: Sequence[Addressee], copy: Prepared, following: Following = _nothing
    ) -> list[TransactionVerdict]:
        """One transaction: a verdict for each of ``to``, in order.

        ``following``: of what it returns the envelope goes out behind the message, if that can be (``ahead``).
        The session may be broken afterwards (``broken``); raises nothing.
        """
        if self.ahead is not None:
            replies = await self._take(len(to) + 2)
            self.ahead = None
        else:
            refusal = unfit(self.features, self.remote, to, copy)
            if refusal is not None:
                return [refusal] * len(to)
            commands = commands_for(self.features, to, copy)
            if commands is None:
                # A control character in the envelope: our own fault, and never on the wire.
                return [Retry(UNEXPECTED, self.remote, Reach.MESSAGE)] * len(to)
            replies = await self._envelope(commands)
        self.transactions += 1
        addresses = [one.address for one in to]
        refused = self._judged(replies, addresses)
        if self.features.pipelining and self._broke_over(replies, refused):
            self.unpiped = True
        if None in refused:
            verdict: TransactionVerdict = await self._message(copy, following, addresses)
            if not isinstance(verdict, Delivered) and refused.count(None) > 1:
                verdict = self._of_several(Where.DOT, verdict)
            verdicts: list[TransactionVerdict] = [verdict if one is None else one for one in refused]
        else:
            verdicts = [one for one in refused if one is not None]
        if any(isinstance(one, Delivered | Bounced) for one in verdicts):
            self.useful = True
        if self.broken:
            self.close()
        return verdicts

    async def _envelope(self, commands: list[bytes]) -> list[Reply]:
        """Replies to MAIL, RCPTs, DATA; fewer if the session broke or nothing more could be taken."""
        if not self.features.pipelining:
            return await self._in_steps(commands)
        reset, self._reset = self._reset, b""
        skip = 1 if reset else 0
        replies = await self._ask(reset + b"".join(commands), len(commands) + skip)
        if skip and replies and replies[0].code // 100 == 3:
            self._break(f"RSET was answered {replies[0].line}")
            return []
        return replies[skip:]

    def _broke_over(self, replies: list[Reply], refused: list[Retry | Bounced | Interrupted | None]) -> bool:
        """The envelope came to nothing, and without a farewell."""
        if not self.broken or self.broken.startswith("421") or any(reply.code == 421 for reply in replies):
            return False
        return any(isinstance(one, Interrupted) for one in refused)

    def _of_several(self, step: Where, verdict: Retry | Bounced | Interrupted) -> Retry | Bounced | Interrupted:
        """A reply for all of several recipients that is about one of them: nobody knows which, so each goes alone."""
        if isinstance(verdict, Retry | Bounced) and verdict.reach is Reach.RECIPIENT:
            return Interrupted(lost(step, "answered for one of several", self.remote), alone=True)
        return verdict

    def _judged(self, replies: list[Reply], to: list[str]) -> list[Retry | Bounced | Interrupted | None]:
        """For each recipient why it is refused; None: the remote waits for its message."""
        found = self._each(replies, to)
        first = self.transactions == 1
        # Out of step, a refusal may be meant for a neighbour or for the message before. Alone and first, it can't be.
        told = self._astray or (len(replies) == len(to) + 2 and replies[-1].code // 100 == 2)
        if not told or (first and len(to) == 1):
            return found
        self._break("replies out of step")
        return [Interrupted(lost(Where.RCPT, self.broken, self.remote), alone=len(to) > 1)] * len(to)

    def _each(self, replies: list[Reply], to: list[str]) -> list[Retry | Bounced | Interrupted | None]:
        most = len(to)
        if not replies:
            return [Interrupted(lost(Where.MAIL, self.broken, self.remote))] * most
        if replies[0].code // 100 != 2:
            return [self._refused(Where.MAIL, replies[0], replies, to, to)] * most
        found: list[Retry | Bounced | Interrupted | None] = []
        for address, reply in zip(to, replies[1 : 1 + most], strict=False):
            if reply.code // 100 == 2:
                found.append(None)
            elif reply.code == 452 and None in found:  # RFC 5321 §4.5.3.1.10: the rest in another transaction
                self.takes = found.count(None)
                found.append(
                    Interrupted(Retry(decide(Where.RCPT, reply, self.remote).reason, self.remote, Reach.RECIPIENT))
                )
            else:
                found.append(self._refused(Where.RCPT, reply, replies, to, [address]))
        if len(found) < most:
            found += [Interrupted(lost(Where.RCPT, self.broken, self.remote))] * (most - len(found))
        if None not in found:
            return found
        if len(replies) < most + 2:
            rest: Retry | Bounced | Interrupted = Interrupted(lost(Where.DATA, self.broken, self.remote))
        elif replies[-1].code // 100 != 3:
            rest = self._refused(Where.DATA, replies[-1], replies, to, to)
            if found.count(None) > 1:
                rest = self._of_several(Where.DATA, rest)
        else:
            return self._still_open(found)
        return [rest if one is None else one for one in found]

    def _still_open(
        self, found: list[Retry | Bounced | Interrupted | None]
    ) -> list[Retry | Bounced | Interrupted | None]:
        """The remote waits for the message; a session that a refused recipient broke can't carry it."""
        if not self.broken:
            return found
        return [Interrupted(lost(Where.DATA, self.broken, self.remote)) if one is None else one for one in found]

    async def _in_steps(self, commands: list[bytes]) -> list[Reply]:
        """Without PIPELINING: stop where nothing more can be taken."""
        replies: list[Reply] = []
        if self._reset:
            self._reset = b""
            if not await self._ask(b"RSET\r\n", 1):
                return replies
        for place, command in enumerate(commands):
            if place == len(commands) - 1 and all(reply.code // 100 != 2 for reply in replies[1:]):
                break
            answer = await self._ask(command, 1)
            replies += answer
            if not answer or (place == 0 and answer[0].code >= 400):
                break
        return replies

    def _refused(
        self, step: Where, reply: Reply, replies: list[Reply], to: list[str], about: list[str]
    ) -> Retry | Bounced | Interrupted:
        """``to``: all of the transaction; ``about``: those whom this reply may be about."""
        most = len(to)
        outcome = decide(step, reply, self.remote, about)
        taken = any(one.code // 100 == 2 for one in replies[1 : 1 + most]) and replies[0].code // 100 == 2
        if len(replies) == most + 2 and replies[-1].code // 100 == 3 and not taken:
            # The remote waits for a message although the envelope was refused (RFC 2920 §3.1).
            # An empty one could be delivered, so the connection goes.
            self._break("the remote wants a message without a recipient")
        if any(other.code == 421 for other in replies) or outcome.reach in (Reach.SESSION, Reach.SITE):
            self._break(f"{step} was answered {reply.line}")
        if not taken or step is Where.DATA:
            self._reset = b"RSET\r\n"
        if isinstance(outcome, Retry) and outcome.reach is Reach.SESSION:
            return Interrupted(outcome)
        if outcome.reach is not Reach.SITE:
            self.fruitful = True
        return outcome

    async def _message(self, copy: Prepared, following: Following, to: list[str]) -> Delivered | Retry | Bounced:
        """The mail object and the reply to its final dot."""
        overlaps = self._quick and self.features.pipelining and len(copy.data) < SLICE_OCTETS
        behind = self._envelope_of(following) if overlaps else []
        begun = self._loop.time()
        self.sending = True
        wire = stuffed(copy.data, b"".join(behind), copy.dotless)
        replies = await self._ask(wire, 1, self._timeouts.data_s, len(behind))
        self.sending = False
        reply = replies[0] if replies else None
        self._quick = reply is not None and reply.code // 100 == 2 and self._loop.time() - begun < QUICK_S
        if reply is None or (self._cut and reply.code < 400):
            return lost(Where.DOT, self.broken, self.remote)
        if reply.code // 100 == 2:
            self.fruitful = True
            return Delivered(reply.line, self.remote, self.tls)
        outcome = decide(Where.DOT, reply, self.remote, to)
        if outcome.reach in (Reach.SESSION, Reach.SITE):
            self._break(f"the message was answered {reply.line}")
        else:
            self.fruitful = True
        return outcome

    @property
    def may_have_arrived(self) -> bool:
        """A message is on its way, and its final dot has left."""
        # An envelope may stand behind the message, and alone be what waits.
        return self.sending and self._whole and (self.ahead is not None or not self._transport.get_write_buffer_size())

    def _envelope_of(self, following: Following) -> list[bytes]:
        """The commands to go out behind a message; none if there is nothing, or it is not for this remote."""
        found = following()
        if found is None:
            return []
        to, copy = found
        commands = commands_for(self.features, to, copy)
        if commands is None or unfit(self.features, self.remote, to, copy) is not None:
            return []
        self.ahead = copy
        return commands

    # -- the wire ------------------------------------------------------------------

    async def _ask(self, data: bytes, count: int, limit_s: float = 0.0, later: int = 0) -> list[Reply]:
        """Write, and wait for ``count`` replies; fewer if the session broke. ``later``: more that will be taken."""
        if self.broken:
            return []
        self._owed += count + later
        self._deadline = self._loop.time() + (limit_s or self._timeouts.command_s)
        if len(data) <= SLICE_OCTETS:
            self._transport.write(data)
        else:
            self._whole = False
            await self._write_slices(data, limit_s or self._timeouts.command_s)
            self._whole = True
        return await self._take(count, limit_s)

    async def _take(self, count: int, limit_s: float = 0.0) -> list[Reply]:
        """The next ``count`` replies; fewer if the session broke."""
        if len(self._replies) < count and not self.broken:
            self._awaited = count
            self._each_s = limit_s or self._timeouts.command_s
            self._deadline = self._loop.time() + self._each_s
            self._latest = self._loop.time() + max(self._each_s, self._timeouts.data_s)
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._deadline = math.inf
        taken, self._replies = self._replies[:count], self._replies[count:]
        self._owed -= len(taken)
        return taken

    async def _write_slices(self, data: bytes, limit_s: float) -> None:
        view = memoryview(data)
        begun = self._loop.time()
        for start in range(0, len(view), SLICE_OCTETS):
            if self._paused and not self.broken:
                self._room = self._loop.create_future()
                try:
                    await self._room
                finally:
                    self._room = None
            if self.broken or self._replies:
                # An answer before the final dot (421, or out of step): no use going on.
                self._cut = True
                self._break("an answer before the end of the message")
                return
            latest = begun + min(start / SLOWEST_OCTETS_S, (LONGEST_DATA - 1) * limit_s)
            self._deadline = min(self._loop.time(), latest) + limit_s
            self._transport.write(bytes(view[start : start + SLICE_OCTETS]))

    def data_received(self, data: bytes) -> None:
        if self.broken:
            return
        try:
            replies = self._parser.feed(data)
        except ReplyError as error:
            self._replies += error.before[: self._owed - len(self._replies)]
            self._break(f"the remote sent {error}")
            return
        if not replies:
            return
        self._replies += replies
        if len(self._replies) > self._owed:
            self._overrun()
        elif len(self._replies) < self._owed and self._replies[-1].code == 421:
            self._break(self._replies[-1].line)
        elif self._waiter is not None and not self._waiter.done():
            if len(self._replies) >= self._awaited:
                self._waiter.set_result(None)
            else:  # each command has its time (RFC 5321 §4.5.3.2), though they went out together
                self._deadline = min(self._loop.time() + self._each_s, self._latest)

    def _overrun(self) -> None:
        """Replies that nothing was asked for: a farewell, or out of step."""
        extra = self._replies[self._owed :]
        del self._replies[self._owed :]
        farewell = extra[0].code in (221, 421)
        self._astray = not farewell
        self._break(extra[0].line if farewell else f"a reply that nothing was asked for: {extra[0].line}")

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._break("connection lost")

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def _tick(self) -> None:
        """Coarse, so that no timer is made for each command; late by a quarter at most."""
        if self._loop.time() >= self._deadline:
            self._break("no answer in time")
            self._transport.abort()
        else:
            self._timer = self._loop.call_later(self._tick_s, self._tick)

    def _break(self, why: str) -> None:
        if self.broken:
            return
        self.broken = why
        self.stumbled = self.ahead is not None and not why.startswith("421")
        for waiting in (self._waiter, self._room):
            if waiting is not None and not waiting.done():
                waiting.set_result(None)
        if self.on_broken is not None and not self.on_broken.done():
            self.on_broken.set_result(False)

    async def quit(self) -> None:
        """Take leave (RFC 5321 §4.1.1.10), without waiting long for the answer."""
        if not self.broken:
            await self._ask(b"QUIT\r\n", 1, min(QUIT_S, self._timeouts.command_s))
        self.close()

    def close(self) -> None:
        """Close at once; what is half sent stays half sent."""
        self._timer.cancel()
        self._break("closed")
        if self.sending:
            self._transport.abort()
        else:
            self._transport.close()
