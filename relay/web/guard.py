"""The outermost layer: limits, security headers, counters, one log line, no leak.

Nothing inside can make a request hold memory or time without bound, and no
exception's text reaches a client. Paths of links are never logged: they are
bearer secrets of the people they were sent to.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from relay.observe.sparingly import Sparingly
from relay.store.pool import Unavailable
from relay.web.peer import client

_log = logging.getLogger("relay.web")

ErrorPage = Callable[[Scope, int], Response]
MayBeLarge = Callable[[Scope], Awaitable[bool]]
"""Whether a request shows a token that may send messages, or is of somebody who may hand in lists."""
Observe = Callable[[str, str, int, float], None]

SECURITY_HEADERS: Final[Mapping[bytes, bytes]] = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"x-robots-tag": b"noindex, nofollow",
}
HUNG_UP: Final = 499
"""For the log and the figures: the client was gone before an answer."""
_STRANGERS: Final = frozenset({400, 401, 403, 404, 405, 408, 409, 410, 413, 422, 429, HUNG_UP, 503})
"""Statuses that anyone can cause as often as they like."""
MOST_LINES = 60
"""Of these a minute."""
METHODS: Final = frozenset({"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"})
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_EXPORT: Final = "/v1/consents/export"
_QUEUE: Final = "/desk/queue/…"
_REPORT: Final = "/account/list-reports/…"
_EXPORTS: Final = frozenset(
    {_EXPORT, "/v1/suppressions/export", "/account/people/export", "/account/people/erase", _REPORT, _QUEUE}
)
_MORE: Final = tuple(f"/v1/{name}" for name in ("suppressions", "campaigns", "stats", "quota", "domains"))
_CONSENTS: Final = tuple(f"/v1/consents/{name}" for name in ("batch", "history", "opt-in", "tracking"))
LARGE: Final = frozenset({"/v1/messages", "/v1/messages/batch", "/v1/messages/raw", "/emails", "/emails/batch"})
"""Paths of requests whose bodies are messages."""
_MESSAGES: Final = tuple(sorted(LARGE))
UPLOADS: Final = "/account/imports"
"""Path of requests whose bodies are lists of people."""
_ROUTES = frozenset(
    {
        *(
            *_QUIET,
            "/",
            "/login",
            "/logout",
            "/register",
            "/terms",
            "/report",
            *_MESSAGES,
            "/v1/consents",
            *_CONSENTS,
            _EXPORT,
        ),
        *(
            "/permission",
            "/v1/contests",
            "/v1/events",
            "/v1/forms",
            "/v1/templates",
            "/v1/topics",
            "/v1/webhooks",
            "/v1/openapi.json",
            "/v1/docs",
            *_MORE,
        ),
    }
)


@dataclass(frozen=True, slots=True)
class WebLimits:
    """Octets, seconds and numbers that one request and all together may take."""

    body_octets: int = 1024 * 1024
    body_s: float = 5.0
    """For the body to come in; only then does the request take one of the places."""
    request_s: float = 20.0
    messages_answer_s: float = 120.0
    """For messages: policies may wait, and a batch has many."""
    export_s: float = 900.0
    """For an export, which takes as long as its reader."""
    messages_octets: int = 50 * 1024 * 1024
    """For messages, of whoever has a token to send them."""
    messages_s: float = 60.0
    upload_octets: int = 50 * 1024 * 1024
    """For a list, of whoever is signed in and may hand one in."""
    upload_s: float = 600.0
    requests: int = 256
    bodies_octets: int = 32 * 1024 * 1024
    """Of the bodies of all requests at a time."""
    large_octets: int = 128 * 1024 * 1024
    """Of those larger than ``body_octets``."""


def route_label(path: str) -> str:
    """The route of a path, for logs and counters: bounded, and without tokens."""
    if path in _ROUTES or path in _EXPORTS:
        return path
    if path.startswith("/desk/queue/"):
        return _QUEUE
    if path.startswith("/account/list-reports/"):
        return _REPORT
    for prefix in (
        "/u/",
        "/p/",
        "/c/",
        "/o/",
        "/why/",
        "/permission/",
        "/report/",
        "/s/",
        "/confirm/",
        "/logo/",
        "/login/",
        "/register/",
        "/account/",
        "/desk/",
        "/v1/problems/",
        "/v1/messages/",
        "/v1/templates/",
        "/v1/forms/",
        "/v1/contests/",
        "/v1/topics/",
        "/v1/webhooks/",
        "/emails/",
        *(f"{path}/" for path in _MORE),
    ):
        if path.startswith(prefix):
            return prefix + "…"
    return "other"


class Guard:
    """Pure ASGI middleware around the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: WebLimits,
        error_page: ErrorPage,
        observe: Observe,
        may_be_large: MayBeLarge | None = None,
    ) -> None:
        self._app = app
        self._limits = limits
        self._error_page = error_page
        self._observe = observe
        self._active = 0
        self._clients: Counter[str] = Counter()
        self._bodies = _Budget(limits.bodies_octets)
        self._large = _Budget(limits.large_octets)
        self._may_be_large = may_be_large
        self._lines = Sparingly(MOST_LINES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        route = route_label(scope["path"])
        reply = _Reply(send)
        body = _Body(receive, self._limits.body_octets, self._bodies)
        try:
            status = await self._taken_in(scope, body)
            if status:
                await self._refuse(scope, receive, reply, status)
            else:
                await self._in_place(scope, receive, body, reply, route)
        except ClientDisconnect:
            pass  # nobody is there to be told
        finally:
            body.forget()
            self._done(scope, route, reply.status or HUNG_UP, time.perf_counter() - started)

    async def _taken_in(self, scope: Scope, body: _Body) -> int:
        """Read the whole body; the status to refuse with, 0 if it is there. Raises ClientDisconnect."""
        limit_s = self._limits.body_s
        octets, wide_s = self._wide(scope["path"])
        if octets and body.may_be_large(scope) and self._may_be_large and await self._may_be_large(scope):
            body.widen(octets, self._large)
            limit_s = wide_s
        if body.declared_too_large(scope):
            return 413
        try:
            async with asyncio.timeout(limit_s):
                await body.collect()
        except TimeoutError:
            return 408
        except HTTPException as error:
            return error.status_code
        return 0

    def _wide(self, path: str) -> tuple[int, float]:
        """Octets and seconds of a body that may be large; (0, 0): there may be none."""
        limits = self._limits
        if path == UPLOADS:
            return limits.upload_octets, limits.upload_s
        return (limits.messages_octets, limits.messages_s) if path in LARGE else (0, 0.0)

    async def _in_place(self, scope: Scope, receive: Receive, body: _Body, reply: _Reply, route: str) -> None:
        """Answer it, unless all places are taken, or of them half by this client."""
        whose = client(scope)
        self._active += 1
        self._clients[whose] += 1
        try:
            full = self._active > self._limits.requests or self._clients[whose] > max(1, self._limits.requests // 2)
            if full and route not in _QUIET:
                await self._refuse(scope, receive, reply, 503)
            else:
                await self._answer(scope, receive, body, reply, route)
        finally:
            self._active -= 1
            self._clients[whose] -= 1
            if not self._clients[whose]:
                del self._clients[whose]

    async def _answer(self, scope: Scope, receive: Receive, body: _Body, reply: _Reply, route: str) -> None:
        status = 0
        try:
            async with asyncio.timeout(self._time_s(route)):
                await self._app(scope, body, reply)
        except TimeoutError:
            status = 503
        except Unavailable:
            status = 503
        except HTTPException as error:
            status = error.status_code
        except ClientDisconnect:
            raise
        except Exception:
            _log.exception("unexpected error method=%s route=%s", _method(scope), route)
            status = 500
        if status and not reply.status:
            await self._refuse(scope, receive, reply, status)

    def _time_s(self, route: str) -> float:
        if route in _EXPORTS:
            return self._limits.export_s
        return self._limits.messages_answer_s if route in _MESSAGES else self._limits.request_s

    async def _refuse(self, scope: Scope, receive: Receive, reply: _Reply, status: int) -> None:
        await self._error_page(scope, status)(scope, receive, reply)

    def _done(self, scope: Scope, route: str, status: int, took_s: float) -> None:
        self._observe(route, _method(scope), status, took_s)
        left_out = self._lines.take() if status in _STRANGERS else 0
        if left_out is None:
            return
        if left_out:
            _log.info("http %d more requests of strangers were refused or hung up; their lines are left out", left_out)
        _log.log(
            logging.DEBUG if route in _QUIET else logging.INFO,
            "http method=%s route=%s status=%d ms=%.1f client=%s",
            _method(scope),
            route,
            status,
            took_s * 1000,
            client(scope),
        )


def _method(scope: Scope) -> str:
    """As it is where it is known: a client can make up words."""
    return scope["method"] if scope["method"] in METHODS else "other"


class _Budget:
    """Octets that all bodies together may hold."""

    def __init__(self, octets: int) -> None:
        self.free = octets


class _Body:
    """``receive`` for a body that was read beforehand and counted; past a limit it raises 413 or 503."""

    def __init__(self, receive: Receive, limit: int, budget: _Budget) -> None:
        self._receive = receive
        self._limit = limit
        self._budget = budget
        self._octets = 0
        self._read: deque[Message] = deque()

    def declared_too_large(self, scope: Scope) -> bool:
        declared = _declared(scope)
        return declared is not None and declared > self._limit

    def may_be_large(self, scope: Scope) -> bool:
        """It says that it is larger than others may be, or doesn't say."""
        declared = _declared(scope)
        return scope["method"] == "POST" and (declared is None or declared > self._limit)

    def widen(self, limit: int, budget: _Budget) -> None:
        """Before anything is read: more octets, out of another budget."""
        self._limit, self._budget = limit, budget

    async def collect(self) -> None:
        """Take in all of it, so that a slow sender keeps nobody waiting but itself."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            self._read.append(message)
            more = message.get("more_body", False)
            octets = len(message.get("body", b""))
            self._octets += octets
            self._budget.free -= octets
            if self._octets > self._limit:
                raise HTTPException(413)
            if self._budget.free < 0:
                raise HTTPException(503)

    def forget(self) -> None:
        """Give back what was counted."""
        self._budget.free += self._octets
        self._octets = 0
        self._read.clear()

    async def __call__(self) -> Message:
        return self._read.popleft() if self._read else await self._receive()


def _declared(scope: Scope) -> int | None:
    """Octets of the body as the client says; None: it doesn't."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value) if len(value) <= 12 else 10**12
    return None


class _Reply:
    """``send`` that adds the security headers and remembers the status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", []))
            present = {name.lower() for name, _ in headers}
            headers += [item for item in SECURITY_HEADERS.items() if item[0] not in present]
            headers = [item for item in headers if item[1]]  # an empty one: the page does without
            if self.status in (408, 413, 503):  # what is left of the body isn't read
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
        await self._send(message)
