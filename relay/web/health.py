"""``/healthz``: this process answers. ``/readyz``: it can do its work."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from typing import Final

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from relay.store.database import StoreError
from relay.web.peer import Insiders
from relay.web.storage import Storage, Unavailable

_log = logging.getLogger("relay.web")

PROBE_LIMIT_S: Final = 3.0
KEPT_S: Final = 1.0
"""An answer is kept this long, so that probing can't hold the write lock."""


class Health:
    """Probes with a connection and a thread of their own, so that busy pages don't fail them."""

    def __init__(self, storage: Storage, mail_alive: Callable[[], bool], insiders: Insiders) -> None:
        self._insiders = insiders
        self._storage = storage
        self._mail_alive = mail_alive
        self._lock = asyncio.Lock()
        self._threads: CapacityLimiter | None = None
        self._known_at = -KEPT_S
        self._store_ok = False

    def routes(self) -> list[Route]:
        return [Route("/healthz", self.healthz), Route("/readyz", self.readyz)]

    def close(self) -> None:
        self._storage.close()

    async def healthz(self, request: Request) -> Response:
        return JSONResponse({"status": "up"})

    async def readyz(self, request: Request) -> Response:
        """200, or 503; insiders are told what isn't ready."""
        checks = {"store": await self._store(), "mail": self._mail_alive()}
        ready = all(checks.values())
        members = {"status": "ready" if ready else "not ready"}
        if self._insiders.has(request.scope):
            members |= {name: "ok" if good else "down" for name, good in checks.items()}
        return JSONResponse(members, 200 if ready else 503, None if ready else {"Retry-After": "5"})

    async def _store(self) -> bool:
        async with self._lock:
            if time.monotonic() - self._known_at >= KEPT_S:
                self._threads = self._threads or CapacityLimiter(1)
                try:
                    async with asyncio.timeout(PROBE_LIMIT_S):
                        self._store_ok = await to_thread.run_sync(
                            self._probe, limiter=self._threads, abandon_on_cancel=True
                        )
                except TimeoutError:
                    self._store_ok = False
                self._known_at = time.monotonic()
            return self._store_ok

    def _probe(self) -> bool:
        """Read a row, and take and leave the write lock."""
        try:
            with self._storage.read() as conn:
                conn.execute("SELECT value FROM meta WHERE name = 'registry'").fetchone()
                conn.execute("BEGIN IMMEDIATE")
                conn.execute("ROLLBACK")
        except (Unavailable, StoreError, sqlite3.Error) as error:
            _log.warning("not ready: %s", error)
            return False
        return True
