"""A courier works one open session: takes parcels from the line, sends them, tells outcomes.

When a parcel is prepared, and when it is checked, is the line's (``relay.delivery.smtp.line``).
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from msgspec.structs import replace

from relay.delivery.outcome import Attempt, Interrupted, Outcome, Prepared, Reach, Retry, Returned, Where
from relay.delivery.smtp.classify import lost
from relay.delivery.smtp.line import CopyLine
from relay.delivery.smtp.manners import Manners
from relay.delivery.smtp.parcel import Copy, Parcel
from relay.delivery.smtp.session import Session, TransactionVerdict
from relay.mail.status import UNEXPECTED

MAX_INTERRUPTIONS = 2
"""A copy whose session died goes to another connection this often, then waits its retry time."""


class Keeper(Protocol):
    """Whose couriers they are: the site."""

    closing: bool
    idle: list[Courier]
    """Couriers without work, to be woken."""
    idle_s: float
    messages_per_connection: int

    def answered(self) -> None:
        """A transaction got its answer."""

    def wanted(self) -> bool:
        """Other sites wait for a connection."""

    def crowded(self, served: int) -> bool:
        """They do, and this one has had its turn."""

    def has_others(self) -> bool:
        """It has more than one host."""


class Courier:
    """Runs until the line is empty, the session breaks, or its turn is over."""

    def __init__(self, session: Session, line: CopyLine, manners: Manners, keeper: Keeper) -> None:
        self._session = session
        self._line = line
        self._manners = manners
        self._keeper = keeper
        self._current: Parcel | None = None
        self._next: Parcel | None = None
        self._work: asyncio.Future[bool] | None = None
        self.stopping = keeper.closing
        """End after the current transaction."""

    async def run(self) -> None:
        session = self._session
        try:
            while not session.broken and (session.ahead is not None or not (self.stopping or self._turn_over())):
                parcel, self._next = self._next or self._line.take(), None
                if parcel is None:
                    if self._gives_way() or not await self._wait():
                        break
                    continue
                self._current = parcel
                await self._deliver(parcel)
                self._current = None
        finally:
            self._hand_back()
        await session.quit()

    def wake(self) -> None:
        """There is work again."""
        if self._work is not None and not self._work.done():
            self._work.set_result(True)

    def stop(self) -> None:
        """End after the current transaction, at once if there is none."""
        self.stopping = True
        if self._work is not None and not self._work.done():
            self._work.set_result(False)

    def _turn_over(self) -> bool:
        served, keeper = self._session.transactions, self._keeper
        return served >= keeper.messages_per_connection or keeper.crowded(served)

    def _gives_way(self) -> bool:
        """Without work the connection is no use: others wait for one, or the next try is another host's turn."""
        session, keeper = self._session, self._keeper
        put_off = session.transactions > 0 and not session.useful
        return keeper.wanted() or (put_off and keeper.has_others())

    async def _wait(self) -> bool:
        """Idle; False: nothing came in time, or the session is over."""
        loop, keeper = asyncio.get_running_loop(), self._keeper
        self._work = self._session.on_broken = loop.create_future()
        timer = loop.call_later(keeper.idle_s, self._idle_over, self._work)
        keeper.idle.append(self)
        try:
            return await self._work
        finally:
            timer.cancel()
            self._work = self._session.on_broken = None
            if self in keeper.idle:
                keeper.idle.remove(self)

    @staticmethod
    def _idle_over(work: asyncio.Future[bool]) -> None:
        if not work.done():
            work.set_result(False)

    async def _deliver(self, parcel: Parcel) -> None:
        session, line = self._session, self._line
        prepared = session.ahead
        if prepared is None:
            prepared = await line.prepared(parcel, session.features.eight_bit)
            if prepared is None:
                return
            if not self.stopping and session.transactions + 1 < self._keeper.messages_per_connection:
                self._next = line.take_begun(session.features.eight_bit)
        elif not line.still_wanted(parcel):
            # The remote waits for its message; there is no other way to take the envelope back.
            session.close()
            line.put_back(parcel)
            return
        verdicts = await session.send([copy.attempt for copy in parcel.copies], prepared, self._following)
        if session.takes:
            line.most_recipients = min(line.most_recipients, session.takes)
        if session.fruitful:
            self._keeper.answered()
        if session.unpiped or session.stumbled:
            self._manners.learn(session)
        self._end(parcel, verdicts)

    def _following(self) -> tuple[list[Attempt], Prepared] | None:
        """What goes next over this connection, if its envelope can go out now: nothing that others need to wait for."""
        session, keeper, line = self._session, self._keeper, self._line
        if self.stopping or not self._manners.overlaps or session.transactions >= keeper.messages_per_connection:
            return None
        if (self._next is None and not line.at_hand) or keeper.wanted():
            return None
        parcel, self._next = self._next or line.take(), None
        if parcel is None:
            return None
        made = line.at_once(parcel, session.features.eight_bit)
        if made is not None or (parcel.copies and line.looks_ahead):
            self._next = parcel
        else:
            line.put_back(parcel)
        return None if made is None else ([copy.attempt for copy in parcel.copies], made)

    def _end(self, parcel: Parcel, verdicts: list[TransactionVerdict]) -> None:
        """Tell the outcomes; what came to nothing goes again, the second time in company for the last time."""
        copies, parcel.copies = parcel.copies, []
        again: list[Copy] = []
        for copy, verdict in zip(copies, verdicts, strict=True):
            if not isinstance(verdict, Interrupted):
                copy.end(verdict)
            elif verdict.alone or copy.interruptions < MAX_INTERRUPTIONS:
                copy.interruptions += not verdict.alone
                copy.alone = copy.alone or verdict.alone or (len(copies) > 1 and copy.interruptions > 1)
                again.append(copy)
            else:
                copy.end(verdict.retry)
        if len(again) == len(copies) and (len(again) == 1 or not any(copy.alone for copy in again)):
            parcel.copies = again  # what was prepared is still good
            self._line.put_back(parcel)
        elif again:
            self._line.put_again(again)

    def _hand_back(self) -> None:
        """Nothing that was taken may be forgotten, however this ended."""
        if self._next is not None:
            self._line.put_back(self._next)
            self._next = None
        if self._current is not None:
            # Cut off (the engine's grace is over) or an error of our own.
            outcome: Outcome = Returned()
            if self._session.may_have_arrived:
                outcome = replace(lost(Where.DOT, "cut off", self._session.remote), cut=self._keeper.closing)
            elif not self._keeper.closing:
                outcome = Retry(UNEXPECTED, self._session.remote, Reach.MESSAGE)
            self._current.end(outcome)
            self._current = None
