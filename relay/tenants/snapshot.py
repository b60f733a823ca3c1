"""An immutable picture of the registry in memory, for the mail process.

The hot path asks it at every command. It is loaded whole once; after that,
where the number in ``meta`` that all changes move has moved, only the tenants
are read anew that were changed, in one read transaction. What changes with
every message (counters, consents) is not in it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from relay.campaigns.record import of as record_of
from relay.keys.secrets import Secrets
from relay.ledger import plans, quota
from relay.mail.skeleton import look_of
from relay.store.as_of import look
from relay.store.contract import Tx
from relay.tenants import parts
from relay.tenants.parts import BrakeRecord, CredentialRecord, DomainRecord, NetworkRecord, TenantPart, TenantRecord
from relay.values.facts import Stream, Tenant

if TYPE_CHECKING:
    from config.settings import Settings

DELIVERED_BULK: Final = "delivered/bulk"
FEW: Final = 20
"""Tenants whose change is read where it is met, some milliseconds of the loop; more are read ahead in a thread."""
_VERSION: Final = "SELECT value FROM meta WHERE name = 'registry'"
_CHANGED: Final = "SELECT tenant_id FROM registry_change WHERE version > ?"

NetworkTable = tuple[tuple[int, int, Mapping[int, CredentialRecord]], ...]
"""(IP version, prefix length, network bits → record), narrowest prefix first."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The registry as it was at ``version``."""

    version: int
    tenants: Mapping[int, TenantRecord]
    streams: Mapping[int, Stream]
    by_username: Mapping[str, CredentialRecord]
    by_network: NetworkTable
    domains: Mapping[str, DomainRecord]
    claimed: frozenset[str]
    """Verified domains of all tenants, and the operator's own names."""
    brakes: Mapping[str, BrakeRecord]
    """Log-ins whose mail is held."""
    named: Mapping[str, str]
    """Names and titles of all tenants and the operator's, by what they look like."""
    _parts: Mapping[int, TenantPart]
    _claims: Mapping[str, tuple[DomainRecord, ...]]
    """All tenants' claims to a domain, by id."""
    _own: frozenset[str]
    """The operator's own names."""
    _terms: Mapping[str, plans.PlanTerms]
    _conn: Tx

    def own_domain(self, tenant_id: int, name: str) -> DomainRecord | None:
        """The domain if it is verified for the tenant."""
        record = self.domains.get(name)
        return record if record is not None and record.verified and record.tenant_id == tenant_id else None

    def may_leave(self, tenant_id: int, name: str) -> bool:
        """Whether mail from a domain may leave now: it is the tenant's and signs, or it is the operator's own name."""
        record = self.own_domain(tenant_id, name)
        if record is not None:
            return bool(record.keys)
        return name in self.claimed and name not in self.domains

    def tenant(self, tenant_id: int, now: float) -> Tenant:
        """The facts that policies see, with allowance and delivered copies as of ``now``.

        One indexed read. Raises KeyError for an id that is not there.
        """
        row = self.tenants[tenant_id]
        return Tenant(
            row.id,
            row.name,
            row.contact,
            row.postal,
            row.freeze,
            row.freeze_reason,
            row.verified_domains,
            row.all_domains,
            row.topics,
            quota.counter(self._conn, tenant_id, DELIVERED_BULK),
            plans.allowance(row.plan, row.plan_started_at, row.plan_ends_at, self._terms, now, row.bonus),
            self.claimed,
            record_of(self._conn, tenant_id, now),
            row.title,
            row.language,
            row.titles,
            row.watched_at,
            row.watched_until,
            row.contact_confirmed,
            row.permits,
            self.named,
        )


class SnapshotSource:
    """Keeps the latest snapshot; use it from the thread of its connection."""

    def __init__(
        self,
        conn: Tx,
        settings: Settings,
        secrets: Secrets,
        *,
        next_round: Callable[[Callable[[], None]], object] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``next_round`` calls what it is given in the event loop's next round; until then a look isn't repeated."""
        self._next_round = next_round
        self._clock = clock
        self._looked = False
        self._conn = conn
        self.as_of = look(conn, clock())
        """The last look."""
        self.latest = load(conn, settings, secrets)
        """What the registry was then."""

    def current(self) -> Snapshot:
        """A look: tenants that were changed since the last are read anew.

        What was withdrawn counts for each message that comes in afterwards, be it a millisecond later: its copies
        are checked in a later round of the loop. A command read at the end of a busy round is judged by a look at
        its beginning.
        """
        if self._looked:
            return self.latest
        self.as_of = look(self._conn, self._clock(), self.as_of)
        if self.as_of.registry != self.latest.version:
            self.latest = refreshed(self._conn, self.latest)
        if self._next_round is not None:
            self._looked = True
            self._next_round(self._forget)
        return self.latest

    def ahead(self, conn: Tx) -> Snapshot | None:
        """For a thread, with a connection of its own: the next snapshot where many were changed, for ``adopt``.

        So a look seldom finds more than a few tenants to read, also after a change of all of them.
        """
        latest = self.latest
        if conn.execute(_VERSION).fetchone()[0] == latest.version:
            return None
        many = conn.execute(f"{_CHANGED} LIMIT ?", (latest.version, FEW + 1)).fetchall()
        return refreshed(conn, latest) if len(many) > FEW else None

    def adopt(self, made: Snapshot | None) -> None:
        """Take what was read ahead, unless a look was faster."""
        if made is not None and made.version > self.latest.version:
            self.latest = made

    def _forget(self) -> None:
        self._looked = False


def load(conn: Tx, settings: Settings, secrets: Secrets) -> Snapshot:
    """Read the whole registry at one moment."""
    own = frozenset({settings.server.hostname, settings.links.mail_domain} - {""})
    named = {look_of(settings.operator.name): settings.operator.name} if settings.operator.name else {}
    none = Snapshot(0, {}, {}, {}, (), {}, own, {}, named, {}, {}, _own=own, _terms=settings.plans, _conn=conn)
    with _one_moment(conn):
        return _with(none, _version(conn), dict(parts.read(conn)))


def refreshed(conn: Tx, before: Snapshot) -> Snapshot:
    """The registry as it is now, at one moment: read are those tenants that were changed since ``before``."""
    with _one_moment(conn):
        version = _version(conn)
        changed = [int(id_) for (id_,) in conn.execute(_CHANGED, (before.version,))]
        found = parts.read(conn, changed) if changed else {}
        return _with(before, version, {id_: found.get(id_) for id_ in changed})


def _version(conn: Tx) -> int:
    return int(conn.execute(_VERSION).fetchone()[0])


@contextmanager
def _one_moment(conn: Tx) -> Iterator[None]:
    if conn.in_transaction:
        yield
        return
    conn.execute("BEGIN")
    try:
        yield
    finally:
        conn.execute("COMMIT")


def _with(before: Snapshot, version: int, fresh: Mapping[int, TenantPart | None]) -> Snapshot:
    """``before`` with these tenants' parts in place of those it has; None: the tenant is gone."""
    if not fresh:
        return replace(before, version=version)
    kept = dict(before._parts)
    gone = [kept.pop(id_) for id_ in fresh if id_ in kept]
    new = [part for part in fresh.values() if part is not None]
    kept.update({part.tenant.id: part for part in new})
    tenants, streams, names = dict(before.tenants), dict(before.streams), dict(before.by_username)
    for part in gone:
        tenants.pop(part.tenant.id, None)
        for stream in part.streams:
            streams.pop(stream.id, None)
        for credential in part.passwords:
            names.pop(credential.username, None)
    for part in new:
        tenants[part.tenant.id] = part.tenant
        streams.update({stream.id: stream for stream in part.streams})
        names.update({credential.username: credential for credential in part.passwords})
    brakes = bool(before.brakes) or any(part.brakes for part in new)
    networks = before.by_network
    if any(part.networks for part in gone) or any(part.networks for part in new):
        networks = _network_table(kept.values())
    claims, domains, claimed = _with_domains(before, gone, new)
    return Snapshot(
        version,
        tenants,
        streams,
        names,
        networks,
        domains,
        claimed,
        {one.login: one for part in kept.values() for one in part.brakes} if brakes else {},
        _with_names(before.named, gone, new),
        kept,
        claims,
        _own=before._own,
        _terms=before._terms,
        _conn=before._conn,
    )


def _with_names(before: Mapping[str, str], gone: list[TenantPart], new: list[TenantPart]) -> Mapping[str, str]:
    """Whose names are taken after the change. Of two tenants of one name either stands for both."""
    old = {name for part in gone for name in (part.tenant.name, part.tenant.title) if name}
    fresh = {name for part in new for name in (part.tenant.name, part.tenant.title) if name}
    if old == fresh:
        return before
    names = dict(before)
    for name in old - fresh:
        names.pop(look_of(name), None)
    names.update({look_of(name): name for name in fresh})
    return names


def _with_domains(
    before: Snapshot, gone: list[TenantPart], new: list[TenantPart]
) -> tuple[dict[str, tuple[DomainRecord, ...]], dict[str, DomainRecord], frozenset[str]]:
    """(claims, domains, claimed) as they are after the change."""
    old = [domain for part in gone for domain in part.domains]
    fresh = [domain for part in new for domain in part.domains]
    left: dict[str, list[DomainRecord]] = defaultdict(list)
    ids = {domain.id for domain in old} | {domain.id for domain in fresh}
    names = {domain.name for domain in old} | {domain.name for domain in fresh}
    for name in names:
        left[name] = [domain for domain in before._claims.get(name, ()) if domain.id not in ids]
    for domain in fresh:
        left[domain.name].append(domain)
    claims, domains = dict(before._claims), dict(before.domains)
    taken: set[str] = set()
    free: set[str] = set()
    for name, found in left.items():
        claims.pop(name, None)
        domains.pop(name, None)
        if found:
            found.sort(key=_by_id)
            claims[name] = tuple(found)
            domains[name] = _winner(found)
        (taken if found and domains[name].verified else free).add(name)
    lost = {domain.name for domain in old if domain.verified} & free
    return claims, domains, (before.claimed - lost) | taken | before._own


def _by_id(domain: DomainRecord) -> int:
    return domain.id


def _winner(claims: list[DomainRecord]) -> DomainRecord:
    """Of several tenants' claims the one that is verified, else the oldest."""
    found = claims[0]
    for domain in claims:
        if domain.verified:
            found = domain
    return found


def _network_table(all_: Iterable[TenantPart]) -> NetworkTable:
    records = sorted((record for part in all_ for record in part.networks), key=_by_credential)
    table: dict[tuple[int, int], dict[int, CredentialRecord]] = defaultdict(dict)
    for record in records:
        table[record.version, record.prefix][record.bits] = record.credential
    return tuple((version, prefix, table[version, prefix]) for version, prefix in sorted(table, reverse=True))


def _by_credential(record: NetworkRecord) -> int:
    return record.credential.id
