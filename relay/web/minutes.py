"""Once a minute the HTTP process writes down that the relay can be used (``relay.availability``), where it can."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from relay.availability import book
from relay.availability.book import MINUTE_S, AvailabilityKind
from relay.store.pool import Storage, Unavailable
from relay.store.thread import to_its_end
from relay.web.readiness import Readiness

_log = logging.getLogger("relay.web")

EVERY_S: Final = 20.0
"""So a minute isn't lost where another process takes this one's place."""


class MinuteWatch:
    """``ready`` looks; ``clock`` gives seconds UTC."""

    def __init__(self, storage: Storage, ready: Callable[[], Awaitable[Readiness]], clock: Callable[[], float]) -> None:
        self._storage = storage
        self._ready = ready
        self._clock = clock
        self._told: dict[AvailabilityKind, int] = {}
        """The last minute of each that was written down."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.look()
            except Exception:
                _log.exception("whether the relay can be used was not written down")

    async def look(self) -> None:
        """Write down what can be used in this minute; nothing where that was done already."""
        now = self._clock()
        minute = int(now // MINUTE_S)
        if all(self._told.get(kind) == minute for kind in AvailabilityKind):
            return
        found = await self._ready()
        states = {AvailabilityKind.SUPPORT: found.store, AvailabilityKind.SERVICE: found.ready}
        kinds = [kind for kind, good in states.items() if good and self._told.get(kind) != minute]
        if not kinds:
            return
        try:
            await to_its_end(self._write, kinds, now)
        except Unavailable as error:
            _log.warning("this minute counts as one in which the relay couldn't be used: %s", error)
            return
        self._told.update(dict.fromkeys(kinds, minute))

    def _write(self, kinds: list[AvailabilityKind], now: float) -> None:
        with self._storage.write() as conn:
            book.usable(conn, kinds, now)
