"""Claims to domains, from command line and API alike: which names can be claimed, and what DNS says is written down."""

from __future__ import annotations

from collections.abc import Sequence

from publicsuffixlist import PublicSuffixList

from config.settings import Settings
from relay.store.contract import Tx
from relay.tenants import domain_check, domains
from relay.tenants.domain_check import RecordFinding, RecordState
from relay.tenants.domains import DomainRow
from relay.values.errors import RegistryError


def sendable(text: str, settings: Settings) -> str:
    """A-labels of a domain that one customer can own; raises RegistryError."""
    name = domains.normal_name(text)
    if name in (settings.server.hostname, domains.mail_host(settings)):
        raise RegistryError(f"{name} is the relay's own name, where its bounces and letters come from; name another")
    if PublicSuffixList(only_icann=True).publicsuffix(name) == name:
        raise RegistryError(f"{name} is a public suffix that no customer owns; name a domain below it")
    return name


def take(
    conn: Tx, domain_id: int, findings: Sequence[RecordFinding], *, actor: str, now: float
) -> tuple[DomainRow, list[str]]:
    """Write down what DNS says, in the caller's transaction: the domain, and selectors that sign no more.

    Raises RegistryError if it is another tenant's, or looks like one that is.
    """
    row, retired = domains.by_id(conn, domain_id), list[str]()
    if domain_check.proves(findings):
        row = domains.mark_verified(conn, row, "dns", actor=actor, now=now)
        seen = [f.record.name.partition("._domainkey.")[0] for f in findings if _is_seen_key(f)]
        retired = domains.retire_superseded(conn, row, seen, actor=actor, now=now)
    for finding in findings:
        if finding.record.purpose == "return-path" and finding.state is not RecordState.UNKNOWN:
            domains.mark_return_path(conn, row, finding.state is RecordState.OK, now)
        if finding.record.purpose == "links" and finding.state is not RecordState.UNKNOWN:
            domains.mark_links(conn, row, finding.state is RecordState.OK, now)
    return domains.by_id(conn, domain_id), retired


def _is_seen_key(finding: RecordFinding) -> bool:
    return finding.record.purpose == "dkim" and finding.state is RecordState.OK
