"""How often the API may be asked, and how each answer says so.

A bucket for each tenant, and one for each address that shows no token in
force: it fills by so many requests a second and holds a burst of them. The
buckets are this process's own and hold only who asked lately.

The fields are those of draft-ietf-httpapi-ratelimit-headers-10 (``RateLimit``,
``RateLimit-Policy``), and the three that its older editions had and that most
client libraries read.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.api import ApiSettings
from relay.web.peer import client, network

MOST: Final = 100_000
"""Buckets; who asked longest ago has a full one long since."""
_NOTE: Final = "relay.share"
"""Key of a scope: a list with what was taken of which bucket."""


@dataclass(frozen=True, slots=True)
class RequestShare:
    """What one that asks has left, in whole requests and seconds."""

    policy: str
    limit: int
    window_s: int
    """In which the whole limit comes back."""
    remaining: int
    reset_s: int
    """Until the limit is whole again."""
    retry_s: int
    """Until one more is let in; 0: this one was."""

    def fields(self) -> list[tuple[bytes, bytes]]:
        found = [
            (b"ratelimit-policy", f'"{self.policy}";q={self.limit};w={self.window_s}'),
            (b"ratelimit", f'"{self.policy}";r={self.remaining};t={self.reset_s}'),
            (b"ratelimit-limit", str(self.limit)),
            (b"ratelimit-remaining", str(self.remaining)),
            (b"ratelimit-reset", str(self.reset_s)),
        ]
        return [(name, value.encode()) for name, value in found]


class RequestBuckets:
    """One bucket for each that asks; ``clock`` in seconds that only go on."""

    def __init__(self, policy: str, per_second: int, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[int | str, tuple[float, float]] = OrderedDict()

    def take(self, whose: int | str) -> RequestShare:
        """One request; if nothing is left it takes nothing, and ``retry_s`` says when to come again."""
        left, now = self._left(whose)
        let_in = left >= 1
        self._buckets[whose] = (left - 1 if let_in else left, now)
        if len(self._buckets) > MOST:
            self._buckets.popitem(last=False)
        return self._share(left - 1 if let_in else left, let_in)

    def _left(self, whose: int | str) -> tuple[float, float]:
        now = self._clock()
        left, at = self._buckets.pop(whose, (float(self._burst), now))
        return min(self._burst, left + (now - at) * self._per_second), now

    def _share(self, left: float, let_in: bool) -> RequestShare:
        full_s = math.ceil((self._burst - left) / self._per_second)
        retry_s = 0 if let_in else max(1, math.ceil((1 - left) / self._per_second))
        window_s = max(1, math.ceil(self._burst / self._per_second))
        return RequestShare(self._policy, self._burst, window_s, math.floor(left), full_s, retry_s)


class RequestShares:
    """Of all who ask this process."""

    def __init__(self, settings: ApiSettings) -> None:
        self._tenants = RequestBuckets("tenant", settings.requests_per_second, settings.requests_burst)
        self._unknown = RequestBuckets("address", settings.unknown_per_second, settings.unknown_burst)

    def of_tenant(self, scope: Scope, tenant_id: int) -> RequestShare:
        return self._noted(scope, self._tenants.take(tenant_id))

    def of_address(self, scope: Scope) -> RequestShare:
        return self._noted(scope, self._unknown.take(network(client(scope))))

    def _noted(self, scope: Scope, share: RequestShare) -> RequestShare:
        scope.setdefault(_NOTE, []).append(share)
        return share


class ShareFields:
    """Pure ASGI around everything: each answer of the API says what is left, whoever refused it."""

    def __init__(self, app: ASGIApp, shares: RequestShares, paths: tuple[str, ...]) -> None:
        self._app = app
        self._shares = shares
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(self._paths):
            await self._app(scope, receive, send)
            return
        noted: list[RequestShare] = []
        scope[_NOTE] = noted

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                # Refused before anyone looked whose it is: it counts as a stranger's.
                share = noted[-1] if noted else self._shares.of_address(scope)
                message = {**message, "headers": [*message.get("headers", ()), *share.fields()]}
            await send(message)

        await self._app(scope, receive, told)
