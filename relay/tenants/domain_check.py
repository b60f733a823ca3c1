"""Comparing a domain's DNS with the records it should have.

The look-up is handed in, so that this needs no network.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from relay.tenants.domains import DnsRecord
from relay.tenants.lookup import LookupFailed, RecordLookup


class RecordState(StrEnum):
    OK = "ok"
    MISSING = "missing"
    DIFFERENT = "different"
    UNKNOWN = "unknown"
    """The look-up failed."""


@dataclass(frozen=True, slots=True)
class RecordFinding:
    """One record and what DNS holds in its place."""

    record: DnsRecord
    state: RecordState
    found: tuple[str, ...] = ()
    cause: str = ""


def check(records: Iterable[DnsRecord], lookup: RecordLookup) -> list[RecordFinding]:
    """Look each record up."""
    return [_check(record, lookup) for record in records]


def proves(findings: Iterable[RecordFinding]) -> bool:
    """Whether they show that the domain is the tenant's and signs: verification and one DKIM key."""
    fitting = {finding.record.purpose for finding in findings if finding.state is RecordState.OK}
    return {"verification", "dkim"} <= fitting


def _check(record: DnsRecord, lookup: RecordLookup) -> RecordFinding:
    try:
        if record.purpose == "return-path":
            return _return_path(record, lookup)
        found = tuple(lookup(record.name, record.type))
    except LookupFailed as error:
        return RecordFinding(record, RecordState.UNKNOWN, cause=str(error))
    related = tuple(text for text in found if _related(record.purpose, text))
    if any(_fits(record, text) for text in related):
        return RecordFinding(record, RecordState.OK, related)
    return RecordFinding(record, RecordState.DIFFERENT if related else RecordState.MISSING, related)


def _return_path(record: DnsRecord, lookup: RecordLookup) -> RecordFinding:
    """A CNAME to us, or an MX that is us."""
    aliases = tuple(lookup(record.name, "CNAME"))
    if aliases:
        return RecordFinding(record, RecordState.OK if record.value in aliases else RecordState.DIFFERENT, aliases)
    hosts = tuple(lookup(record.name, "MX"))
    if not hosts:
        return RecordFinding(record, RecordState.MISSING)
    # Every MX must be ours: bounces that go elsewhere are lost to us.
    return RecordFinding(record, RecordState.OK if set(hosts) == {record.value} else RecordState.DIFFERENT, hosts)


def _related(purpose: str, text: str) -> bool:
    """Other TXT records may stand at the same name: SPF shares the domain's own."""
    if purpose == "spf":
        return text.lower().split(" ", 1)[0] == "v=spf1"
    if purpose == "dmarc":
        return _tags(text).get("v") == "DMARC1"
    return True


def _fits(record: DnsRecord, text: str) -> bool:
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
