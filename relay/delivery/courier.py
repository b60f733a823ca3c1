"""A courier works one open session: takes copies, sends them, tells outcomes.

While one copy is on the wire the next is rendered and signed, so that RSA in
a thread and the network's waiting overlap.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from relay.delivery.classify import lost
from relay.delivery.outcome import Outcome, Prepared, Reach, Retry, Returned, Where
from relay.delivery.session import Interrupted, Session
from relay.mail.status import UNEXPECTED

if TYPE_CHECKING:
    from relay.delivery.site import Copy, Site

MAX_INTERRUPTIONS = 2
"""A copy whose session died goes to another connection this often, then waits its retry time."""


class Courier:
    """Runs until the site has nothing more, the session breaks, or its turn is over."""

    def __init__(self, site: Site, session: Session) -> None:
        self._site = site
        self._session = session
        self._current: Copy | None = None
        self._next: Copy | None = None
        self._work: asyncio.Future[bool] | None = None
        self.stopping = site.closing
        """End after the current transaction."""

    async def run(self) -> None:
        session = self._session
        try:
            while not (session.broken or self.stopping or self._turn_over()):
                copy, self._next = self._next or self._site.take(), None
                if copy is None:
                    if self._site.hub.wanted(self._site) or not await self._wait():
                        break
                    continue
                self._current = copy
                await self._deliver(copy)
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

    async def _deliver(self, copy: Copy) -> None:
        prepared = await self._prepared(copy)
        if prepared is None:
            return
        if self._session.transactions + 1 < self._site.hub.messages_per_connection and not self.stopping:
            self._next = self._site.take()
            if self._next is not None:
                self._next.prepare(self._site.hub.now(), self._session.features.eight_bit)
        verdict = await self._session.send(copy.attempt.address, prepared)
        if not isinstance(verdict, Interrupted):
            if self._session.fruitful:
                self._site.answered()
            copy.end(verdict)
        elif copy.interruptions < MAX_INTERRUPTIONS:
            copy.interruptions += 1
            self._site.put_back(copy)
        else:
            copy.end(verdict.retry)

    async def _prepared(self, copy: Copy) -> Prepared | None:
        """None: there is nothing to send, and the copy has ended."""
        try:
            prepared = await copy.prepare(self._site.hub.now(), self._session.features.eight_bit)
        except Exception as error:
            self._site.hub.log("prepare-failed", {"to": copy.attempt.address, "cause": repr(error)})
            copy.end(Retry(UNEXPECTED, "", Reach.MESSAGE))
            return None
        if prepared is None:
            copy.end(None)
        return prepared

    def _hand_back(self) -> None:
        """Nothing that was taken may be forgotten, however this ended."""
        if self._next is not None:
            self._site.put_back(self._next)
            self._next = None
        if self._current is not None:
            # Cut off (the engine's grace is over) or an error of our own.
            outcome: Outcome = Returned()
            if self._session.sending:
                outcome = lost(Where.DOT, "cut off while sending", self._session.remote)
            elif not self._site.closing:
                outcome = Retry(UNEXPECTED, self._session.remote, Reach.MESSAGE)
            self._current.end(outcome)
            self._current = None
