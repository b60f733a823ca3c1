"""Hooks that wait: each is awaited in a task of its own, within its transaction's time and a bound for all of them.

Whatever goes wrong is a Defer: an exception, the end of the time, a task that
was cancelled by others, no place left. A hook that doesn't heed being cancelled
keeps its place until it ends, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from relay.mail.status import UNEXPECTED
from relay.pipeline.contract import Defer

_log = logging.getLogger("relay.policy")

WAIT_S: Final = 30.0
"""A client waits five minutes for the answer to a command, ten for that to the final dot (RFC 5321 §4.5.3.2)."""
MOST_WAITING: Final = 1000
TENANT_SHARE: Final = 0.5
"""Of the places, for one tenant: a slow service for one leaves places for the others."""


class Patience:
    """How long the hooks of one transaction may still wait, all together, in seconds."""

    __slots__ = ("left_s",)

    def __init__(self, left_s: float) -> None:
        self.left_s = left_s


class WaitingHooks:
    """The hooks that wait now, at most ``most`` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._share = max(1, int(most * TENANT_SHARE))
        self._tasks: set[asyncio.Task[Any]] = set()
        self._by_tenant: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._tasks)

    def full(self, tenant_id: int) -> bool:
        return len(self._tasks) >= self._most or self._by_tenant[tenant_id] >= self._share

    async def answer(
        self, name: str, hook: Callable[..., Any], facts: tuple[object, ...], tenant_id: int, patience: Patience
    ) -> Any:
        """What the hook answers; a Defer if that doesn't come. Cancelled, it cancels the hook."""
        if patience.left_s <= 0:
            _log.warning("policy=%s isn't asked, its transaction's time to wait is over: deferring", name)
            return Defer(UNEXPECTED)
        if self.full(tenant_id):
            _log.warning("policy=%s isn't asked, %d hooks wait already: deferring", name, len(self._tasks))
            return Defer(UNEXPECTED)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        task = loop.create_task(hook(*facts))
        self._tasks.add(task)
        self._by_tenant[tenant_id] += 1
        task.add_done_callback(lambda done: self._ended(done, tenant_id))
        try:
            await asyncio.wait((task,), timeout=patience.left_s)
        finally:
            patience.left_s -= loop.time() - begun
            if not task.done():
                task.cancel()
        return _verdict(name, task)

    def _ended(self, task: asyncio.Task[Any], tenant_id: int) -> None:
        self._tasks.discard(task)
        self._by_tenant[tenant_id] -= 1
        if self._by_tenant[tenant_id] <= 0:
            del self._by_tenant[tenant_id]
        if not task.cancelled():
            task.exception()  # looked at, or asyncio would tell of it a second time


def _verdict(name: str, task: asyncio.Task[Any]) -> Any:
    if not task.done():
        _log.error("policy=%s did not answer in its transaction's time to wait, deferring", name)
    elif task.cancelled():
        _log.error("policy=%s was cancelled by something of its own, deferring", name)
    elif (error := task.exception()) is not None:
        _log.error("policy=%s failed, deferring", name, exc_info=error)
    else:
        return task.result()
    return Defer(UNEXPECTED)
