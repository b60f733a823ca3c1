"""Comparing a domain's DNS with the records it should have.

The look-up is handed in, so that this needs no network.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from relay.tenants import dmarc
from relay.tenants.domains import DnsRecord, return_path_host
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
    told: str = ""
    """What DNS holds in other words, where it needn't be the record itself."""
    remarks: tuple[str, ...] = ()
    """What is worth a word though it will do."""


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
        if record.purpose == "dmarc":
            return _dmarc(record, lookup)
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


def _dmarc(record: DnsRecord, lookup: RecordLookup) -> RecordFinding:
    """Any policy that receivers find by their walk will do, be it the organisation's (RFC 9989)."""
    found = dmarc.answer(record.name.removeprefix("_dmarc."), lookup)
    if found.record is None:
        state = RecordState.UNKNOWN if found.unknown else RecordState.DIFFERENT if found.faults else RecordState.MISSING
        return RecordFinding(record, state, cause=found.unknown, told="; ".join(found.faults))
    path = return_path_host(found.domain)
    apart = () if dmarc.aligned(found.domain, path, lookup) else (f"{path} doesn't align with it: psd= parts them",)
    more = (*found.faults, *dmarc.remarks(found), *apart)
    return RecordFinding(record, RecordState.OK, (found.record.text,), told=dmarc.sentence(found), remarks=more)


def _related(purpose: str, text: str) -> bool:
    """Other TXT records may stand at the same name: SPF shares the domain's own."""
    if purpose == "spf":
        return text.lower().split(" ", 1)[0] == "v=spf1"
    return True


def _fits(record: DnsRecord, text: str) -> bool:
    if record.purpose == "dkim":
        wanted, found = _tags(record.value), _tags(text)
        return found.get("p") == wanted["p"] and found.get("k", "rsa") == wanted.get("k", "rsa")
    if record.purpose == "spf":
        wanted_mechanism = record.value.split()[1].lower()
        return wanted_mechanism in (term.lower().lstrip("+") for term in text.split())
    return text == record.value


def _tags(text: str) -> dict[str, str]:
    """Tag-list (RFC 6376 §3.2) with white space inside values dropped."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): "".join(value.split()) for name, _, value in pairs if name.strip()}
