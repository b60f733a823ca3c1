"""``/healthz``: this process answers. ``/readyz``: mail can be taken and stored (``readiness`` says by which signs)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from relay.observe.trouble import Trouble
from relay.store.pool import Storage
from relay.web import readiness
from relay.web.peer import Insiders
from relay.web.readiness import Readiness

PROBE_LIMIT_S: Final = 3.0
KEPT_S: Final = 1.0
"""An answer is kept this long, so that probing can't hold the write lock."""


class Health:
    """Probes with a connection and a thread of their own, so that busy pages don't fail them."""

    def __init__(
        self,
        storage: Storage,
        mail_alive: Callable[[], bool],
        insiders: Insiders,
        troubles: Callable[[], Sequence[Trouble]] = tuple,
    ) -> None:
        self._insiders = insiders
        self._storage = storage
        self._mail_alive = mail_alive
        self._troubles = troubles
        self._lock = asyncio.Lock()
        self._threads: CapacityLimiter | None = None
        self._known_at = -KEPT_S
        self._found: list[str] = []

    def routes(self) -> list[Route]:
        return [Route("/healthz", self.healthz), Route("/readyz", self.readyz)]

    def close(self) -> None:
        self._storage.close()

    async def healthz(self, request: Request) -> Response:
        return JSONResponse({"status": "up"})

    async def readyz(self, request: Request) -> Response:
        """200, or 503; insiders are told what isn't ready and why."""
        answer = await self.ready()
        told = answer.members(reasons=self._insiders.has(request.scope))
        return JSONResponse(told, 200 if answer.ready else 503, None if answer.ready else {"Retry-After": "5"})

    async def ready(self) -> Readiness:
        """What the three witnesses say now."""
        return readiness.answer(await self._store(), self._mail_alive(), self._troubles())

    async def _store(self) -> list[str]:
        async with self._lock:
            if time.monotonic() - self._known_at >= KEPT_S:
                self._threads = self._threads or CapacityLimiter(1)
                try:
                    async with asyncio.timeout(PROBE_LIMIT_S):
                        self._found = await to_thread.run_sync(
                            readiness.look, self._storage, limiter=self._threads, abandon_on_cancel=True
                        )
                except TimeoutError:
                    self._found = [readiness.BUSY]
                except RuntimeError as error:  # no thread can be made
                    self._found = [str(error)]
                self._known_at = time.monotonic()
            return self._found
