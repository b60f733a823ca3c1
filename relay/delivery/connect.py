"""Opening a session: addresses of a route's hosts in turn, EHLO, TLS, log-in.

aiosmtplib speaks up to here; then its transport goes to ``Session``.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import aiosmtplib

from relay.delivery.classify import lost
from relay.delivery.envelope import Timeouts
from relay.delivery.handshake import Opening, Target, TlsFailed, Unreachable, features
from relay.delivery.outcome import Bounced, Reach, Retry
from relay.delivery.reply import one_line
from relay.delivery.resolve import Found, Lookup, Unsure
from relay.delivery.route import Host, Route, unsure
from relay.delivery.session import Session
from relay.delivery.tls_policy import Mode, TlsPolicy, describe
from relay.mail.status import permanent, temporary

MAX_TRIES = 10
"""Addresses tried for one connection, so that a site can't hold it up for hours."""
SUBMISSIONS_PORT = 465
"""TLS from the first octet (RFC 8314 §3.3)."""

Log = Callable[[str, Mapping[str, object]], None]
"""Takes the name of what happened and its details."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What connections need of the settings; times in seconds."""

    hostname: str
    connect_s: float
    timeouts: Timeouts
    tls: TlsPolicy
    sources: Sequence[str] = ()
    own_ports: frozenset[int] = frozenset()
    """Ports on which this relay takes mail: an MX that leads there is a loop."""


class Opener:
    """Opens sessions; one for the whole engine."""

    def __init__(self, terms: Terms, lookup: Lookup, rng: random.Random, log: Log) -> None:
        self._terms = terms
        self._lookup = lookup
        self._rng = rng
        self._log = log
        self._turn = 0

    async def open(self, route: Route) -> Session:
        """Try the hosts by preference, equal ones in random order; raises Unreachable."""
        worst: Retry | Bounced | None = None
        tries = 0
        for host in self._order(route.hosts):
            found = await self._addresses(host)
            if isinstance(found, Retry):
                worst = worst or found
                continue
            for address in found[: MAX_TRIES - tries]:
                tries += 1
                target = Target(host.name, address, route.port)
                try:
                    return await self._try(target, route)
                except Unreachable as error:
                    if worst is None or isinstance(error.outcome, Retry):
                        worst = error.outcome
                    self._log("unreachable", {"remote": str(target), "status": error.outcome.status})
            if tries >= MAX_TRIES:
                break
        raise Unreachable(worst or unsure("no host to try"))

    def _order(self, hosts: Sequence[Host]) -> list[Host]:
        if len(hosts) == 1:
            return list(hosts)
        shuffled = list(hosts)
        self._rng.shuffle(shuffled)
        return sorted(shuffled, key=lambda host: host.preference)

    async def _addresses(self, host: Host) -> list[str] | Retry:
        """The host's addresses in random order, IPv4 and IPv6 alike."""
        if _family(host.name) is not None:
            return [host.name]
        if host.name == "localhost":
            return ["127.0.0.1", "::1"]
        answer = await self._lookup.addresses(host.name)
        if isinstance(answer, Unsure):
            return unsure(answer.why)
        if not isinstance(answer, Found):
            return Retry(temporary(51, 4, 4, f"the host {host.name} has no address"), "", Reach.SITE)
        addresses = [address for _, address in answer.records]
        self._rng.shuffle(addresses)
        return addresses

    async def _try(self, target: Target, route: Route) -> Session:
        """One address; with opportunistic TLS that fails, once more in plaintext."""
        tls = self._terms.tls
        try:
            return await self._session(target, route, tls.mode)
        except TlsFailed as failed:
            self._log("tls-failed", {"remote": str(target), "cause": str(failed)})
            if tls.mode is not Mode.OPPORTUNISTIC:
                text = one_line(f"no secure connection to {target}: {failed}")
                raise Unreachable(Retry(temporary(51, 7, 5, text), str(target), Reach.SITE)) from failed
        return await self._session(target, route, Mode.NONE)

    async def _session(self, target: Target, route: Route, mode: Mode) -> Session:
        sock = await self._connect(target, route)
        timeout_s = self._terms.timeouts.command_s
        implicit = route.login is not None and target.port == SUBMISSIONS_PORT
        client = aiosmtplib.SMTP(
            hostname=target.host,
            sock=sock,
            local_hostname=self._terms.hostname,
            timeout=timeout_s,
            start_tls=False,
            use_tls=implicit,
            tls_context=self._context() if implicit else None,
        )
        opening = Opening(client, target, mode, self._terms.tls.context)
        try:
            await opening.run(implicit)
            if route.login is not None:
                await opening.log_in(route.login)
            # uvloop's transports have the interface of asyncio.Transport but not the type.
            transport = cast("asyncio.Transport | None", client.transport)
            if transport is None or transport.is_closing():
                raise Unreachable(lost(opening.where, "connection lost", str(target), Reach.SITE))
            offered = features(client.esmtp_extensions)
            cipher = transport.get_extra_info("cipher")
            return Session(transport, str(target), describe(cipher), offered, self._terms.timeouts)
        except BaseException:
            client.close()
            sock.close()
            raise

    def _context(self) -> ssl.SSLContext:
        return self._terms.tls.context or ssl.create_default_context(ssl.Purpose.SERVER_AUTH)

    async def _connect(self, target: Target, route: Route) -> socket.socket:
        family = _family(target.address)
        if family is None:
            raise Unreachable(unsure(f"{target.address} is no address"))
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._bind(sock, family)
            loop = asyncio.get_running_loop()
            where = (target.address, target.port)
            await asyncio.wait_for(loop.sock_connect(sock, where), self._terms.connect_s)
            if route.by_mx and target.port in self._terms.own_ports and _self_connected(sock):
                text = f"{target.host} is this relay: mail would loop"
                raise Unreachable(Bounced(permanent(54, 4, 6, text), str(target), Reach.SITE))
        except TimeoutError:
            sock.close()
            raise Unreachable(_no_answer(target, "no connection in time")) from None
        except OSError as error:
            sock.close()
            raise Unreachable(_no_answer(target, error.strerror or type(error).__name__)) from error
        except BaseException:
            sock.close()
            raise
        return sock

    def _bind(self, sock: socket.socket, family: socket.AddressFamily) -> None:
        """Go out from the next of our addresses; one family of them only means that family only."""
        if not self._terms.sources:
            return
        fitting = [source for source in self._terms.sources if _family(source) is family]
        if not fitting:
            raise OSError(0, "no source address of this family")
        self._turn += 1
        sock.bind((fitting[self._turn % len(fitting)], 0))


def _family(address: str) -> socket.AddressFamily | None:
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return None
    return socket.AF_INET if version == 4 else socket.AF_INET6


def _self_connected(sock: socket.socket) -> bool:
    """The connection stays on this machine."""
    return bool(sock.getpeername()[0] == sock.getsockname()[0])


def _no_answer(target: Target, why: str) -> Retry:
    return Retry(temporary(51, 4, 1, one_line(f"{target}: {why}")), str(target), Reach.SITE)
