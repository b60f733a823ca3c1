"""The HTTP process: uvicorn on one listening socket, with limits that hold against slow clients."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import logging
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import uvicorn
from starlette.types import ASGIApp

from config.settings import Settings
from relay.keys.secrets import Secrets
from relay.observe import log
from relay.observe.trouble import Trouble
from relay.web.peer import Peer
from relay.web.server.app import create_app
from relay.web.server.challenges import challenge_app
from relay.web.server.connection import HttpConnection
from relay.web.server.framing import HEADER_OCTETS
from relay.web.server.secure import SecureDoor

KEEP_ALIVE_S: Final = 5
STOP_TIMEOUT_S: Final = 10
ARRIVING_S: Final = 0.25
"""Time for requests on connections that were taken just before the port closed: they are answered, not reset."""

_log = logging.getLogger("relay.web")


class PagePorts(NamedTuple):
    """Listening sockets of the process; None: that one isn't served."""

    http: socket.socket | None = None
    https: socket.socket | None = None
    acme: socket.socket | None = None

    def all(self) -> list[socket.socket]:
        return [sock for sock in self if sock is not None]


class WebError(Exception):
    """The HTTP side can't start; the text says what to do."""


def bind(address: str) -> socket.socket:
    """A listening socket for ``host:port`` or ``[host]:port``; raises WebError."""
    host, _, port = address.rpartition(":")
    host = "::" if host == "*" and socket.has_dualstack_ipv6() else host.strip("[]").replace("*", "0.0.0.0")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # by which asyncio knows to set TCP_NODELAY
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address.startswith("*") and family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
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
    ports: PagePorts | None = None,
    mail_alive: Callable[[], bool] = lambda: True,
    troubles: Callable[[], Sequence[Trouble]] = tuple,
    closed: Callable[[], None] = lambda: None,
    beat: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT, or until the mail process that started this one is gone.

    ``ready`` is called once requests are answered, ``closed`` once the port is closed again, ``beat`` all the
    time by the loop. ``mail_alive`` and ``troubles`` are asked by ``/readyz`` (``Heartbeat``). Running requests get
    STOP_TIMEOUT_S to end. Raises WebError or SecretsError before anything is served.
    """
    log.setup(settings.log.level, settings.log.format)
    secrets = Secrets.load(settings.secrets_file)
    ports = ports or PagePorts(bind(settings.listen.http))
    app = create_app(settings, secrets, settings.stored, mail_alive=mail_alive, troubles=troubles)

    def settled() -> None:
        _spare_collector()
        ready()

    server = make_server(
        app,
        settled,
        closed,
        beat,
        proxies=settings.http.trusted_proxies,
        most=(settings.http.connections, settings.http.connections_per_address),
    )
    server.ports = ports
    server.secure = SecureDoor(settings) if ports.https is not None else None
    server.challenges = challenge_app(settings) if ports.acme is not None else None
    _hush()
    try:
        server.run(sockets=[] if ports.http is None else [ports.http])
    finally:
        for sock in ports.all():
            sock.close()


def make_server(
    app: ASGIApp,
    ready: Callable[[], None],
    closed: Callable[[], None] = lambda: None,
    beat: Callable[[], None] = lambda: None,
    *,
    proxies: Sequence[str] = (),
    connection: type[HttpConnection] = HttpConnection,
    most: tuple[int, int] | None = None,
) -> HttpServer:
    """uvicorn with the relay's limits around an application.

    ``proxies`` are the networks whose X-Forwarded-For is believed; ``most`` are the connections at a time, of all and
    of one address.
    """
    total, own = most or (connection.max_connections, connection.max_per_address)
    limits = {
        "proxies": tuple(ipaddress.ip_network(one) for one in proxies),
        "max_connections": total,
        "max_per_address": own,
    }
    config = uvicorn.Config(
        Peer(app, proxies),
        http=type(connection.__name__, (connection,), limits),
        loop="uvloop",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # Peer sees to it
        h11_max_incomplete_event_size=HEADER_OCTETS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_TIMEOUT_S,
    )
    return HttpServer(config, ready, closed, beat)


def _hush() -> None:
    """A stranger's broken request, or one that hung up, is no warning to us; the guard says what is to be said."""
    uvicorns = logging.getLogger("uvicorn")
    uvicorns.setLevel(logging.ERROR)
    logging.getLogger("uvicorn.error").addFilter(lambda record: "ASGI callable returned" not in record.getMessage())
    logging.getLogger("asyncio").setLevel(logging.ERROR)


def _spare_collector() -> None:
    """Modules, routes and templates are there for good: looking for cycles among them, or often among what is kept of
    openings and clicks, holds up every answer for a tenth of a second."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 10, 50)


class HttpServer(uvicorn.Server):
    """uvicorn that says when it is ready, ends with exit status 0, and never outlives the mail process."""

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], None],
        closed: Callable[[], None],
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._closed = closed
        self._beat = beat
        self.ports = PagePorts()
        self.secure: SecureDoor | None = None
        self.challenges: ASGIApp | None = None
        """What ``listen.acme`` answers."""
        self._parent = os.getppid() if multiprocessing.parent_process() is not None else None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if not self.started:
            return
        if self.secure is not None and self.ports.https is not None:
            self.secure.open(self.ports.https, self._protocols(self.config, self.lifespan.state))
        if self.challenges is not None and self.ports.acme is not None:
            self.servers.append(await self._answering(self.challenges, self.ports.acme))
        self._ready()

    def _protocols(self, config: uvicorn.Config, state: dict[str, Any]) -> Callable[[], asyncio.Protocol]:
        made: Any = config.http_protocol_class
        return lambda: made(config=config, server_state=self.server_state, app_state=state)

    async def _answering(self, app: ASGIApp, sock: socket.socket) -> asyncio.Server:
        """With the same limits, which are of all connections together."""
        usual = self.config
        config = uvicorn.Config(
            app,
            http=usual.http,
            lifespan="off",
            ws="none",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=HEADER_OCTETS,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        config.load()
        loop = asyncio.get_running_loop()
        return await loop.create_server(self._protocols(config, {}), sock=sock, backlog=usual.backlog)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """The port first, then the requests that run or are on their way."""
        for server in self.servers:
            server.close()
        if self.secure is not None:
            self.secure.close()
        for sock in self.ports.all() or sockets or ():
            sock.close()
        self._closed()
        await asyncio.sleep(ARRIVING_S)
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        self._beat()
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
