"""A site: one set of MX hosts, its ready queue, its connections and limits.

All state belongs to the event loop's thread. A connection is opened for every
ready parcel that no idle or opening one will take, within the site's window and
the relay's total.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Protocol

from msgspec.structs import replace

from relay.delivery.outcome import Bounced, Outcome, Reach, Retry, Returned
from relay.delivery.smtp.courier import Courier
from relay.delivery.smtp.envelope import in_steps
from relay.delivery.smtp.handshake import Unreachable
from relay.delivery.smtp.judge import Log
from relay.delivery.smtp.limits import SiteLimits
from relay.delivery.smtp.parcel import MOST_RECIPIENTS, Copy, Parcel
from relay.delivery.smtp.route import Route
from relay.delivery.smtp.session import Session
from relay.mail.status import UNEXPECTED, temporary

FORESEEN = 16
"""Parcels next in turn that may be prepared along with another."""


IN_STEP_S = 86_400.0
"""So long a site gets each envelope by itself after a session broke with one behind a message."""

NO_PIPELINING_S = 600.0
"""So long a site gets each command by itself after a session broke over several at once."""


class Hub(Protocol):
    """What a site needs of the engine."""

    messages_per_connection: int
    together: int
    """Copies in a full set for signing; 0: each is signed by itself."""
    places: Callable[[], int]
    """Copies that can be prepared now almost for nothing, along with what is being prepared."""
    look_ahead: bool
    """Signing runs beside the loop: the next parcel is prepared while one is on the wire."""
    idle_s: float
    log: Log

    def now(self) -> float:
        """Monotonic seconds."""

    def wall(self) -> float:
        """Seconds UTC."""

    async def open(self, route: Route) -> Session:
        """Raises Unreachable."""

    def fruitless(self, route: Route, session: Session) -> None:
        """The session took nothing: others of the site have their turn (RFC 5321 §5.1)."""

    def reserve(self, site: Site) -> bool:
        """A place among all connections; False: the site is asked again when one is free."""

    def release(self, site: Site) -> None: ...

    def wanted(self, site: Site) -> bool:
        """Other sites wait for a connection."""

    def crowded(self, site: Site, served: int) -> bool:
        """Others wait, and this site's connection has had its turn."""


class Site:
    """Created by the engine with the first copy, dropped when nothing is left to remember."""

    def __init__(self, route: Route, limits: SiteLimits, hub: Hub) -> None:
        self.route = route
        self.limits = limits
        self.hub = hub
        self.ready: deque[Parcel] = deque()
        self.most_recipients = MOST_RECIPIENTS
        """In a transaction; less once the remote said that it takes fewer."""
        self._in_step_until = 0.0
        self._unpiped_until = 0.0
        self.idle: list[Courier] = []
        self.couriers: set[Courier] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self._failure: Retry | None = None
        """Why the site is left alone, told to those who come meanwhile."""
        self.closing = False
        self.opening: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        """Open and opening."""
        return len(self.tasks)

    @property
    def waiting(self) -> int:
        """Copies that no connection has taken yet."""
        return sum(len(parcel.copies) for parcel in self.ready)

    @property
    def forgettable(self) -> bool:
        if self.ready or self.tasks or not self.overlaps or not self.pipelines:
            return False
        return not self.limits.troubled or self.limits.down_until + 3600 < self.hub.now()

    # -- copies ----------------------------------------------------------------------

    def submit(self, copy: Copy) -> None:
        if self.limits.down_until > self.hub.now():
            copy.end(self._put_off())
            return
        if self.ready and self.ready[-1].add(copy, self.most_recipients):
            return
        self.ready.append(Parcel([copy]))
        self.grow()

    def take(self) -> Parcel | None:
        return self.ready.popleft() if self.ready else None

    def begin_along(self, now: float, eight_bit: bool) -> None:
        """Prepare those that come next too, where that makes a set for signing full.

        A set that is begun is filled; if none is and the next in turn isn't prepared, one is begun that will be full.
        """
        hub = self.hub
        if not hub.places() and (len(self.ready) < hub.together or not hub.together or self.ready[0].begun):
            return
        for parcel in islice(self.ready, FORESEEN):
            if parcel.light and not parcel.begun:
                with suppress(Exception):  # it is told when its turn comes
                    parcel.begin(now, eight_bit)
                if not hub.places():
                    return

    def put_back(self, parcel: Parcel) -> None:
        """A parcel that was taken but not tried; it keeps its place."""
        if self.closing:
            parcel.end(Returned())
        elif parcel.copies:
            self.ready.appendleft(parcel)

    def put_again(self, copies: list[Copy]) -> None:
        """Copies whose transaction came to nothing: at once by another connection, before all others."""
        if self.closing:
            Parcel(copies).end(Returned())
            return
        again: list[Parcel] = []
        for copy in copies:
            if not again or not again[-1].add(copy, self.most_recipients):
                again.append(Parcel([copy]))
        self.ready.extendleft(reversed(again))

    def drain(self, outcome: Outcome) -> None:
        """End everything that is ready."""
        waiting, self.ready = self.ready, deque()
        for parcel in waiting:
            parcel.end(outcome)

    # -- connections -----------------------------------------------------------------

    @property
    def overlaps(self) -> bool:
        """An envelope may go out behind the message before it."""
        return self._in_step_until <= self.hub.now()

    def stumbled(self, session: Session) -> None:
        """A session broke with an envelope behind a message: the remote may not be up to it; it gets none for a day."""
        if self.overlaps:
            self.hub.log("site-in-step", {"site": self.route.site, "remote": session.remote, "cause": session.broken})
        self._in_step_until = self.hub.now() + IN_STEP_S

    @property
    def pipelines(self) -> bool:
        """Several commands may go out at once, where that is offered (RFC 2920)."""
        return self._unpiped_until <= self.hub.now()

    def unpiped(self, session: Session) -> None:
        """What a session broke over may be its PIPELINING: the next ones do without for a while."""
        if self.pipelines:
            self.hub.log("site-unpiped", {"site": self.route.site, "remote": session.remote, "cause": session.broken})
        self._unpiped_until = self.hub.now() + NO_PIPELINING_S

    def grow(self) -> None:
        """Wake idle connections, or open new ones, while copies are ready."""
        spare = len(self.ready)
        while spare and self.idle:
            self.idle.pop().wake()
            spare -= 1
        while spare > len(self.opening) and self.connections < self.limits.window and not self.closing:
            if not self.hub.reserve(self):
                return
            task = asyncio.get_running_loop().create_task(self._connection())
            self.tasks.add(task)
            self.opening.add(task)
            task.add_done_callback(self._gone)

    async def _connection(self) -> None:
        """The life of one connection."""
        session = await self._open()
        if session is None:
            return
        courier = Courier(self, session)
        self.couriers.add(courier)
        try:
            await courier.run()
        finally:
            self.couriers.discard(courier)
            session.close()
            if session.transactions and not self.closing:
                if not session.fruitful:
                    self._fruitless(session)
                elif not session.useful:
                    self.hub.fruitless(self.route, session)

    async def _open(self) -> Session | None:
        """None: the site could not be reached, and that has been dealt with."""
        try:
            session = await self.hub.open(self.route)
            if not self.pipelines:
                session.features = in_steps(session.features)
            return session
        except Unreachable as error:
            self._unreachable(error.outcome)
        except Exception as error:
            self.hub.log("connection-failed", {"site": self.route.site, "cause": repr(error)})
            self._unreachable(Retry(UNEXPECTED, "", Reach.SITE))
        finally:
            task = asyncio.current_task()
            if task is not None:
                self.opening.discard(task)
        return None

    def answered(self) -> None:
        """A transaction got its answer: the site works."""
        self.limits.answered()
        if self.ready and self.connections < self.limits.window:
            self.grow()

    def close(self) -> None:
        """Hand back what is ready; end connections after their running transaction."""
        self.closing = True
        self.drain(Returned())
        for task in self.opening:
            task.cancel()
        for courier in self.couriers:
            courier.stop()

    def _gone(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.hub.log("connection-failed", {"site": self.route.site, "cause": repr(task.exception())})
        self.opening.discard(task)
        self.hub.release(self)
        if self.ready:
            self.grow()

    def _unreachable(self, outcome: Retry | Bounced) -> None:
        if isinstance(outcome, Bounced):
            self.drain(outcome)
        elif self.limits.unreachable(len(self.tasks) - 1, self.hub.now()):
            self._down(outcome)

    def _fruitless(self, session: Session) -> None:
        self.hub.fruitless(self.route, session)
        if self.limits.fruitless(self.hub.now()):
            status = temporary(51, 4, 2, f"{session.remote} answers no transaction: {session.broken}"[:500])
            self._down(Retry(status, session.remote, Reach.SITE))

    def _down(self, outcome: Retry) -> None:
        """The site is dead for now: all that wait are put off together."""
        back_off_s = self.limits.down_until - self.hub.now()
        self.hub.log("site-down", {"site": self.route.site, "back_off_s": back_off_s, "status": outcome.status})
        self._failure = outcome
        self.drain(replace(outcome, not_before=self.hub.wall() + back_off_s))

    def _put_off(self) -> Retry:
        not_before = self.hub.wall() + self.limits.down_until - self.hub.now()
        if self._failure is None:
            return Retry(temporary(51, 4, 1, "the site is left alone for a while"), "", Reach.SITE, not_before)
        return replace(self._failure, not_before=not_before)
