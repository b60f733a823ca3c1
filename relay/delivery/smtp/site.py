"""A site: one set of MX hosts, its connections and limits. What waits for it stands in its line.

All state belongs to the event loop's thread. A connection is opened for every
ready parcel that no idle or opening one will take, within the site's window and
the relay's total.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from msgspec.structs import replace

from relay.delivery.outcome import Bounced, Reach, Retry
from relay.delivery.smtp.courier import Courier
from relay.delivery.smtp.envelope import in_steps
from relay.delivery.smtp.handshake import Unreachable
from relay.delivery.smtp.limits import SiteLimits
from relay.delivery.smtp.line import CopyLine, Signing
from relay.delivery.smtp.manners import Manners
from relay.delivery.smtp.parcel import Copy
from relay.delivery.smtp.route import Route
from relay.delivery.smtp.session import Session
from relay.mail.status import UNEXPECTED, temporary


class Hub(Signing, Protocol):
    """What a site needs of the engine."""

    messages_per_connection: int
    idle_s: float

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
    """Created by the engine with the first copy, dropped when nothing is left to remember. Its couriers' ``Keeper``."""

    def __init__(self, route: Route, limits: SiteLimits, hub: Hub) -> None:
        self.route = route
        self.limits = limits
        self.hub = hub
        self.idle_s = hub.idle_s
        self.messages_per_connection = hub.messages_per_connection
        self.line = CopyLine(hub)
        self.manners = Manners(route.site, hub.now, hub.log)
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
        return self.line.waiting

    @property
    def forgettable(self) -> bool:
        if self.line.ready or self.tasks or not self.manners.overlaps or not self.manners.pipelines:
            return False
        return not self.limits.troubled or self.limits.down_until + 3600 < self.hub.now()

    # -- copies ----------------------------------------------------------------------

    def submit(self, copy: Copy) -> None:
        if self.limits.down_until > self.hub.now():
            copy.end(self._put_off())
            return
        if self.line.add(copy):
            self.grow()

    # -- connections -----------------------------------------------------------------

    def grow(self) -> None:
        """Wake idle connections, or open new ones, while copies are ready."""
        spare = len(self.line.ready)
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
        courier = Courier(session, self.line, self.manners, self)
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
            if not self.manners.pipelines:
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

    def wanted(self) -> bool:
        """Other sites wait for a connection."""
        return self.hub.wanted(self)

    def crowded(self, served: int) -> bool:
        """They do, and a connection of this site that has served so many messages has had its turn."""
        return self.hub.crowded(self, served)

    def has_others(self) -> bool:
        """It has more than one host."""
        return len(self.route.hosts) > 1

    def answered(self) -> None:
        """A transaction got its answer: the site works."""
        self.limits.answered()
        if self.line.ready and self.connections < self.limits.window:
            self.grow()

    def close(self) -> None:
        """Hand back what is ready; end connections after their running transaction."""
        self.closing = True
        self.line.close()
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
        if self.line.ready:
            self.grow()

    def _unreachable(self, outcome: Retry | Bounced) -> None:
        if isinstance(outcome, Bounced):
            self.line.drain(outcome)
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
        self.line.drain(replace(outcome, not_before=self.hub.wall() + back_off_s))

    def _put_off(self) -> Retry:
        not_before = self.hub.wall() + self.limits.down_until - self.hub.now()
        if self._failure is None:
            return Retry(temporary(51, 4, 1, "the site is left alone for a while"), "", Reach.SITE, not_before)
        return replace(self._failure, not_before=not_before)
