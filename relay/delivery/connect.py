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
from pathlib import Path
from typing import cast

import aiosmtplib

from relay.delivery.classify import decide, lost
from relay.delivery.outcome import Bounced, Reach, Retry, Where
from relay.delivery.reply import Reply, one_line
from relay.delivery.resolve import Found, Lookup, Unsure
from relay.delivery.route import Host, Login, Route, unsure
from relay.delivery.session import Features, Session, Timeouts
from relay.delivery.tls_policy import Mode, TlsPolicy, describe
from relay.mail.status import permanent, temporary

MAX_TRIES = 10
"""Addresses tried for one connection, so that a site can't hold it up for hours."""
SUBMISSIONS_PORT = 465
"""TLS from the first octet (RFC 8314 §3.3)."""

Log = Callable[[str, Mapping[str, object]], None]
"""Takes the name of what happened and its details."""


class Unreachable(Exception):
    """No session; ``outcome`` is that of the copies that wait for one."""

    def __init__(self, outcome: Retry | Bounced) -> None:
        super().__init__(outcome.status)
        self.outcome = outcome


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


@dataclass(frozen=True, slots=True)
class Target:
    """One address of one host."""

    host: str
    address: str
    port: int

    def __str__(self) -> str:
        port = "" if self.port == 25 else f":{self.port}"
        return f"{self.host} [{self.address}]{port}"


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
        except _TlsFailed as failed:
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
        opening = _Opening(client, target, mode, self._terms.tls.context)
        try:
            await opening.run(implicit)
            if route.login is not None:
                await opening.log_in(route.login)
            # uvloop's transports have the interface of asyncio.Transport but not the type.
            transport = cast("asyncio.Transport | None", client.transport)
            if transport is None or transport.is_closing():
                raise Unreachable(lost(opening.where, "connection lost", str(target), Reach.SITE))
            features = _features(client.esmtp_extensions)
            cipher = transport.get_extra_info("cipher")
            return Session(transport, str(target), describe(cipher), features, self._terms.timeouts)
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


class _TlsFailed(Exception):
    """TLS was tried and failed, or is required and not there."""


class _Opening:
    """Greeting, EHLO, STARTTLS, AUTH with aiosmtplib, its errors turned into ours."""

    def __init__(self, client: aiosmtplib.SMTP, target: Target, mode: Mode, context: ssl.SSLContext | None) -> None:
        self.where = Where.GREETING
        self._client = client
        self._target = target
        self._mode = mode
        self._context = context

    async def run(self, implicit: bool) -> None:
        """Raises Unreachable or _TlsFailed."""
        try:
            await self._client.connect()
            self.where = Where.EHLO
            await self._hello()
            if not implicit and self._mode is not Mode.NONE:
                await self._secure()
        except _TlsFailed:
            raise
        except ssl.SSLError as error:
            raise _TlsFailed(_text(error)) from error
        except aiosmtplib.SMTPException as error:
            raise Unreachable(self._outcome(error)) from error
        except (OSError, ValueError, UnicodeError) as error:
            raise Unreachable(lost(self.where, _text(error), str(self._target), Reach.SITE)) from error

    async def _hello(self) -> None:
        """EHLO, and HELO where it is refused (RFC 5321 §3.2)."""
        try:
            await self._client.ehlo()
        except aiosmtplib.SMTPHeloError as error:
            if error.code == 421 or not self._client.is_connected:
                raise
            await self._client.helo()

    async def _secure(self) -> None:
        """STARTTLS and EHLO again; plaintext that came after the 220 is dropped (RFC 3207 §4.2)."""
        if not self._client.supports_extension("starttls"):
            if self._mode is Mode.REQUIRED:
                raise _TlsFailed("STARTTLS is not offered")
            return
        self.where = Where.TLS
        try:
            await self._client.starttls(server_hostname=self._target.host, tls_context=self._context)
        except aiosmtplib.SMTPResponseException as error:
            if self._mode is Mode.REQUIRED or not self._client.is_connected:
                raise _TlsFailed(f"STARTTLS was answered {error.code} {one_line(error.message)}") from error
            return
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise _TlsFailed(_text(error)) from error
        try:
            await self._hello()
        except aiosmtplib.SMTPServerDisconnected as error:
            # TLS 1.3: the remote's complaint about the handshake comes only now.
            raise _TlsFailed(_text(error)) from error

    async def log_in(self, login: Login) -> None:
        """AUTH at the smart host; never in plaintext, but on the loopback."""
        self.where = Where.AUTH
        secure = self._client.get_transport_info("cipher") is not None
        if not secure and not ipaddress.ip_address(self._target.address).is_loopback:
            text = f"{self._target} offers no TLS, so the password was not sent"
            raise Unreachable(Retry(temporary(54, 7, 0, text), str(self._target), Reach.SITE))
        try:
            await self._client.login(login.user, login.password)
        except aiosmtplib.SMTPException as error:
            raise Unreachable(self._outcome(error)) from error
        except OSError as error:
            raise Unreachable(lost(self.where, _text(error), str(self._target), Reach.SITE)) from error

    def _outcome(self, error: aiosmtplib.SMTPException) -> Retry | Bounced:
        if isinstance(error, aiosmtplib.SMTPResponseException) and 200 <= error.code < 600:
            return decide(self.where, Reply(error.code, error.message), str(self._target))
        return lost(self.where, _text(error), str(self._target), Reach.SITE)


def _features(offered: Mapping[str, str]) -> Features:
    size = offered.get("size", "")
    return Features(
        pipelining="pipelining" in offered,
        eight_bit="8bitmime" in offered,
        smtputf8="smtputf8" in offered,
        dsn="dsn" in offered,
        size="size" in offered,
        largest_octets=int(size) if size.isascii() and size.isdigit() and len(size) < 16 else 0,
    )


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


def _text(error: Exception) -> str:
    return one_line(str(error) or type(error).__name__)


def read_login(user: str, password_file: Path | None) -> Login | None:
    """The smart host's log-in; raises ValueError with what to do."""
    if not user:
        return None
    if password_file is None:
        raise ValueError("delivery.smart_host_user needs delivery.smart_host_password_file")
    try:
        return Login(user, password_file.read_text("utf-8").rstrip("\r\n"))
    except (OSError, UnicodeError) as error:
        raise ValueError(f"delivery.smart_host_password_file can't be read: {_text(error)}") from error
