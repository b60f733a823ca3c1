"""Comparing a domain's DNS with the records it should have.

The look-up is handed in, so that this needs no network; ``resolver`` makes one
that asks the nameservers of the settings, with a time limit for each question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from relay.registry.domains import Record

if TYPE_CHECKING:
    from config.settings import Settings


class LookupFailed(Exception):
    """No answer: time-out, SERVFAIL, unreachable. The text says which."""


Lookup = Callable[[str, str], Sequence[str]]
"""(name, type) → values: TXT strings joined, host names in lower case without the last dot.

Empty where the name or type isn't there; raises LookupFailed if that can't be known.
"""


class State(StrEnum):
    OK = "ok"
    MISSING = "missing"
    DIFFERENT = "different"
    UNKNOWN = "unknown"
    """The look-up failed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One record and what DNS holds in its place."""

    record: Record
    state: State
    found: tuple[str, ...] = ()
    cause: str = ""


def check(records: Iterable[Record], lookup: Lookup) -> list[Finding]:
    """Look each record up."""
    return [_check(record, lookup) for record in records]


def proves(findings: Iterable[Finding]) -> bool:
    """Whether they show that the domain is the tenant's and signs: verification and one DKIM key."""
    fitting = {finding.record.purpose for finding in findings if finding.state is State.OK}
    return {"verification", "dkim"} <= fitting


def _check(record: Record, lookup: Lookup) -> Finding:
    try:
        if record.purpose == "return-path":
            return _return_path(record, lookup)
        found = tuple(lookup(record.name, record.type))
    except LookupFailed as error:
        return Finding(record, State.UNKNOWN, cause=str(error))
    related = tuple(text for text in found if _related(record.purpose, text))
    if any(_fits(record, text) for text in related):
        return Finding(record, State.OK, related)
    return Finding(record, State.DIFFERENT if related else State.MISSING, related)


def _return_path(record: Record, lookup: Lookup) -> Finding:
    """A CNAME to us, or an MX that is us."""
    aliases = tuple(lookup(record.name, "CNAME"))
    if aliases:
        return Finding(record, State.OK if record.value in aliases else State.DIFFERENT, aliases)
    hosts = tuple(lookup(record.name, "MX"))
    if not hosts:
        return Finding(record, State.MISSING)
    # Every MX must be ours: bounces that go elsewhere are lost to us.
    return Finding(record, State.OK if set(hosts) == {record.value} else State.DIFFERENT, hosts)


def _related(purpose: str, text: str) -> bool:
    """Other TXT records may stand at the same name: SPF shares the domain's own."""
    if purpose == "spf":
        return text.lower().split(" ", 1)[0] == "v=spf1"
    if purpose == "dmarc":
        return _tags(text).get("v") == "DMARC1"
    return True


def _fits(record: Record, text: str) -> bool:
    if record.purpose == "dkim":
        wanted, found = _tags(record.value), _tags(text)
        return found.get("p") == wanted["p"] and found.get("k", "rsa") == wanted.get("k", "rsa")
    if record.purpose == "spf":
        wanted_mechanism = record.value.split()[1].lower()
        return wanted_mechanism in (term.lower().lstrip("+") for term in text.split())
    if record.purpose == "dmarc":
        return "p" in _tags(text)  # a stricter policy is as good
    return text == record.value


def _tags(text: str) -> dict[str, str]:
    """Tag-list (RFC 6376 §3.2) with white space inside values dropped."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): "".join(value.split()) for name, _, value in pairs if name.strip()}


def resolver(settings: Settings) -> Lookup:
    """A look-up by dnspython: the nameservers of ``[dns]``, else the system's."""
    import dns.exception
    import dns.nameserver
    import dns.resolver

    from config.names import split_endpoint

    try:
        asked = dns.resolver.Resolver(configure=not settings.dns.nameservers)
    except dns.exception.DNSException as error:
        raise LookupFailed(f"the system names no resolver ({error}); set dns.nameservers") from error
    if settings.dns.nameservers:
        endpoints = [split_endpoint(text) for text in settings.dns.nameservers]
        asked.nameservers = [dns.nameserver.Do53Nameserver(end.host, end.port) for end in endpoints]

    def lookup(name: str, kind: str) -> Sequence[str]:
        try:
            answer = asked.resolve(name + ".", kind, lifetime=settings.dns.timeout, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except dns.exception.Timeout as error:
            raise LookupFailed(f"no answer within {settings.dns.timeout:g} s") from error
        except (dns.exception.DNSException, OSError) as error:
            raise LookupFailed(str(error) or type(error).__name__) from error
        return [_text(kind, rdata) for rdata in answer]

    return lookup


def _text(kind: str, rdata: object) -> str:
    if kind == "TXT":
        return b"".join(getattr(rdata, "strings", ())).decode("utf-8", "replace")
    target = getattr(rdata, "exchange", None) if kind == "MX" else getattr(rdata, "target", None)
    return str(target).rstrip(".").lower()
