"""Where a domain's mail goes: a configured route, the smart host, or its MX.

RFC 5321 §5.1 (MX, implicit MX, the relay in its own MX list), RFC 7505 (null
MX), §4.1.3 (address literals). Only a null MX and an address literal are
answered for good at once; all else that stands in the way is a finding, which
the judge lets be final when looks hours apart agree. None says that an address
is dead.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from relay.delivery.outcome import Bounced, Reach, Retry
from relay.delivery.smtp.answer import NEGATIVE_TTL_S, Found, Missing
from relay.delivery.smtp.judge import SITE, Judge, RouteFinding, undecided
from relay.delivery.smtp.reply import one_line
from relay.delivery.smtp.resolve import Lookup
from relay.mail.status import permanent, temporary
from relay.values.inside import inside, own

MAX_HOSTS = 100
MAX_ENTRIES = 10_000
MOST_PROBED = 3
"""Hosts of a domain whose addresses are looked up to see whether it is well."""


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
    allow_private: bool = False
    """Addresses inside this machine and its networks are sent to even if DNS or a literal names them."""


class Router:
    """Finds routes and keeps them as long as their TTL allows. Without a judge nothing is final but a null MX."""

    def __init__(
        self, routing: Routing, lookup: Lookup, monotonic: Callable[[], float], judge: Judge | None = None
    ) -> None:
        self._routing = routing
        self._lookup = lookup
        self._monotonic = monotonic
        self._judge = judge
        self._known: OrderedDict[str, tuple[float, Routed]] = OrderedDict()
        self._domains: OrderedDict[str, str] = OrderedDict()
        """One of the domains of each site that was looked up since it was last reached."""

    def known(self, domain: str) -> Routed | None:
        """The route if it is known without asking DNS."""
        entry = self._known.get(domain)
        return entry[1] if entry is not None and entry[0] > self._monotonic() else None

    async def find(self, domain: str, *, typed: bool = False) -> Routed:
        """The route, or the outcome for copies to a domain that has none now; ``typed``: see ``Attempt.typed``."""
        routed, ttl_s = await self._find(domain, typed)
        self._known[domain] = (self._monotonic() + ttl_s, routed)
        self._known.move_to_end(domain)
        if len(self._known) > MAX_ENTRIES:
            self._known.popitem(last=False)
        return routed

    async def _find(self, domain: str, typed: bool) -> tuple[Routed, float]:
        target = self._configured(domain)
        if target:
            login = self._routing.login if target == self._routing.smart_host else None
            return fixed(target, login), 86_400.0
        if domain.startswith("["):
            return self._literal(domain), 86_400.0
        routed, ttl_s = await self._by_dns(domain)
        if isinstance(routed, RouteFinding):
            return await self.judged(domain, routed, typed=typed), min(ttl_s, NEGATIVE_TTL_S)
        if isinstance(routed, Route) and self._judge is not None:
            self._judge.found(domain)
            self._domains[routed.site] = domain
            self._domains.move_to_end(routed.site)
            if len(self._domains) > MAX_ENTRIES:
                self._domains.popitem(last=False)
        return routed, ttl_s

    async def judged(self, name: str, finding: RouteFinding, *, typed: bool = False) -> Retry | Bounced:
        """What a finding means for copies now; ``name``: a domain, or SITE and a site's name."""
        if self._judge is None:
            return undecided(finding, "it is looked up again")
        return await self._judge.missing(name, finding, self._is_well, typed=typed)

    def reached(self, route: Route) -> None:
        """A session to the site was opened."""
        if self._judge is None or not route.by_mx:
            return
        self._judge.found(SITE + route.site)
        domain = self._domains.pop(route.site, "")
        if domain:
            self._judge.reached(domain)

    async def _by_dns(self, domain: str) -> tuple[Routed | RouteFinding, float]:
        answer = await self._lookup.mx(domain)
        if isinstance(answer, Found):
            return self._by_mx(domain, answer), answer.ttl_s
        if isinstance(answer, Missing):
            return await self._implicit(domain, answer)
        return unsure(answer.why), answer.ttl_s

    def _literal(self, domain: str) -> Route | Bounced:
        address = domain[1:-1].removeprefix("IPv6:").removeprefix("ipv6:")
        word = "" if self._routing.allow_private else inside(address) or ("this machine" if own(address) else "")
        if word:
            return _bounced(50, 4, 4, f"{domain} is {word}: no mail is sent there")
        return Route(self._site(domain), (Host(0, address),), self._routing.port)

    async def _is_well(self, domain: str) -> bool | None:
        """Asks anew whether mail can go to a domain; None: not sure."""
        answer = await self._lookup.mx(domain, fresh=True)
        names = [name for _, name in sorted(answer.records)][:MOST_PROBED] if isinstance(answer, Found) else [domain]
        sure = isinstance(answer, Found | Missing) and not getattr(answer, "doubt", "")
        for name in names:
            found = await self._lookup.addresses(name, fresh=True)
            if isinstance(found, Found) and any(
                self._routing.allow_private or not inside(address) for _, address in found.records
            ):
                return True
            sure = sure and isinstance(found, Found | Missing) and not getattr(found, "doubt", "")
        return False if sure else None

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

    async def _implicit(self, domain: str, mx: Missing) -> tuple[Routed | RouteFinding, float]:
        """No MX: the domain itself is the host, if it has an address (RFC 5321 §5.1).

        So it is also where the name doesn't exist as far as MX is asked for: some servers say so wrongly.
        """
        answer = await self._lookup.addresses(domain)
        if isinstance(answer, Found):
            if self._own(domain):
                return self._loop(domain), answer.ttl_s
            return Route(self._site(domain), (Host(0, domain),), self._routing.port), answer.ttl_s
        if not isinstance(answer, Missing):
            return unsure(answer.why), answer.ttl_s
        if mx.no_name and answer.no_name:
            finding = RouteFinding("no-name", 50, 1, 2, f"the domain {domain} does not exist")
        else:
            finding = RouteFinding("no-host", 50, 4, 4, f"the domain {domain} has neither MX nor address")
        doubt = mx.doubt or answer.doubt
        return undecided(finding, doubt) if doubt else finding, min(mx.ttl_s, answer.ttl_s)

    def _by_mx(self, domain: str, answer: Found) -> Routed | RouteFinding:
        hosts = sorted(set(answer.records))
        if {name for _, name in hosts} == {""}:
            return _bounced(56, 1, 10, f"the domain {domain} takes no mail (null MX)")
        own_preference = min((preference for preference, name in hosts if self._own(name)), default=None)
        if own_preference is not None:
            hosts = [host for host in hosts if host[0] < own_preference]
            if not hosts:
                return self._loop(domain)
        usable = [Host(preference, name) for preference, name in hosts if name and not _is_address(name)]
        if not usable:
            return RouteFinding("no-host", 50, 4, 4, f"the MX of {domain} is no host name")
        usable = usable[:MAX_HOSTS]
        return Route(self._site(",".join(sorted({host.name for host in usable}))), tuple(usable), self._routing.port)

    def _own(self, name: str) -> bool:
        """This relay, or the loopback by name (RFC 6761 §6.3): mail would come back."""
        return name == self._routing.hostname or name == "localhost" or name.endswith(".localhost")

    def _loop(self, domain: str) -> RouteFinding:
        return RouteFinding("loop", 54, 4, 6, f"mail for {domain} loops back to this relay by its MX")

    def _site(self, names: str) -> str:
        return f"{names}:{self._routing.port}"


def fixed(target: str, login: Login | None) -> Route:
    """A route to ``host:port``."""
    host, _, port = target.rpartition(":")
    return Route(f"={target}", (Host(0, host.strip("[]")),), int(port), login, by_mx=False)


def unsure(why: str) -> Retry:
    """DNS can't tell now."""
    return Retry(temporary(51, 4, 3, one_line(why)), "", Reach.SITE)


def _bounced(basic: int, subject: int, detail: int, text: str) -> Bounced:
    return Bounced(permanent(basic, subject, detail, one_line(text)), "", Reach.SITE)


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
        password = password_file.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "no text in UTF-8"
        raise ValueError(f"delivery.smart_host_password_file {password_file} can't be read: {why}") from error
    if not password:
        raise ValueError(f"delivery.smart_host_password_file {password_file} is empty; write the password into it")
    return Login(user, password)
