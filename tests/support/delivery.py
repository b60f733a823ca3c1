"""Attempts, an engine with tiny time limits, and a clock, for delivery tests."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

import uvloop

from config.sending import Delivery
from relay.delivery.outcome import Outcome, Prepared
from relay.delivery.smtp.answer import DnsAnswer, Missing
from relay.delivery.smtp.engine import Engine
from relay.delivery.smtp.judge import Judge
from relay.delivery.smtp.resolve import Lookup

T = TypeVar("T")
DATA = b"From: a@example.com\r\nSubject: test\r\n\r\n.dot first\r\nhello\r\n"
WALL = 1_800_000_000.0
PREPARED = Prepared("a@example.com", DATA)
LIMIT_S = 20.0
"""No test waits longer."""


def run(main: Coroutine[Any, Any, T], loop: str = "asyncio") -> T:
    """Run a test's coroutine, bounded, on asyncio's loop or uvloop's."""

    async def bounded() -> T:
        return await asyncio.wait_for(main, LIMIT_S)

    return uvloop.run(bounded()) if loop == "uvloop" else asyncio.run(bounded())


class Clock:
    """Wall and monotonic time that move only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return WALL + self.now - 1000.0


class FixedLookup:
    """DNS from dictionaries; what is in neither is NXDOMAIN."""

    def __init__(
        self, mx: Mapping[str, DnsAnswer] | None = None, addresses: Mapping[str, DnsAnswer] | None = None
    ) -> None:
        self.mx_answers = dict(mx or {})
        self.address_answers = dict(addresses or {})
        self.asked: list[str] = []

    async def mx(self, domain: str, *, fresh: bool = False) -> DnsAnswer:
        self.asked.append(domain)
        return self.mx_answers.get(domain, Missing(True))

    async def addresses(self, host: str, *, fresh: bool = False) -> DnsAnswer:
        return self.address_answers.get(host, Missing(True))


class FakeAttempt:
    """Records how it went; ``outcome`` is a future. ``prepared``: None for a copy that is not wanted any more."""

    def __init__(
        self,
        address: str = "bob@example.net",
        prepared: Prepared | Exception | None = PREPARED,
        *,
        group: object | None = None,
        notify: str = "",
        orcpt: str = "",
        at_once: bool = False,
        typed: bool = False,
    ) -> None:
        self._at_once = at_once
        self.typed = typed
        self.address = address
        self.domain = address.rpartition("@")[2]
        self.group = group
        self.notify = notify
        self.orcpt = orcpt
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.octets = 0
        self.prepared = 0
        self.outcomes: list[Outcome] = []
        self._prepared = prepared

    asks = False

    async def ask(self) -> None:
        raise AssertionError("nothing to ask")

    def wanted(self) -> bool:
        return self._prepared is not None

    still_wanted = wanted

    def withdraw(self) -> None:
        """From now on it is not wanted."""
        self._prepared = None

    def prepare(self, eight_bit: bool, shared: bool) -> Prepared | Coroutine[Any, Any, Prepared]:
        return self._made() if self._at_once else self._made_later()

    async def _made_later(self) -> Prepared:
        return self._made()

    def _made(self) -> Prepared:
        self.prepared += 1
        if isinstance(self._prepared, Exception):
            raise self._prepared
        return self._prepared or PREPARED

    def done(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        if not self.outcome.done():
            self.outcome.set_result(outcome)


class Bench:
    """An engine with its clock and log, closed at the end of the block."""

    def __init__(
        self,
        lookup: Lookup | None = None,
        *,
        verifying: ssl.SSLContext | None = None,
        own_ports: frozenset[int] = frozenset(),
        look_ahead: bool = True,
        together: int = 0,
        places: Callable[[], int] = lambda: 0,
        judge: Judge | None = None,
        clock: Clock | None = None,
        **settings: Any,
    ) -> None:
        self.clock = clock or Clock()
        self.log: list[tuple[str, Mapping[str, object]]] = []
        limits = {"connect_timeout": 5, "command_timeout": 5, "data_timeout": 5, "idle": 5, "allow_private": True}
        self.engine = Engine(
            Delivery(**{**limits, **settings}),
            "relay.test",
            lookup or FixedLookup(),
            self.clock.wall,
            self._logged,
            monotonic=self.clock.monotonic,
            rng=random.Random(1),
            verifying=verifying,
            own_ports=own_ports,
            look_ahead=look_ahead,
            together=together,
            places=places,
            judge=judge,
        )

    def _logged(self, what: str, details: Mapping[str, object]) -> None:
        self.log.append((what, details))

    async def __aenter__(self) -> Bench:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.close(5)
        assert self.engine.backlog == 0
        assert self.engine.connections == 0

    def submit(self, attempt: FakeAttempt) -> FakeAttempt:
        self.engine.submit(attempt)
        return attempt

    async def deliver(self, attempt: FakeAttempt | None = None) -> Outcome:
        """Submit one and wait for its outcome."""
        return await self.submit(attempt or FakeAttempt()).outcome


async def until(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    """Wait for a condition; AssertionError if it doesn't come."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while not condition():
        assert loop.time() < deadline, "the condition did not come"
        await asyncio.sleep(0.002)
