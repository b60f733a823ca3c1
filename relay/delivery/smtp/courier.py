"""A courier works one open session: takes parcels, sends them, tells outcomes.

Where RSA runs in threads, the next parcel is rendered and signed while one is
on the wire, so that both overlap.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from relay.delivery.outcome import Attempt, Interrupted, Outcome, Prepared, Reach, Retry, Returned, Where
from relay.delivery.smtp.classify import lost
from relay.delivery.smtp.parcel import Copy, Parcel
from relay.delivery.smtp.session import Session, TransactionVerdict
from relay.mail.status import UNEXPECTED

if TYPE_CHECKING:
    from relay.delivery.smtp.site import Site

MAX_INTERRUPTIONS = 2
"""A copy whose session died goes to another connection this often, then waits its retry time."""


class Courier:
    """Runs until the site has nothing more, the session breaks, or its turn is over."""

    def __init__(self, site: Site, session: Session) -> None:
        self._site = site
        self._session = session
        self._current: Parcel | None = None
        self._next: Parcel | None = None
        self._work: asyncio.Future[bool] | None = None
        self.stopping = site.closing
        """End after the current transaction."""

    async def run(self) -> None:
        session = self._session
        try:
            while not session.broken and (session.ahead is not None or not (self.stopping or self._turn_over())):
                parcel, self._next = self._next or self._site.take(), None
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
        served = self._session.transactions
        hub = self._site.hub
        return served >= hub.messages_per_connection or hub.crowded(self._site, served)

    def _gives_way(self) -> bool:
        """Without work the connection is no use: others wait for one, or the next try is another host's turn."""
        site, session = self._site, self._session
        put_off = session.transactions > 0 and not session.useful
        return site.hub.wanted(site) or (put_off and len(site.route.hosts) > 1)

    async def _wait(self) -> bool:
        """Idle; False: nothing came in time, or the session is over."""
        loop = asyncio.get_running_loop()
        self._work = self._session.on_broken = loop.create_future()
        timer = loop.call_later(self._site.hub.idle_s, self._idle_over, self._work)
        self._site.idle.append(self)
        try:
            return await self._work
        finally:
            timer.cancel()
            self._work = self._session.on_broken = None
            if self in self._site.idle:
                self._site.idle.remove(self)

    @staticmethod
    def _idle_over(work: asyncio.Future[bool]) -> None:
        if not work.done():
            work.set_result(False)

    async def _deliver(self, parcel: Parcel) -> None:
        session = self._session
        prepared = session.ahead
        if prepared is None:
            prepared = await self._prepared(parcel)
            if prepared is None:
                return
            self._prepare_next()
        elif not parcel.still_wanted():
            # The remote waits for its message; there is no other way to take the envelope back.
            session.close()
            self._site.put_back(parcel)
            return
        verdicts = await session.send([copy.attempt for copy in parcel.copies], prepared, self._following)
        if session.takes:
            self._site.most_recipients = min(self._site.most_recipients, session.takes)
        if session.fruitful:
            self._site.answered()
        if session.unpiped:
            self._site.unpiped(session)
        if session.stumbled:
            self._site.stumbled(session)
        self._end(parcel, verdicts)

    def _following(self) -> tuple[list[Attempt], Prepared] | None:
        """What goes next over this connection, if its envelope can go out now: nothing that others need to wait for."""
        site, session = self._site, self._session
        hub = site.hub
        if self.stopping or not site.overlaps or session.transactions >= hub.messages_per_connection:
            return None
        if self._next is None and (not site.ready or (hub.together and not site.ready[0].begun)):
            return None  # begun now it would be signed by itself
        parcel = None if hub.wanted(site) else self._next or site.take()
        if parcel is None:
            return None
        self._next = parcel
        try:
            made = parcel.ready(hub.now(), session.features.eight_bit)
        except Exception as error:
            self._failed(parcel, error)
            made = None
        if made is not None:
            self._begin_next()
            return [copy.attempt for copy in parcel.copies], made
        if not parcel.copies or not hub.look_ahead:
            self._next = None
            site.put_back(parcel)
        return None

    def _begin_next(self) -> None:
        """Signed beside the loop, or in a set, it may be ready to go behind the next message."""
        site = self._site
        if site.hub.together:
            loop = asyncio.get_running_loop()
            loop.call_soon(site.begin_along, site.hub.now(), self._session.features.eight_bit)
        elif site.hub.look_ahead and site.ready and site.ready[0].light:
            with suppress(Exception):  # it is told when its turn comes
                site.ready[0].begin(site.hub.now(), self._session.features.eight_bit)

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
            self._site.put_back(parcel)
        elif again:
            self._site.put_again(again)

    def _prepare_next(self) -> None:
        """Start on the next parcel if this connection may still carry it."""
        hub = self._site.hub
        if not hub.look_ahead or self.stopping or self._session.transactions + 1 >= hub.messages_per_connection:
            return
        self._next = self._site.take()
        if self._next is not None:
            try:
                self._next.begin(hub.now(), self._session.features.eight_bit)
            except Exception as error:
                self._failed(self._next, error)
                self._next = None

    async def _prepared(self, parcel: Parcel) -> Prepared | None:
        """None: there is nothing to send, and its copies have ended."""
        now, eight_bit = self._site.hub.now(), self._session.features.eight_bit
        try:
            parcel.begin(now, eight_bit)
            self._site.begin_along(now, eight_bit)
            if not self._site.hub.together:
                self._begin_next()
            return await parcel.prepared(now, eight_bit)
        except Exception as error:
            self._failed(parcel, error)
            return None

    def _failed(self, parcel: Parcel, error: Exception) -> None:
        for copy in parcel.copies:
            self._site.hub.log("prepare-failed", {"to": copy.attempt.address, "cause": repr(error)})
        parcel.end(Retry(UNEXPECTED, "", Reach.MESSAGE))

    def _hand_back(self) -> None:
        """Nothing that was taken may be forgotten, however this ended."""
        if self._next is not None:
            self._site.put_back(self._next)
            self._next = None
        if self._current is not None:
            # Cut off (the engine's grace is over) or an error of our own.
            outcome: Outcome = Returned()
            if self._session.may_have_arrived:
                outcome = replace(lost(Where.DOT, "cut off", self._session.remote), cut=self._site.closing)
            elif not self._site.closing:
                outcome = Retry(UNEXPECTED, self._session.remote, Reach.MESSAGE)
            self._current.end(outcome)
            self._current = None
