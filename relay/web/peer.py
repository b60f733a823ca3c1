"""Whose request it is: the connection's own address, and the client's behind proxies that are trusted.

``Insiders`` tells who may see figures and details. A header field alone never
makes anyone one of them: what an untrusted peer claims counts for nothing, and
what came through a proxy that isn't trusted is the public's.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Sequence
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

PEER: Final = "relay.peer"
"""Key of a scope: the address of the connection itself."""
_PROXIED: Final = frozenset(
    (
        *(b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"x-cluster-client-ip", b"true-client-ip"),
        *(b"x-forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port"),
        *(b"x-original-forwarded-for", b"x-forwarded-server", b"cf-connecting-ip", b"fastly-client-ip"),
    )
)
_IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Peer:
    """Notes the connection's address, then believes X-Forwarded-For of the trusted proxies."""

    def __init__(self, app: ASGIApp, proxies: Sequence[str]) -> None:
        inner: Any = ProxyHeadersMiddleware(app, list(proxies)) if proxies else app  # type: ignore[arg-type]
        self._app: ASGIApp = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("client"):
            host, port = scope["client"]
            scope["client"] = (plain(host), port)
            scope[PEER] = scope["client"][0]
        await self._app(scope, receive, send)


class Insiders:
    """Those in the networks of ``[http] metrics_from``."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ipaddress.ip_network(one) for one in networks]

    def has(self, scope: Scope) -> bool:
        host = client(scope)
        direct = scope.get(PEER, host) == host
        if direct and any(name in _PROXIED for name, _ in scope["headers"]):
            return False  # passed on by a proxy that doesn't say, or may not say, for whom
        address = _address(host)
        if address is None or (not direct and (address.is_loopback or "%" in host)):
            return False  # nobody comes to a proxy from there, but it is what one would claim
        return any(address in network for network in self._networks)


def client(scope: Scope) -> str:
    """The client's address as text; ``-`` where there is none. Bounded: a proxy may pass on what a client made up."""
    return plain(str((scope.get("client") or ("-",))[0])[:64])


@functools.lru_cache(1024)
def plain(host: str) -> str:
    """An IPv4 address that came in on an IPv6 socket as what it is."""
    address = _address(host)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return host if mapped is None else str(mapped)


@functools.lru_cache(1024)
def network(host: str) -> str:
    """Whose connections are counted together: an IPv4 address, a /64 of IPv6."""
    address = _address(host)
    return host if address is None or address.version == 4 else str(ipaddress.ip_network(f"{address}/64", strict=False))


def _address(host: str) -> _IPAddress | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
