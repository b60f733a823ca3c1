"""The engine: takes attempts, routes them to sites, shares out connections.

Runs on the event loop's thread. It holds what it was given until each has its
outcome; the caller bounds that by ``backlog``.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable

from config.sending import Delivery
from relay.delivery.outcome import Attempt, Bounced, Outcome, Reach, Retry, Returned
from relay.delivery.smtp.connect import ConnectTerms, Nowhere, Opener
from relay.delivery.smtp.envelope import Timeouts
from relay.delivery.smtp.handshake import Unreachable
from relay.delivery.smtp.judge import SITE, Judge, Log
from relay.delivery.smtp.limits import FIRST_BACK_OFF_S, LAST_BACK_OFF_S, SiteLimits
from relay.delivery.smtp.parcel import Copy
from relay.delivery.smtp.resolve import Lookup
from relay.delivery.smtp.route import Route, Router, Routing, read_login
from relay.delivery.smtp.session import Session
from relay.delivery.smtp.site import Site
from relay.delivery.smtp.tls_policy import policy
from relay.mail.status import UNEXPECTED

MAX_SITES = 10_000
"""Sites remembered; the longest unused idle ones go first."""
TURN = 50
"""Messages after which a connection makes room where other sites wait for one."""


class Engine:
    """One for a process; create it inside the running loop or before.

    ``clock`` gives seconds UTC, ``monotonic`` seconds for limits and caches.
    ``verifying`` replaces the system's trust anchors where TLS is required.
    ``own_ports``: ports on which this machine's relay takes mail (loop guard).
    ``look_ahead``: attempts prepare beside the loop, so the next is begun while one is on the wire.
    ``together``: copies in a full set for signing, ``places``: how many fit in one that is begun; 0 if there is none.
    ``judge`` says when what DNS says is final; without it nothing is.
    """

    def __init__(
        self,
        settings: Delivery,
        hostname: str,
        resolver: Lookup,
        clock: Callable[[], float],
        on_log: Log,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
        verifying: ssl.SSLContext | None = None,
        own_ports: frozenset[int] = frozenset(),
        look_ahead: bool = True,
        together: int = 0,
        places: Callable[[], int] = lambda: 0,
        judge: Judge | None = None,
    ) -> None:
        self.messages_per_connection = settings.messages_per_connection
        self.look_ahead = look_ahead
        self.together = together
        self.places = places
        self.idle_s = settings.idle
        self.log = on_log
        self.now = monotonic
        self.wall = clock
        self._settings = settings
        login = read_login(settings.smart_host_user, settings.smart_host_password_file)
        routing = Routing(hostname, settings.port, settings.routes, settings.smart_host, login, settings.allow_private)
        self._router = Router(routing, resolver, monotonic, judge)
        timeouts = Timeouts(settings.command_timeout, settings.data_timeout)
        tls = policy(settings.tls, verifying)
        terms = ConnectTerms(
            hostname,
            settings.connect_timeout,
            timeouts,
            tls,
            settings.source_addresses,
            own_ports,
            settings.allow_private,
        )
        self._opener = Opener(terms, resolver, rng or random.Random(), on_log)
        self._sites: OrderedDict[str, Site] = OrderedDict()
        self._routing: dict[str, list[Copy]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections = 0
        self._waiting: OrderedDict[Site, None] = OrderedDict()
        self._closing = False
        self.backlog = 0
        """Attempts submitted and not yet ended."""

    # -- the caller's side -------------------------------------------------------------

    def submit(self, attempt: Attempt) -> None:
        """Take an attempt. Never blocks; ``done`` may come before this returns."""
        self.backlog += 1
        copy = Copy(attempt, self._ended)
        if self._closing:
            copy.end(Returned())
            return
        domain = attempt.domain
        routed = self._router.known(domain)
        if routed is not None:
            self._dispatch(copy, routed)
        elif domain in self._routing:
            self._routing[domain].append(copy)
        else:
            self._routing[domain] = [copy]
            task = asyncio.get_running_loop().create_task(self._route(domain))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def ahead(self, domain: str) -> int | None:
        """Copies that wait for this domain's site, as far as it is known; None: it is left alone after failures."""
        routed = self._router.known(domain)
        site = self._sites.get(routed.site) if isinstance(routed, Route) else None
        if site is None:
            return 0
        return None if site.limits.down_until > self.now() else site.waiting

    def forgive(self) -> None:
        """Try sites again that are being left alone after failures."""
        for site in self._sites.values():
            site.limits.forgive()

    @property
    def connections(self) -> int:
        """Open and opening connections to all sites."""
        return self._connections

    async def close(self, grace_s: float, hurry: asyncio.Event | None = None) -> None:
        """Take no more; running transactions have ``grace_s`` seconds, or until ``hurry``; the rest is Returned."""
        self._closing = True
        routing, self._routing = self._routing, {}
        for copy in [copy for copies in routing.values() for copy in copies]:
            copy.end(Returned())
        sites = list(self._sites.values())
        for site in sites:
            site.close()
        tasks = {task for site in sites for task in site.tasks} | self._tasks
        if tasks:
            late = await _late(tasks, grace_s, hurry or asyncio.Event())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for site in sites:
            site.line.close()

    # -- routing -----------------------------------------------------------------------

    async def _route(self, domain: str) -> None:
        try:
            typed = all(copy.attempt.typed for copy in self._routing.get(domain, ()))
            routed = await self._router.find(domain, typed=typed)
        except Exception as error:
            self.log("routing-failed", {"domain": domain, "cause": repr(error)})
            routed = Retry(UNEXPECTED, "", Reach.SITE)
        for copy in self._routing.pop(domain, ()):
            self._dispatch(copy, routed)

    def _dispatch(self, copy: Copy, routed: Route | Retry | Bounced) -> None:
        if isinstance(routed, Route):
            self._site(routed).submit(copy)
        else:
            copy.end(routed)

    def _site(self, route: Route) -> Site:
        site = self._sites.get(route.site)
        if site is None:
            site = self._sites[route.site] = Site(route, self._limits(), self)
            if len(self._sites) > MAX_SITES:
                self._forget_one()
        else:
            self._sites.move_to_end(route.site)
            site.route = route
        return site

    def _limits(self) -> SiteLimits:
        retry = self._settings.retry
        first, last = min(FIRST_BACK_OFF_S, retry[0]), min(LAST_BACK_OFF_S, max(retry))
        return SiteLimits(self._settings.connections_per_site, first, max(first, last))

    def _forget_one(self) -> None:
        """The longest unused site without copies and connections."""
        for name, site in self._sites.items():
            if not site.line.ready and not site.tasks:
                del self._sites[name]
                return

    def _ended(self, copy: Copy, outcome: Outcome | None) -> None:
        self.backlog -= 1
        if outcome is None:
            return
        try:
            copy.attempt.done(outcome)
        except Exception as error:
            self.log("outcome-failed", {"to": copy.attempt.address, "cause": repr(error)})

    # -- the sites' side ---------------------------------------------------------------

    async def open(self, route: Route) -> Session:
        try:
            session = await self._opener.open(route)
        except Nowhere as nowhere:
            raise Unreachable(await self._router.judged(SITE + route.site, nowhere.finding)) from nowhere
        self._router.reached(route)
        return session

    def fruitless(self, route: Route, session: Session) -> None:
        self._opener.fruitless(route, session)

    def reserve(self, site: Site) -> bool:
        if self._connections >= self._settings.connections:
            self._waiting[site] = None
            self._shed()
            return False
        self._connections += 1
        return True

    def release(self, site: Site) -> None:
        self._connections -= 1
        if site in self._waiting:
            # It had its turn just now; the others come first.
            self._waiting.move_to_end(site)
        while self._waiting and self._connections < self._settings.connections:
            waiting, _ = self._waiting.popitem(last=False)
            waiting.grow()
        if site.forgettable:
            self._sites.pop(site.route.site, None)

    def wanted(self, site: Site) -> bool:
        return bool(self._waiting) and not (len(self._waiting) == 1 and site in self._waiting)

    def crowded(self, site: Site, served: int) -> bool:
        """Another site waits, and this connection has had its turn or its site more than its share."""
        if not self.wanted(site):
            return False
        share = max(1, self._settings.connections // max(1, len(self._sites)))
        return served >= TURN or (served > 0 and site.connections > share)

    def _shed(self) -> None:
        """Close an idle connection of another site."""
        for site in self._sites.values():
            if site.idle:
                site.idle[0].stop()
                return


async def _late(tasks: set[asyncio.Task[None]], grace_s: float, hurry: asyncio.Event) -> list[asyncio.Task[None]]:
    """Those that have not ended after ``grace_s`` seconds, or when ``hurry`` is set."""
    ended = asyncio.ensure_future(asyncio.wait(tasks))
    hurried = asyncio.ensure_future(hurry.wait())
    await asyncio.wait([ended, hurried], timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
    for waiting in (ended, hurried):
        waiting.cancel()
    return [task for task in tasks if not task.done()]
