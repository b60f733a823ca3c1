"""DNS as the world sees it: the operator's own names, and the tenants' domains.

The look-up is handed in. Look-ups run side by side, each with its own time
limit, so that many domains don't add up to a long wait.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

from config.settings import Settings
from relay.checks.result import CheckResult, Level, bad, ok, warn
from relay.tenants import domain_check
from relay.tenants.domain_check import RecordFinding, RecordState
from relay.tenants.domains import DnsRecord
from relay.tenants.lookup import LookupFailed, RecordLookup

SIDE_BY_SIDE = 16
ADVICE_UNKNOWN = "try again; dns.nameservers names the resolvers"

_OPTIONAL = {
    "return-path": "until then bounces come back under the relay's own domain",
    "spf": "merge it with the SPF record that is there, if any: a domain has one",
    "dmarc": "keep the record that is there, if any",
}


@dataclass(frozen=True, slots=True)
class RecordResult(CheckResult):
    """The check of one record that should be there; ``finding`` holds both."""

    finding: RecordFinding | None = None


def check_operator(settings: Settings, lookup: RecordLookup) -> list[CheckResult]:
    """Addresses of the hostname, PTR of the source addresses, and SPF and MX of the mail domain."""
    tasks: list[Callable[[], list[CheckResult]]] = [
        lambda: _hostname(settings, lookup),
        lambda: _mail_exchanger(settings, lookup),
        lambda: _spf(settings, lookup),
    ]
    if not settings.delivery.smart_host:
        tasks.append(lambda: _pointers(settings, lookup))
    return _side_by_side(tasks)


def check_records(domains: Sequence[tuple[str, Sequence[DnsRecord]]], lookup: RecordLookup) -> list[CheckResult]:
    """The records that tenants' domains should have; ``domains`` are (name, records)."""
    return _side_by_side([_of_domain(name, records, lookup) for name, records in domains])


def _side_by_side(tasks: Iterable[Callable[[], list[CheckResult]]]) -> list[CheckResult]:
    with ThreadPoolExecutor(SIDE_BY_SIDE, "dns") as pool:
        return list(chain.from_iterable(pool.map(lambda task: task(), tasks)))


# --- tenants' domains ------------------------------------------------------------


def _of_domain(name: str, records: Sequence[DnsRecord], lookup: RecordLookup) -> Callable[[], list[CheckResult]]:
    return lambda: [_record(name, finding) for finding in domain_check.check(records, lookup)]


def _record(domain: str, finding: RecordFinding) -> RecordResult:
    record = finding.record
    what = f"{domain} {record.purpose}"
    publish = f'{record.type} {record.name} "{record.value}"'
    if finding.state is RecordState.OK and finding.remarks:
        return RecordResult(Level.WARN, what, finding.told, "; ".join(finding.remarks), finding)
    if finding.state is RecordState.OK and finding.told:
        return RecordResult(Level.OK, what, finding.told, finding=finding)
    if finding.state is RecordState.OK:
        return RecordResult(Level.OK, what, f"{record.type} {record.name}", finding=finding)
    if finding.state is RecordState.UNKNOWN:
        cause = finding.cause
        detail = cause if cause.startswith("TXT ") else f"{record.type} {record.name} can't be looked up: {cause}"
        return RecordResult(Level.WARN, what, detail, ADVICE_UNKNOWN, finding)
    detail = f"{record.type} {record.name} is {finding.state}"
    if finding.told:
        detail = finding.told
    if finding.found:
        detail += f': "{finding.found[0]}"'
    if record.purpose in _OPTIONAL:
        todo = f"publish {publish}; {_OPTIONAL[record.purpose]}"
        return RecordResult(Level.WARN, what, detail, todo, finding)
    return RecordResult(Level.FAIL, what, detail, f"publish {publish}", finding)


# --- the operator's names ----------------------------------------------------------


def _hostname(settings: Settings, lookup: RecordLookup) -> list[CheckResult]:
    name, what = settings.server.hostname, "hostname"
    try:
        found = _addresses(name, lookup)
    except LookupFailed as error:
        return [_unknown(what, name, error)]
    if not found:
        return [bad(what, f"{name} has no A or AAAA record", f"publish the address of this machine at {name}")]
    return [ok(what, f"{name} is {', '.join(found)}")]


def _pointers(settings: Settings, lookup: RecordLookup) -> list[CheckResult]:
    """Forward-confirmed reverse DNS of each address that mail leaves from (RFC 8601 §2.7.3)."""
    hostname, what = settings.server.hostname, "PTR"
    try:
        addresses = settings.delivery.source_addresses or _addresses(hostname, lookup)
    except LookupFailed:
        return []  # told with the hostname
    return [_pointer(address, hostname, what, lookup) for address in addresses]


def _pointer(address: str, hostname: str, what: str, lookup: RecordLookup) -> CheckResult:
    todo = f"have your provider set the PTR of {address} to {hostname}"
    try:
        names = list(lookup(address, "PTR"))
        confirmed = [name for name in names[:10] if address in _addresses(name, lookup)]
    except LookupFailed as error:
        return _unknown(what, address, error)
    if not names:
        return bad(what, f"{address} has none: many servers refuse its mail", todo)
    if not confirmed:
        return bad(what, f"{address} is {names[0]}, which doesn't point back", f"publish {address} at {names[0]}")
    if hostname not in confirmed:
        return warn(what, f"{address} is {confirmed[0]}, not {hostname}", f"{todo}, or server.hostname to that name")
    return ok(what, f"{address} is {hostname} and back")


def _mail_exchanger(settings: Settings, lookup: RecordLookup) -> list[CheckResult]:
    """Bounces and unsubscribe mails must find this relay (RFC 5321 §5.1, RFC 7505)."""
    domain, hostname, what = settings.links.mail_domain, settings.server.hostname, "mail domain"
    point = f"publish MX 10 {hostname} at {domain}"
    try:
        hosts = list(lookup(domain, "MX"))
        direct = [] if hosts else _addresses(domain, lookup)
    except LookupFailed as error:
        return [_unknown(what, domain, error)]
    if "" in hosts:
        return [bad(what, f"{domain} says that it takes no mail (null MX): bounces are lost", point)]
    if not hosts and not direct:
        return [bad(what, f"{domain} has no MX and no address: bounces are lost", point)]
    if hosts and hostname not in hosts:
        return [warn(what, f"{domain} has the MX {', '.join(hosts)}: bounces don't come here", point)]
    return [ok(what, f"{domain} takes mail at {', '.join(hosts or direct)}")]


# --- SPF of the reverse-path's domain (RFC 7208) -----------------------------------


def _spf(settings: Settings, lookup: RecordLookup) -> list[CheckResult]:
    domain, hostname, what = settings.links.mail_domain, settings.server.hostname, "SPF"
    proposal = f'publish TXT {domain} "v=spf1 a:{hostname} ~all"'
    try:
        found = [text for text in lookup(domain, "TXT") if text.lower().split(" ", 1)[0] == "v=spf1"]
        if not found:
            return [bad(what, f"{domain} has none", proposal)]
        if len(found) > 1:
            return [bad(what, f"{domain} has {len(found)} records: receivers take none", "merge them into one")]
        terms = found[0].lower().split()[1:]
        if "all" in terms or "+all" in terms:
            return [warn(what, f"{domain} allows everyone to send (+all)", "end it with ~all or -all")]
        if settings.delivery.smart_host:
            return [ok(what, f'{domain} has one; it has to cover the smart host: "{found[0]}"')]
        missing = _not_covered(terms, settings, lookup)
    except LookupFailed as error:
        return [_unknown(what, domain, error)]
    if not missing:
        return [ok(what, f"{domain} covers the addresses that mail leaves from")]
    listed = ", ".join(missing)
    if any(term.lstrip("+").startswith(("include:", "redirect=", "exists:")) for term in terms):
        return [warn(what, f"{domain} doesn't itself name {listed}", "see that what it includes does")]
    additions = " ".join(f"ip{ipaddress.ip_address(address).version}:{address}" for address in missing)
    return [bad(what, f"{domain} doesn't cover {listed}", f"add {additions} to its record")]


def _not_covered(terms: Sequence[str], settings: Settings, lookup: RecordLookup) -> list[str]:
    """Source addresses that no pass mechanism of the record itself names."""
    wanted = settings.delivery.source_addresses or _addresses(settings.server.hostname, lookup)
    networks = list(chain.from_iterable(_networks(term, settings.links.mail_domain, lookup) for term in terms[:50]))
    return [text for text in wanted if not any(_inside(text, network) for network in networks)]


def _networks(term: str, domain: str, lookup: RecordLookup) -> list[str]:
    """``ip4 ip6 a mx`` as networks; other mechanisms, and those that don't pass, name none."""
    term = term.removeprefix("+")
    if term.startswith(("ip4:", "ip6:")):
        return [term[4:]]
    head, _, prefix = term.partition("/")
    kind, _, name = head.partition(":")
    name = name or domain
    if kind == "a":
        hosts: Sequence[str] = [name]
    elif kind == "mx":
        hosts = [host for host in lookup(name, "MX")[:10] if host]
    else:
        return []
    four, _, six = prefix.partition("//")
    found = chain.from_iterable(_addresses(host, lookup) for host in hosts)
    return [f"{a}/{six or 128}" if ":" in a else f"{a}/{four or 32}" for a in found]


def _inside(address: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _addresses(name: str, lookup: RecordLookup) -> list[str]:
    return [str(ipaddress.ip_address(text)) for kind in ("A", "AAAA") for text in lookup(name, kind)]


def _unknown(what: str, name: str, error: LookupFailed) -> CheckResult:
    return warn(what, f"{name} can't be looked up: {error}", ADVICE_UNKNOWN)
