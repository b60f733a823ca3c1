"""Listening sockets that the service manager opened and hands over (sd_listen_fds(3)): a restart closes no port.

A socket goes to the role that its name says (``FileDescriptorName=``: a key of ``[listen]``), else,
as those of one ``relay.socket`` for all, to the one whose addresses in ``[listen]`` it has. The settings stay what says
where the relay listens: a socket that neither names is a fault.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Final

from config.names import split_listen
from relay.intake.smtp.listeners import EVERY, ListenError, Ports, bind_all

FIRST: Final = 3
PAGES: Final = ("http", "https", "acme")
ROLES: Final = ("submission", "submissions", "inbound", *PAGES)
ListenSettings = Mapping[str, Sequence[str]]
"""Addresses by role, as the settings have them."""


def take_handed(environment: MutableMapping[str, str] | None = None) -> list[tuple[str, int]]:
    """Names and descriptors meant for this very process; its children don't take them again. Raises ListenError."""
    found = os.environ if environment is None else environment
    pid, count, names = (found.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"))
    if pid != str(os.getpid()) or not count:
        return []
    if not count.isascii() or not count.isdigit():
        raise ListenError(f"LISTEN_FDS is {count!r}, which is no number of sockets")
    known = names.split(":") if names else []
    return [(known[n] if n < len(known) else "", FIRST + n) for n in range(int(count))]


def open_all(listen: ListenSettings, handed: Sequence[tuple[str, int]]) -> Ports:
    """All ports: those handed over, and of the other addresses of the settings such as are bound now.

    Raises ListenError with every fault.
    """
    if not handed:
        return _bound(listen)
    taken: dict[str, list[socket.socket]] = {role: [] for role in ROLES}
    left = {role: list(addresses) for role, addresses in listen.items()}
    faults: list[str] = []
    for name, fd in handed:
        try:
            sock = _listening(name, fd)
            role = _role(name, sock, listen)
        except ListenError as error:
            faults.append(str(error))
            continue
        taken[role].append(sock)
        # Who names sockets says by that where the role listens; of the others the settings do.
        left[role] = [] if name == role else [text for text in left[role] if not _meant(text, _address(sock))]
    for role in PAGES:
        if len(taken[role]) > 1:
            faults.append(f"listen.{role}: one socket is served, and more were handed over")
    if faults:
        raise ListenError("\n".join(faults))
    ports = _bound(left)
    ports.submission += taken["submission"]
    ports.submissions += taken["submissions"]
    ports.inbound += taken["inbound"]
    for role in PAGES:
        if taken[role]:
            setattr(ports, role, taken[role][0])
    return ports


def _bound(listen: ListenSettings) -> Ports:
    pages = [_one(listen.get(role, ())) for role in PAGES]
    return bind_all(listen["submission"], listen["submissions"], listen["inbound"], *pages)


_TOGETHER: Final = "`relay init --system` brings relay.socket and [listen] together"


def _one(addresses: Sequence[str]) -> str:
    return addresses[0] if addresses else ""


def _listening(name: str, fd: int) -> socket.socket:
    """The socket of that descriptor, if it is one that connections come to."""
    what = f"descriptor {fd} ({name or 'without a name'}) that was handed over"
    try:
        sock = socket.socket(fileno=fd)
    except OSError:
        raise ListenError(f"{what} is no socket") from None
    usable = sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM
    if not usable or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise ListenError(f"{what} is no listening TCP socket: use ListenStream= and Accept=no")
    if sock.family == socket.AF_INET6 and not sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY):
        # IPv4 clients would come with addresses of IPv6, by which neither credentials nor limits know them.
        host = sock.getsockname()[0]
        if host == "::" and name not in PAGES:
            raise ListenError(f"{what} takes IPv4 as IPv6: use BindIPv6Only=ipv6-only, and 0.0.0.0 beside [::]")
    sock.set_inheritable(False)
    sock.setblocking(False)
    return sock


def _role(name: str, sock: socket.socket, listen: ListenSettings) -> str:
    if name in ROLES:
        return name
    address = _address(sock)
    for role in ROLES:
        if any(_meant(text, address) for text in listen.get(role, ())):
            return role
    host, port = address
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    raise ListenError(f"no [listen] setting names {shown}, which was handed over: {_TOGETHER}")


def _address(sock: socket.socket) -> tuple[str, int]:
    host, port = sock.getsockname()[:2]
    return str(host).partition("%")[0], int(port)


def _meant(text: str, address: tuple[str, int]) -> bool:
    """Whether an address of the settings is, or takes in, that of a socket."""
    wanted = split_listen(text)
    host, port = address
    if wanted.port != port:
        return False
    return host in ("0.0.0.0", "::") if wanted.host == EVERY else wanted.host == host
