"""Hits are written behind the answers: in batches, bounded, and all of them before a clean stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from relay.store.pool import Storage, Unavailable
from relay.store.thread import to_its_end
from relay.tracking.record import Recorder
from relay.tracking.values import Hit

_log = logging.getLogger("relay.tracking")

EVERY_S: Final = 0.5
BATCH: Final = 200
"""Hits in one transaction: the write lock is held for some hundredths of a second."""
MOST: Final = 50_000
"""Hits that wait for a store that is away; what comes beyond them is answered and not recorded."""
AGAIN_S: Final = 2.0
LAST_S: Final = 6.0
"""For the rest, at a stop."""


class HitBuffer:
    """Of the HTTP process. ``add`` costs nothing but memory."""

    def __init__(self, storage: Storage, recorder: Recorder, clock: Callable[[], float]) -> None:
        self._storage = storage
        self._recorder = recorder
        self._clock = clock
        self._waiting: deque[Hit] = deque()
        self._dropped = 0
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def add(self, hit: Hit) -> None:
        if len(self._waiting) >= MOST:
            self._dropped += 1
            return
        self._waiting.append(hit)

    def begin(self) -> None:
        """Write from now on, in the loop that is running."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Write what is left, within ``LAST_S``. A batch that is being written is waited for, or it would be written
        once more."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=LAST_S)
            if not self._task.done():
                _log.error("%d openings and clicks could not be stored before the stop", len(self._waiting))
                return
        try:
            async with asyncio.timeout(LAST_S):
                while self._waiting and await self._step():
                    pass
        except TimeoutError:
            pass
        if self._waiting:
            _log.error("%d openings and clicks could not be stored before the stop", len(self._waiting))

    async def _run(self) -> None:
        wait_s = EVERY_S
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait_s)
            wait_s = EVERY_S
            while self._waiting and not self._stopping.is_set():
                if not await self._step():
                    wait_s = AGAIN_S
                    break
                await asyncio.sleep(0)
            if self._dropped:
                _log.error("%d openings and clicks were not recorded: the store is away for too long", self._dropped)
                self._dropped = 0

    async def _step(self) -> bool:
        """Write one batch; False if the store is away. A batch is only taken off once it is stored."""
        batch = [self._waiting[place] for place in range(min(BATCH, len(self._waiting)))]
        try:
            await to_its_end(self._write, batch)
        except Unavailable as error:
            _log.warning("openings and clicks wait: %s", error)
            self._recorder.forget()
            return False
        except Exception:
            self._recorder.forget()
            _log.exception("%d openings and clicks could not be recorded", len(batch))
        for _ in batch:
            self._waiting.popleft()
        return True

    def _write(self, batch: list[Hit]) -> None:
        with self._storage.write() as conn:
            self._recorder.record(conn, batch, self._clock())
