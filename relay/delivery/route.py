"""Where a domain's mail goes: a configured route, the smart host, or its MX.

RFC 5321 §5.1 (MX, implicit MX, the relay in its own MX list), RFC 7505 (null
MX), §4.1.3 (address literals). Answers are permanent only where DNS is sure.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from relay.delivery.outcome import Bounced, Reach, Retry
from relay.delivery.reply import one_line
from relay.delivery.resolve import Found, Lookup, Missing
from relay.mail.status import permanent, temporary

MAX_HOSTS = 100
MAX_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class Host:
    """A server to try: name (or IP address), lower is better."""

    preference: int
    name: str


@dataclass(frozen=True, slots=True)
class Login:
    """AUTH at a smart host."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Login({self.user!r})"


@dataclass(frozen=True, slots=True)
class Route:
    """``site`` names the set of hosts; destinations with the same one share connections and limits."""

    site: str
    hosts: tuple[Host, ...]
    port: int
    login: Login | None = None
    by_mx: bool = True
    """Found by DNS, so that it may be a loop; else an operator wrote it."""


Routed = Route | Retry | Bounced


@dataclass(frozen=True, slots=True)
class Routing:
    """The settings that routing needs."""

    hostname: str
    port: int = 25
    routes: Mapping[str, str] | None = None
    """``example.com``, ``.example.com`` (its subdomains) or ``*`` to ``host:port``."""
    smart_host: str = ""
    login: Login | None = None


class Router:
    """Finds routes and keeps them as long as their TTL allows."""

    def __init__(self, routing: Routing, lookup: Lookup, monotonic: Callable[[], float]) -> None:
        self._routing = routing
        self._lookup = lookup
        self._monotonic = monotonic
        self._known: OrderedDict[str, tuple[float, Routed]] = OrderedDict()

    def known(self, domain: str) -> Routed | None:
        """The route if it is known without asking DNS."""
        entry = self._known.get(domain)
        return entry[1] if entry is not None and entry[0] > self._monotonic() else None

    async def find(self, domain: str) -> Routed:
        """The route, or the outcome for copies to a domain that has none now."""
        routed, ttl_s = await self._find(domain)
        self._known[domain] = (self._monotonic() + ttl_s, routed)
        self._known.move_to_end(domain)
        if len(self._known) > MAX_ENTRIES:
            self._known.popitem(last=False)
        return routed

    async def _find(self, domain: str) -> tuple[Routed, float]:
        target = self._configured(domain)
        if target:
            login = self._routing.login if target == self._routing.smart_host else None
            return fixed(target, login), 86_400.0
        if domain.startswith("["):
            address = domain[1:-1].removeprefix("IPv6:").removeprefix("ipv6:")
            return Route(self._site(domain), (Host(0, address),), self._routing.port), 86_400.0
        answer = await self._lookup.mx(domain)
        if isinstance(answer, Found):
            return self._by_mx(domain, answer), answer.ttl_s
        if isinstance(answer, Missing):
            if answer.no_name:
                return _bounced(50, 1, 2, f"the domain {domain} does not exist", dead=True), answer.ttl_s
            return await self._implicit(domain)
        return unsure(answer.why), answer.ttl_s

    def _configured(self, domain: str) -> str:
        routes = self._routing.routes or {}
        if domain in routes:
            return routes[domain]
        rest = domain
        while not domain.startswith("[") and "." in rest:
            rest = rest.partition(".")[2]
            if f".{rest}" in routes:
                return routes[f".{rest}"]
        return routes.get("*", "") or self._routing.smart_host

    async def _implicit(self, domain: str) -> tuple[Routed, float]:
        """No MX: the domain itself is the host, if it has an address (RFC 5321 §5.1)."""
        answer = await self._lookup.addresses(domain)
        if isinstance(answer, Found):
            if self._own(domain):
                return self._loop(domain), answer.ttl_s
            return Route(self._site(domain), (Host(0, domain),), self._routing.port), answer.ttl_s
        if isinstance(answer, Missing):
            # The MX answer said that the name exists, so this is no proof that the address is dead.
            return _bounced(50, 4, 4, f"the domain {domain} has neither MX nor address", dead=False), answer.ttl_s
        return unsure(answer.why), answer.ttl_s

    def _by_mx(self, domain: str, answer: Found) -> Routed:
        hosts = sorted(set(answer.records))
        if [name for _, name in hosts] == [""]:
            return _bounced(56, 1, 10, f"the domain {domain} takes no mail (null MX)", dead=True)
        own = min((preference for preference, name in hosts if self._own(name)), default=None)
        if own is not None:
            hosts = [host for host in hosts if host[0] < own]
            if not hosts:
                return self._loop(domain)
        usable = [Host(preference, name) for preference, name in hosts if name and not _is_address(name)]
        if not usable:
            return Retry(temporary(51, 4, 4, f"the MX of {domain} is no host name"), "", Reach.SITE)
        usable = usable[:MAX_HOSTS]
        return Route(self._site(",".join(sorted({host.name for host in usable}))), tuple(usable), self._routing.port)

    def _own(self, name: str) -> bool:
        """This relay, or the loopback by name (RFC 6761 §6.3): mail would come back."""
        return name == self._routing.hostname or name == "localhost" or name.endswith(".localhost")

    def _loop(self, domain: str) -> Bounced:
        return _bounced(54, 4, 6, f"mail for {domain} loops back to this relay by its MX", dead=False)

    def _site(self, names: str) -> str:
        return f"{names}:{self._routing.port}"


def fixed(target: str, login: Login | None) -> Route:
    """A route to ``host:port``."""
    host, _, port = target.rpartition(":")
    return Route(f"={target}", (Host(0, host.strip("[]")),), int(port), login, by_mx=False)


def unsure(why: str) -> Retry:
    """DNS can't tell now."""
    return Retry(temporary(51, 4, 3, one_line(why)), "", Reach.SITE)


def _bounced(basic: int, subject: int, detail: int, text: str, *, dead: bool) -> Bounced:
    return Bounced(permanent(basic, subject, detail, text), "", Reach.SITE, dead)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def read_login(user: str, password_file: Path | None) -> Login | None:
    """The smart host's log-in; raises ValueError with what to do."""
    if not user:
        return None
    if password_file is None:
        raise ValueError("delivery.smart_host_user needs delivery.smart_host_password_file")
    try:
        return Login(user, password_file.read_text("utf-8").rstrip("\r\n"))
    except (OSError, UnicodeError) as error:
        raise ValueError(f"delivery.smart_host_password_file can't be read: {one_line(str(error))}") from error
