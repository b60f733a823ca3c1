"""Pages by TLS, without a proxy: ``[listen] https``.

A client's first words are looked at before they are answered, and left where they are: an authority that asks for
the challenge by TLS (RFC 8737) says so there, and gets the certificate of the challenge, which nobody else ever sees.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, Final

from config.settings import Settings
from relay.certificates.chosen import CertificateFiles
from relay.certificates.context import Certificate, CertificateError, load_context
from relay.certificates.place import CertificatePlace
from relay.web.server.hello import HELLO_OCTETS, ClientHello, HelloError, read_hello

HELLO_S: Final = 10.0
"""For a client's first words, and for the handshake."""
PART_S: Final = 0.02
"""Before the rest of words that came in part is looked for."""
MOST_GREETED: Final = 256
"""Connections that have not finished their handshake; the oldest gives way."""
LOOK_S: Final = 2.0
"""For a certificate that was renewed."""
ACME: Final = "acme-tls/1"
_PLAIN = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 44\r\n\r\n"
    b"This port speaks TLS: ask for it by https://"
)

_log = logging.getLogger("relay.web")


class SecureDoor:
    """Raises CertificateError where there is no certificate to show."""

    def __init__(self, settings: Settings) -> None:
        found = Certificate.of(settings, ["http/1.1"])
        if found is None:
            raise CertificateError("listen.https needs a certificate: set tls.certificate and tls.key, or tls.acme")
        self._certificate = found
        self._place = CertificatePlace(settings.server.data_dir)
        self._renewed = bool(settings.tls.acme)
        self._looked = time.monotonic()
        self._greeted: dict[asyncio.Task[None], socket.socket] = {}
        self._accepting: asyncio.Task[None] | None = None

    def open(self, sock: socket.socket, protocols: Callable[[], asyncio.Protocol]) -> None:
        sock.setblocking(False)
        self._accepting = asyncio.get_running_loop().create_task(self._accept(sock, protocols))

    def close(self) -> None:
        """Those that have finished their handshake go on."""
        for task in (*self._greeted, *([self._accepting] if self._accepting else [])):
            task.cancel()

    async def _accept(self, listening: socket.socket, protocols: Callable[[], asyncio.Protocol]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, _ = await loop.sock_accept(listening)
            except OSError as error:  # no descriptors left, or a client that was gone again
                _log.debug("a connection could not be taken: %s", error)
                await asyncio.sleep(0.1)
                continue
            if len(self._greeted) >= MOST_GREETED:
                next(iter(self._greeted)).cancel()
            task = loop.create_task(self._greet(sock, protocols))
            self._greeted[task] = sock
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._greeted.pop(task, None)
        if not task.cancelled() and task.exception() is not None:
            _log.debug("a handshake failed: %s", task.exception())

    async def _greet(self, sock: socket.socket, protocols: Callable[[], asyncio.Protocol]) -> None:
        handed = False
        try:
            sock.setblocking(False)
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            hello = await asyncio.wait_for(_hello(sock), HELLO_S)
            context = self._context(hello)
            if context is None:
                return
            made: Callable[[], Any] = asyncio.Protocol if ACME in hello.protocols else protocols
            handed = True  # it is closed with its transport from here on
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                made, sock, ssl=context, ssl_handshake_timeout=HELLO_S
            )
            if ACME in hello.protocols:
                transport.close()  # RFC 8737 §3: no more than the handshake
        except HelloError:
            with contextlib.suppress(OSError):
                sock.send(_PLAIN)
        except (OSError, TimeoutError, ssl.SSLError) as error:
            _log.debug("a handshake failed: %s", error)
        finally:
            if not handed:
                sock.close()

    def _context(self, hello: ClientHello) -> ssl.SSLContext | None:
        """None: nothing that we could show."""
        if ACME in hello.protocols:
            path = self._place.hello(hello.name)
            try:
                return load_context(CertificateFiles(path, path), [ACME]) if path is not None else None
            except CertificateError:
                return None
        if self._renewed and time.monotonic() - self._looked > LOOK_S:
            self._looked = time.monotonic()
            try:
                self._certificate.renewed()
            except CertificateError as error:
                _log.error("the certificate is kept as it was: %s", error)
        return self._certificate.context


async def _hello(sock: socket.socket) -> ClientHello:
    """Its first words, still unread. Raises HelloError if they are no TLS, OSError if it hung up."""
    loop = asyncio.get_running_loop()
    while True:
        readable = loop.create_future()
        loop.add_reader(sock, _told, readable)
        try:
            await readable
        finally:
            loop.remove_reader(sock)
        seen = sock.recv(HELLO_OCTETS, socket.MSG_PEEK)
        if not seen:
            raise ConnectionResetError("it hung up")
        found = read_hello(seen)
        if found is not None:
            return found
        await asyncio.sleep(PART_S)


def _told(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)
