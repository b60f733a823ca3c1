"""Calls webhooks as long as the relay runs: one loop for all of them, in the HTTP process.

A turn at the store is made a few times a second where something is on, else
once in a while; nobody is asked for events of whom no tenant wants any. What is
on its way when this process dies was not written down as tried, and is sent
again: an event may come twice, none is lost. One relay calls: who has the lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import random as _random
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from config.settings import Settings
from relay.delivery.smtp.resolve import Resolver
from relay.keys.secrets import Secrets
from relay.queue.operator import Operator
from relay.store.contract import Connection
from relay.store.database import connect
from relay.store.engines import StoreAddress
from relay.store.files import open_small
from relay.store.thread import to_its_end
from relay.store.words import failed
from relay.webhooks import turn
from relay.webhooks.call import call
from relay.webhooks.client import WebhookAnswer, WebhookClient
from relay.webhooks.endpoint import CalledServer, Sending
from relay.webhooks.lookup import ResolverLookup
from relay.webhooks.turn import CallOutcome, LiveWebhook, TurnResult, TurnWish

_log = logging.getLogger("relay.webhooks")

EVERY_S: Final = 0.2
"""Between turns while there are webhooks."""
IDLE_S: Final = 1.0
"""While there are none."""
AGAIN_S: Final = 2.0
"""After a turn that failed."""
MOST_FLYING: Final = 512
"""Requests at a time, of all."""
MOST_KEPT: Final = 5_000
"""Tries that can't be written down yet; then no more are made."""


class Dispatcher:
    """``clock`` gives seconds UTC, ``random`` [0, 1)."""

    def __init__(
        self,
        path: StoreAddress,
        secrets: Secrets,
        operator: Operator,
        client: WebhookClient,
        *,
        allow_private: bool,
        clock: Callable[[], float] = time.time,
        random: Callable[[], float] = _random.random,
    ) -> None:
        self._path, self._secrets, self._operator, self._client = path, secrets, operator, client
        self._allow_private = allow_private
        self._clock, self._random = clock, random
        self.endpoints: dict[int, CalledServer] = {}
        self._unwritten: list[CallOutcome] = []
        """Of a turn that failed."""
        self._mark: int | None = None
        self._seen = 0
        self._flying: set[asyncio.Task[None]] = set()
        self._first = 0
        self._conn: Connection | None = None

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                try:
                    await self.turn()
                except asyncio.CancelledError:
                    raise
                except Exception as error:
                    failed(_log, "webhooks can't be looked after, trying again", error, self._path)
                    await asyncio.sleep(AGAIN_S)
                await asyncio.sleep(EVERY_S if self.endpoints else IDLE_S)
        finally:
            for task in self._flying:
                task.cancel()
            await asyncio.gather(*self._flying, return_exceptions=True)
            self._client.close()
            if self._conn is not None:
                self._conn.close()

    async def turn(self) -> None:
        """Write down, read, and send what can be sent."""
        self._collect()
        wish = self._wish()
        found = await to_its_end(self._at_the_store, wish)
        self._unwritten = []
        self._take(found)
        self.pump()
        self._client.sweep()

    async def settled(self) -> None:
        """Until nothing is on its way."""
        while self._flying:
            await asyncio.wait(list(self._flying))

    # --- the store -----------------------------------------------------------------------

    def _at_the_store(self, wish: TurnWish) -> TurnResult:
        """In a thread; one turn at a time has the connection, and one that failed leaves none."""
        conn, self._conn = self._conn or connect(self._path), None
        try:
            found = turn.take(
                conn, self._secrets, self._operator, wish, allow_private=self._allow_private, now=self._clock()
            )
        except BaseException:
            conn.close()
            raise
        self._conn = conn
        return found

    def _collect(self) -> None:
        """Take over what the endpoints have to be written down."""
        for endpoint in list(self.endpoints.values()):
            moved = endpoint.done_to[0] - endpoint.written_to[0] > turn.MOST_LOOKED // 4
            if not (endpoint.log or endpoint.over or endpoint.due_again or endpoint.ended or moved):
                continue
            self._unwritten.append(
                CallOutcome(
                    endpoint.row,
                    endpoint.log,
                    endpoint.due_again,
                    endpoint.over,
                    endpoint.done_to,
                    endpoint.failing_since,
                    endpoint.paused_until or None,
                    endpoint.ended,
                )
            )
            endpoint.written_to = endpoint.done_to
            endpoint.log, endpoint.due_again, endpoint.over = [], [], []
            if endpoint.ended:
                _log.warning("webhook %s is called no more: %s", endpoint.row.word, endpoint.ended)
                del self.endpoints[endpoint.row.id]

    def _wish(self) -> TurnWish:
        wish = TurnWish(outcomes=self._unwritten, mark=self._mark, seen=self._seen)
        for endpoint in self.endpoints.values():
            if endpoint.hungry and endpoint.room:
                wish.reads.append((endpoint.row, endpoint.read_to, endpoint.room))
            if endpoint.asks:
                wish.dues.append((endpoint.row.id, endpoint.row.tenant_id, endpoint.asks))
        return wish

    def _take(self, found: TurnResult) -> None:
        if found.live is not None:
            self._renew(found.live)
        self._mark, self._seen = found.mark, found.seen
        for webhook_id, page in found.pages:
            if webhook_id in self.endpoints:
                self.endpoints[webhook_id].take(page)
        for webhook_id, events, next_due in found.dues:
            if webhook_id in self.endpoints:
                self.endpoints[webhook_id].take_again(events, next_due)
        for endpoint in self.endpoints.values():
            if endpoint.row.tenant_id in found.awake or -1 in found.awake:
                endpoint.hungry = True

    def _renew(self, live: list[LiveWebhook]) -> None:
        known = self.endpoints
        self.endpoints = {}
        for one in live:
            if one.address is None or not one.keys:
                _log.error("webhook %s can't be called: %s", one.row.word, one.fault or "it has no key")
                continue
            endpoint = known.get(one.row.id)
            if endpoint is None:
                endpoint = CalledServer(one.row, one.address, one.keys, one.waiting, self._clock, self._random)
            else:
                endpoint.renewed(one.row, one.address, one.keys, one.waiting)
            self.endpoints[one.row.id] = endpoint

    # --- sending -------------------------------------------------------------------------

    def pump(self) -> None:
        """Send what may be sent, each webhook in its turn."""
        endpoints = list(self.endpoints.values())
        if not endpoints or sum(len(one.log) for one in endpoints) > MOST_KEPT:
            return
        self._first = (self._first + 1) % len(endpoints)
        waiting = endpoints[self._first :] + endpoints[: self._first]
        while waiting and len(self._flying) < MOST_FLYING:
            waiting = [one for one in waiting if len(self._flying) < MOST_FLYING and self._start(one)]

    def _start(self, endpoint: CalledServer) -> bool:
        sending = endpoint.next()
        if sending is None:
            return False
        task = asyncio.get_running_loop().create_task(self._send(endpoint, sending))
        self._flying.add(task)
        task.add_done_callback(self._landed)
        return True

    async def _send(self, endpoint: CalledServer, sending: Sending) -> None:
        try:
            answer = await call(self._client, endpoint.address, endpoint.keys, sending.event.members(), self._clock())
        except asyncio.CancelledError:
            raise
        except Exception as error:  # no fault of one event's may hold up the others
            _log.exception("webhook %s: event %s can't be sent", endpoint.row.word, sending.event.id)
            answer = WebhookAnswer(0, f"the relay can't send it: {type(error).__name__}")
        endpoint.finished(sending, answer)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        if task.cancelled():
            return
        self.pump()


@contextlib.asynccontextmanager
async def _alone(data_dir: Path) -> AsyncIterator[None]:
    """The one relay that calls; a kernel gives the lock on when its process is gone."""
    fd = open_small(data_dir / "webhooks.lock")
    try:
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                await asyncio.sleep(IDLE_S)
        yield
    finally:
        os.close(fd)


async def run(settings: Settings, secrets: Secrets, clock: Callable[[], float] = time.time) -> None:
    """Call webhooks until cancelled."""
    allow_private = settings.webhooks.allow_private
    while True:
        try:
            async with _alone(settings.server.data_dir):
                client = client_of(settings)
                dispatcher = Dispatcher(
                    settings.stored, secrets, Operator.of(settings), client, allow_private=allow_private, clock=clock
                )
                await dispatcher.run()
        except OSError as error:
            failed(_log, "webhooks can't be called, trying again", error, settings.server.data_dir)
            await asyncio.sleep(30.0)


def client_of(settings: Settings) -> WebhookClient:
    """What makes requests by these settings."""
    lookup = ResolverLookup(Resolver(settings.dns.nameservers, settings.dns.timeout))
    return WebhookClient(lookup, allow_private=settings.webhooks.allow_private)
