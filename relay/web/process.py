"""The HTTP process: uvicorn on one listening socket, with limits that hold against slow clients."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from config.settings import Settings
from relay.observe import log
from relay.registry.secrets import Secrets
from relay.web import problems
from relay.web.app import create_app
from relay.web.guard import SECURITY_HEADERS

HEADER_OCTETS: Final = 16 * 1024
KEEP_ALIVE_S: Final = 5
STOP_TIMEOUT_S: Final = 10

_log = logging.getLogger("relay.web")


class WebError(Exception):
    """The HTTP side can't start; the text says what to do."""


def bind(address: str) -> socket.socket:
    """A listening socket for ``host:port`` or ``[host]:port``; raises WebError."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # by which asyncio knows to set TCP_NODELAY
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, int(port)))
        sock.listen(512)
    except (OSError, ValueError) as error:
        sock.close()
        raise WebError(f"HTTP can't listen on {address}: {error}; change listen.http or free the port") from error
    sock.set_inheritable(True)
    return sock


def run(
    settings: Settings,
    ready: Callable[[], None],
    sock: socket.socket | None = None,
    mail_alive: Callable[[], bool] = lambda: True,
) -> None:
    """Serve until SIGTERM or SIGINT, or until the mail process that started this one is gone.

    ``ready`` is called once requests are answered. ``mail_alive`` is asked by
    ``/readyz`` (``Heartbeat.alive``). Running requests get STOP_TIMEOUT_S to
    end. Raises WebError or SecretsError before anything is served.
    """
    log.setup(settings.log.level, settings.log.format)
    secrets = Secrets.load(settings.secrets_file)
    listening = sock or bind(settings.listen.http)
    app = create_app(settings, secrets, settings.database, mail_alive=mail_alive)
    server = make_server(app, ready, proxies=[str(network) for network in settings.http.trusted_proxies])
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # a stranger's broken request is no warning to us
    try:
        server.run(sockets=[listening])
    finally:
        listening.close()


def make_server(
    app: ASGIApp, ready: Callable[[], None], *, proxies: Sequence[str] = (), connection: type[H11Protocol] | None = None
) -> Server:
    """uvicorn with the relay's limits around an application."""
    config = uvicorn.Config(
        app,
        http=connection or Connection,
        loop="asyncio",  # a few pages a second; uvloop would only cost memory here
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        h11_max_incomplete_event_size=HEADER_OCTETS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_TIMEOUT_S,
    )
    return Server(config, ready)


class Server(uvicorn.Server):
    """uvicorn that says when it is ready, ends with exit status 0, and never outlives the mail process."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._parent = os.getppid() if multiprocessing.parent_process() is not None else None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()

    async def on_tick(self, counter: int) -> bool:
        if self._parent is not None and os.getppid() != self._parent:
            _log.error("the mail process is gone, so the HTTP process stops")
            return True
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a signal that was obeyed is not raised again."""
        signals = (signal.SIGTERM, signal.SIGINT)
        try:
            before = {number: signal.signal(number, self.handle_exit) for number in signals}
        except ValueError:  # not the main thread: whoever started it stops it
            yield
            return
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Connection(H11Protocol):
    """uvicorn's connection with a time limit for the header and problems for bad requests."""

    header_timeout_s = 10.0
    """From the connection, or the first octet of a next request, to the end of its header."""
    max_connections = 512

    _header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self._refuse(503, "too many connections; try again later")
            return
        self._await_header()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_timer()
        elif self._header_timer is None:
            self._await_header()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, f"not a valid HTTP request, or its header is larger than {HEADER_OCTETS} octets")

    def _await_header(self) -> None:
        self._header_timer = self.loop.call_later(self.header_timeout_s, self._header_late)

    def _header_late(self) -> None:
        self._header_timer = None
        if not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete):
            self._refuse(408, "the request's header took too long")

    def _stop_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _refuse(self, status: int, detail: str) -> None:
        """Answer without the application and close; only close where an answer has begun."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        body = problems.encode(problems.document(status, detail=detail))
        headers = [
            *SECURITY_HEADERS.items(),
            (b"content-type", problems.MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        events: tuple[Any, ...] = (
            h11.Response(status_code=status, headers=headers),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
