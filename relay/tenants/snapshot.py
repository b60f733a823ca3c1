"""An immutable picture of the registry in memory, for the mail process.

The hot path asks it at every command. It is loaded whole, in one read
transaction, and again only when the number in ``meta`` that all changes move
has moved; what changes with every message (counters, consents) is not in it.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.campaigns.record import of as record_of
from relay.keys.secrets import Secrets
from relay.ledger import plans, quota
from relay.people import standing
from relay.store.contract import Tx
from relay.tenants import streams
from relay.tenants.credentials import Network
from relay.values.facts import Freeze, Stream, Tenant

if TYPE_CHECKING:
    from config.settings import Settings

DELIVERED_BULK: Final = "delivered/bulk"
_VERSION: Final = "SELECT value FROM meta WHERE name = 'registry'"
_VERSIONS: Final = "SELECT value FROM meta WHERE name IN ('registry', 'standing') ORDER BY name"


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """A tenant without what changes by the minute; see ``Snapshot.tenant``."""

    id: int
    name: str
    contact: str
    postal: str
    freeze: Freeze
    freeze_reason: str
    plan: str
    plan_started_at: float
    plan_ends_at: float | None
    bonus: int
    """Messages carried over into the running paid period (R21)."""
    verified_domains: frozenset[str]
    all_domains: frozenset[str]
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """A credential in force; ``username`` is empty where the address is enough."""

    id: int
    stream_id: int
    tenant_id: int
    username: str
    secret_hash: bytes
    only_from: Network | None


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """The DKIM key of its algorithm that signs, its private part still sealed (``relay.keys.dkim_keys`` opens it)."""

    selector: str
    algorithm: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class DomainRecord:
    """A sending domain; of several tenants' claims the verified one."""

    id: int
    tenant_id: int
    name: str
    verified: bool
    return_path: bool
    """Its return path record was seen in place."""
    keys: tuple[KeyRecord, ...]


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
    _terms: Mapping[str, plans.PlanTerms]
    _conn: Tx

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
            record_of(self._conn, tenant_id),
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
    ) -> None:
        """``next_round`` calls what it is given in the event loop's next round; until then a look isn't repeated."""
        self._next_round = next_round
        self._looked = False
        self._conn = conn
        self._settings = settings
        self._secrets = secrets
        self.latest = load(conn, settings, secrets)
        """As of the last look."""
        self.standing_version = standing.version(conn)
        """See ``standing.version``; as of the last look."""

    def current(self) -> Snapshot:
        """A look: loaded anew if anything in the registry was changed since the last.

        What was withdrawn counts for each message that comes in afterwards, be it a millisecond later: its copies
        are checked in a later round of the loop. A command read at the end of a busy round is judged by a look at
        its beginning.
        """
        if self._looked:
            return self.latest
        (version,), (self.standing_version,) = self._conn.execute(_VERSIONS).fetchall()
        if version != self.latest.version:
            self.latest = load(self._conn, self._settings, self._secrets)
        if self._next_round is not None:
            self._looked = True
            self._next_round(self._forget)
        return self.latest

    def _forget(self) -> None:
        self._looked = False


def load(conn: Tx, settings: Settings, secrets: Secrets) -> Snapshot:
    """Read the whole registry at one moment."""
    with _one_moment(conn):
        version = int(conn.execute(_VERSION).fetchone()[0])
        domains = _domains(conn)
        credentials = _credentials(conn)
        return Snapshot(
            version,
            _tenants(conn, domains),
            _streams(conn),
            {record.username: record for record, ip in credentials if not ip},
            _network_table([(record, ip) for record, ip in credentials if ip]),
            _by_name(domains),
            _claimed(domains, settings),
            settings.plans,
            conn,
        )


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


def _tenants(conn: Tx, domains: list[DomainRecord]) -> dict[int, TenantRecord]:
    verified, known = defaultdict(list), defaultdict(list)
    for domain in domains:
        known[domain.tenant_id].append(domain.name)
        if domain.verified:
            verified[domain.tenant_id].append(domain.name)
    topics = defaultdict(list)
    for tenant_id, topic in conn.execute("SELECT tenant_id, name FROM topic ORDER BY id"):
        topics[tenant_id].append(topic)
    bonus = dict(
        conn.execute("""SELECT id, value FROM tenant JOIN counter ON tenant_id = id
        AND counter.name = 'bonus/' || plan || '-' || CAST(plan_started_at AS INTEGER)""")
    )
    rows = conn.execute("""SELECT id, name, contact, postal, freeze, freeze_reason, plan, plan_started_at, plan_ends_at
        FROM tenant""")
    return {
        id_: TenantRecord(
            id_,
            name,
            contact,
            postal,
            Freeze(freeze),
            reason,
            plan,
            started_at,
            ends_at,
            bonus.get(id_, 0),
            frozenset(verified.get(id_, ())),
            frozenset(known.get(id_, ())),
            tuple(topics.get(id_, ())),
        )
        for id_, name, contact, postal, freeze, reason, plan, started_at, ends_at in rows
    }


def _streams(conn: Tx) -> dict[int, Stream]:
    rows = conn.execute("SELECT id, tenant_id, name, kind, topic, consent FROM stream")
    return {row[0]: streams.from_row(row) for row in rows}


def _credentials(conn: Tx) -> list[tuple[CredentialRecord, str]]:
    rows = conn.execute("""SELECT credential.id, stream_id, tenant_id, coalesce(username, ''),
        coalesce(secret_hash, x''), only_from, ip
        FROM credential JOIN stream ON stream.id = stream_id WHERE revoked_at IS NULL""")
    return [
        (
            CredentialRecord(
                id_, stream_id, tenant_id, username, secret_hash, ipaddress.ip_network(only_from) if only_from else None
            ),
            ip,
        )
        for id_, stream_id, tenant_id, username, secret_hash, only_from, ip in rows
    ]


def _network_table(credentials: list[tuple[CredentialRecord, str]]) -> NetworkTable:
    table: dict[tuple[int, int], dict[int, CredentialRecord]] = defaultdict(dict)
    for record, ip in credentials:
        network = ipaddress.ip_network(ip)
        bits = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
        table[network.version, network.prefixlen][bits] = record
    return tuple((version, prefix, table[version, prefix]) for version, prefix in sorted(table, reverse=True))


def _domains(conn: Tx) -> list[DomainRecord]:
    # A newer key of the same algorithm waits for its DNS record: the oldest one in force signs.
    keys: dict[int, list[KeyRecord]] = defaultdict(list)
    for domain_id, selector, algorithm, sealed in conn.execute(
        "SELECT domain_id, selector, algorithm, sealed FROM dkim_key WHERE retired_at IS NULL ORDER BY id"
    ):
        if all(key.algorithm != algorithm for key in keys[domain_id]):
            keys[domain_id].append(KeyRecord(selector, algorithm, sealed))
    rows = conn.execute("SELECT id, tenant_id, name, verified_at, return_path_at FROM domain ORDER BY id")
    return [
        DomainRecord(
            id_, tenant_id, name, verified_at is not None, return_path_at is not None, tuple(keys.get(id_, ()))
        )
        for id_, tenant_id, name, verified_at, return_path_at in rows
    ]


def _claimed(domains: list[DomainRecord], settings: Settings) -> frozenset[str]:
    own = {settings.server.hostname, settings.links.mail_domain} - {""}
    return frozenset(own.union(domain.name for domain in domains if domain.verified))


def _by_name(domains: list[DomainRecord]) -> dict[str, DomainRecord]:
    found: dict[str, DomainRecord] = {}
    for domain in domains:
        if domain.name not in found or domain.verified:
            found[domain.name] = domain
    return found
