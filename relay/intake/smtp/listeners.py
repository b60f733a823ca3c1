"""Binding the ports: all at once, before anything else starts."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

BACKLOG = 2048
EVERY = "*"
"""The host of a listener on all addresses, IPv4 and IPv6."""
NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


class ListenError(Exception):
    """A port can't be opened; the text names the setting and what to do."""


@dataclass(slots=True)
class Ports:
    """Listening sockets by role."""

    submission: list[socket.socket] = field(default_factory=list)
    submissions: list[socket.socket] = field(default_factory=list)
    inbound: list[socket.socket] = field(default_factory=list)
    http: socket.socket | None = None
    https: socket.socket | None = None
    acme: socket.socket | None = None

    def pages(self) -> list[socket.socket]:
        """Those of the HTTP process."""
        return [sock for sock in (self.http, self.https, self.acme) if sock is not None]

    def all(self) -> list[socket.socket]:
        return [*self.submission, *self.submissions, *self.inbound, *self.pages()]

    def close_mail(self) -> None:
        """All but those of pages. A port takes connections as long as any process has it open: each closes its own."""
        for sock in (*self.submission, *self.submissions, *self.inbound):
            sock.close()

    def close(self) -> None:
        self.close_mail()
        for sock in self.pages():
            sock.close()


def bind(address: str, setting: str, *, both: bool = False) -> socket.socket:
    """A listening socket on ``host:port`` or ``[v6]:port``, with ``both`` for IPv4 too; raises ListenError."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    # With the protocol named, or asyncio leaves TCP_NODELAY out and each answer waits 40 ms for a delayed ACK.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise ListenError(f"{setting}: {address} can't be opened: {error.strerror}") from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not both))
        sock.bind((host, int(port)))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            what = "is in use: stop the program that listens there, or change the setting"
        elif error.errno in (errno.EACCES, errno.EPERM):
            what = "may not be opened by this user: start through systemd, as root, or choose a port above 1023"
        elif error.errno == errno.EADDRNOTAVAIL:
            what = "is no address of this machine"
        else:
            what = f"can't be opened: {error.strerror}"
        raise ListenError(f"{setting}: {address} {what}") from error
    sock.setblocking(False)
    return sock


def bind_every(port: str, setting: str) -> list[socket.socket]:
    """Sockets on all IPv4 and all IPv6 addresses; of IPv4 alone where the machine has no IPv6. Raises ListenError."""
    first = bind(f"0.0.0.0:{port}", setting)
    try:
        return [first, bind(f"[::]:{first.getsockname()[1]}", setting)]
    except ListenError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in NO_IPV6:
            return [first]
        first.close()
        raise


def bind_both(port: str, setting: str) -> socket.socket:
    """One socket for all IPv6 and IPv4 addresses; of IPv4 alone where the machine has no IPv6. Raises ListenError."""
    try:
        return bind(f"[::]:{port}", setting, both=True)
    except ListenError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in NO_IPV6:
            return bind(f"0.0.0.0:{port}", setting)
        raise


def bind_all(
    submission: Sequence[str],
    submissions: Sequence[str],
    inbound: Sequence[str],
    http: str,
    https: str = "",
    acme: str = "",
) -> Ports:
    """All ports or none; raises ListenError with every fault at once."""
    ports = Ports()
    faults: list[str] = []

    def opened(address: str, setting: str) -> list[socket.socket]:
        try:
            host, _, port = address.rpartition(":")
            return bind_every(port, setting) if host == EVERY else [bind(address, setting)]
        except ListenError as error:
            faults.append(str(error))
            return []

    for address in submission:
        ports.submission += opened(address, "listen.submission")
    for address in submissions:
        ports.submissions += opened(address, "listen.submissions")
    for address in inbound:
        ports.inbound += opened(address, "listen.inbound")
    for role, address in (("http", http), ("https", https), ("acme", acme)):
        if not address:
            continue
        try:
            host, _, port = address.rpartition(":")
            one = bind_both(port, f"listen.{role}") if host == EVERY else bind(address, f"listen.{role}")
            setattr(ports, role, one)
        except ListenError as error:
            faults.append(str(error))
    if faults:
        ports.close()
        raise ListenError("\n".join(faults))
    return ports
