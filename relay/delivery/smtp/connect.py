"""Opening a session: addresses of a route's hosts in turn, EHLO, TLS, log-in.

aiosmtplib speaks up to here; then its transport goes to ``Session``.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import random
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import aiosmtplib

from relay.delivery.outcome import Bounced, Reach, Retry
from relay.delivery.smtp.answer import Found, Unsure
from relay.delivery.smtp.classify import lost
from relay.delivery.smtp.envelope import Timeouts
from relay.delivery.smtp.handshake import Opening, Target, TlsFailed, Unreachable, features
from relay.delivery.smtp.judge import Log, RouteFinding, undecided
from relay.delivery.smtp.reply import one_line
from relay.delivery.smtp.resolve import Lookup
from relay.delivery.smtp.route import Host, Route, unsure
from relay.delivery.smtp.session import Session
from relay.delivery.smtp.tls_policy import Mode, TlsPolicy, describe
from relay.delivery.smtp.turns import Turns
from relay.mail.status import temporary
from relay.values.inside import inside, own

MAX_TRIES = 10
"""Addresses tried for one connection, so that a site can't hold it up for hours."""
MAX_OF_HOST = 5
"""Of them for one host, where there are others (RFC 5321 §5.1: at least two)."""
SUBMISSIONS_PORT = 465
"""TLS from the first octet (RFC 8314 §3.3)."""

_LOOP = "this relay's own port"


@dataclass(frozen=True, slots=True)
class ConnectTerms:
    """What connections need of the settings; times in seconds."""

    hostname: str
    connect_s: float
    timeouts: Timeouts
    tls: TlsPolicy
    sources: Sequence[str] = ()
    own_ports: frozenset[int] = frozenset()
    """Ports on which this relay takes mail: an MX that leads there is a loop."""
    allow_private: bool = False
    """Dial addresses inside this machine and its networks even if DNS names them."""


class Nowhere(Exception):
    """No host of the site can be sent to, as far as DNS and the settings say; nothing was dialed."""

    def __init__(self, finding: RouteFinding) -> None:
        super().__init__(finding.text)
        self.finding = finding


class Opener:
    """Opens sessions; one for the whole engine."""

    def __init__(self, terms: ConnectTerms, lookup: Lookup, rng: random.Random, log: Log) -> None:
        self._terms = terms
        self._lookup = lookup
        self._log = log
        self._turns = Turns(rng)
        self._turn = 0

    async def open(self, route: Route) -> Session:
        """Try the hosts whose turn it is; raises Unreachable, or Nowhere."""
        worst: Retry | Bounced | None = None
        nowhere: list[RouteFinding] = []
        tries = 0
        for host in self._turns.hosts(route.site, route.hosts):
            found = await self._addresses(host, route)
            if isinstance(found, RouteFinding):
                nowhere.append(found)
                continue
            self._turns.failed(route.site, host.name)  # unless the site is reached now
            if isinstance(found, Retry):
                tries, worst = tries + 1, worst or found
                addresses = []
            else:
                most = MAX_TRIES - tries if len(route.hosts) == 1 else min(MAX_OF_HOST, MAX_TRIES - tries)
                addresses = self._turns.addresses(route.site, found)[:most]
            for address in addresses:
                tries += 1
                target = Target(host.name, address, route.port)
                try:
                    session = await self._try(target, route)
                except Unreachable as error:
                    self._turns.failed(route.site, address)
                    if worst is None or isinstance(error.outcome, Retry):
                        worst = error.outcome
                    self._log("unreachable", {"remote": str(target), "status": error.outcome.status})
                else:
                    self._turns.reached(route.site)
                    return session
            if tries >= MAX_TRIES:
                break
        if worst is None and nowhere:
            raise Nowhere(_worst_of(nowhere))
        raise Unreachable(worst or unsure("no host to try"))

    def fruitless(self, route: Route, session: Session) -> None:
        """The session took nothing: others of the site have their turn before its host."""
        host = session.remote.partition(" ")[0]
        self._turns.failed(route.site, host)
        self._turns.failed(route.site, session.remote.partition("[")[2].partition("]")[0])

    async def _addresses(self, host: Host, route: Route) -> list[str] | Retry | RouteFinding:
        """The host's addresses that may be dialed."""
        if _family(host.name) is not None:
            return self._allowed(host, [host.name], route)
        if host.name == "localhost" and not route.by_mx:
            return ["127.0.0.1", "::1"]
        answer = await self._lookup.addresses(host.name)
        if isinstance(answer, Unsure):
            return unsure(answer.why)
        if isinstance(answer, Found):
            return self._allowed(host, [address for _, address in answer.records], route)
        missing = RouteFinding("no-host", 50, 4, 4, f"the mail server {host.name} has no address")
        if not route.by_mx:
            return _temporarily(missing)
        return undecided(missing, answer.doubt) if answer.doubt else missing

    def _allowed(self, host: Host, addresses: list[str], route: Route) -> list[str] | RouteFinding:
        """Those that lead out of this machine and its networks. Checked here, as they are dialed as they are."""
        if not route.by_mx:
            return addresses
        why = ""
        allowed = []
        for address in addresses:
            word = self._forbidden(address, route.port)
            if word:
                why = why or f"{address} ({word})"
            else:
                allowed.append(address)
        if allowed:
            return allowed
        if _LOOP in why:
            return RouteFinding("loop", 54, 4, 6, f"the mail server {host.name} is this relay, mail would loop: {why}")
        return RouteFinding("inside", 50, 4, 4, f"the mail server {host.name} is where no mail is sent to: {why}")

    def _forbidden(self, address: str, port: int) -> str:
        """What it is that must not be dialed; empty if it may."""
        if port in self._terms.own_ports and own(address):
            return _LOOP
        if self._terms.allow_private:
            return ""
        return inside(address) or ("this machine" if own(address) else "")

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
        except TimeoutError:
            sock.close()
            raise Unreachable(_no_answer(target, "no connection in time")) from None
        except OSError as error:
            sock.close()
            raise Unreachable(_no_answer(target, _in_words(error))) from error
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


def _worst_of(findings: Sequence[RouteFinding]) -> RouteFinding:
    """The one that tells most: a loop, then an address inside, then none at all."""
    return next((finding for kind in ("loop", "inside") for finding in findings if finding.kind == kind), findings[0])


def _temporarily(finding: RouteFinding) -> Retry:
    return Retry(temporary(finding.basic, finding.subject, finding.detail, one_line(finding.text)), "", Reach.SITE)


def _no_answer(target: Target, why: str) -> Retry:
    return Retry(temporary(51, 4, 1, one_line(f"{target}: {why}")), str(target), Reach.SITE)


def _in_words(error: OSError) -> str:
    """``Connection refused``; asyncio's own text repeats the address."""
    return os.strerror(error.errno) if error.errno else error.strerror or type(error).__name__
